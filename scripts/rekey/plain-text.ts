// Text from outside, made safe for a terminal: what is written there can move the cursor, hide lines, or type an answer.

/** Control and format characters (C0, C1, bidirectional marks), line separators and halves of surrogate pairs. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** One line: each unsafe character is shown as its escape, such as `\u001b`. */
export function plain(text: string): string {
  return text.replace(unsafe, escaped)
}

/** The same for text of several lines: line feeds stay. */
export function plainLines(text: string): string {
  return text.split(/\r?\n/).map(plain).join('\n')
}

/** JSON that means the same, without an unsafe character. JSON.stringify escapes only some of them. */
export function plainJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(unsafe, (char) => (char === '\n' ? char : escaped(char)))
}

/** The UTF-16 units, as JSON writes them. */
function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
    '',
  )
}
