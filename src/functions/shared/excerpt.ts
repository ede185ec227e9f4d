// Shortens a list for a log line or an error message, which hold fewer names than a fleet has.

import type { Problem } from '../../compose.ts'

/** How many of a kind are listed one by one. */
const most = 20

/** The first twenty messages in one line, and how many more there are. */
export function joined(messages: readonly string[]): string {
  const rest = messages.length - most
  return messages.slice(0, most).join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

/** For a log line; health lists them all. */
export function excerptOf(problems: readonly Problem[]) {
  return { count: problems.length, first: problems.slice(0, most) }
}

/** How many problems, or targets of a kind, an answer lists: a file may have ten thousand, and every answer repeats them. */
export const mostListed = 100

/** For a response: the first of them, and how many there are. */
export function problemsIn(problems: readonly Problem[]) {
  return { problems: problems.slice(0, mostListed), problemCount: problems.length }
}

/** One problem in a line: its place, with the target's name and line where it has them. */
export function sentenceOf({ path, target, line, message }: Problem): string {
  const place = [target === undefined ? '' : `target "${target}"`, line === undefined ? '' : `line ${line}`]
  const where = place.filter((each) => each !== '').join(', ')
  return `${path}${where === '' ? '' : ` (${where})`}: ${message}`
}
