// Reads Markdown documents: files, code blocks, sections, tables, anchors.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Every document for users, by its path in the repository. */
export const documents: ReadonlyMap<string, string> = new Map(
  ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'infra/README.md', ...globSync('docs/**/*.md', { cwd: root })].map(
    (path) => [path.replaceAll('\\', '/'), textOf(path)],
  ),
)

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The fenced code blocks of one language. */
export function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , code]) => code!)
}

/** The text without its code blocks. */
export function prose(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The text under a heading, up to the next of the same or a higher level. Throws when there is no such heading. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n')
  const headings = headingLines(lines)
  const start = headings.find(({ title }) => title === heading)
  if (start === undefined) throw new Error(`there is no heading "${heading}"`)
  const end = headings.find(({ index, level }) => index > start.index && level <= start.level)
  return lines.slice(start.index + 1, end?.index).join('\n')
}

/** Headings, but not the comments of shell scripts, which have the same form. */
function headingLines(lines: readonly string[]) {
  let fenced = false
  return lines.flatMap((line, index) => {
    if (line.startsWith('```')) fenced = !fenced
    const [, marks, title] = (!fenced && /^(#+) (.+)$/.exec(line)) || []
    return marks && title ? [{ index, level: marks.length, title }] : []
  })
}

/** The cells of every row of the tables in a text, heads and rules left out. */
export function rows(markdown: string): string[][] {
  const lines = prose(markdown).split('\n')
  return lines
    .filter((line, index) => line.startsWith('|') && !isRule(line) && !isRule(lines[index + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

/** The words in backquotes. */
export function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, word]) => word!)
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(markdown: string): string[] {
  return [...prose(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function isRule(line: string): boolean {
  return /^\|[\s|:-]+\|$/.test(line) && line.includes('-')
}
