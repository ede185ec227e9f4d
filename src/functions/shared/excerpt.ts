// Room: the doorways. The beginning of what may be long: a log line or an error has room for so much, a fleet for more. Imports nothing.

/** How many of a kind are told one by one. */
const most = 20

export function joined(messages: readonly string[]): string {
  const rest = messages.length - most
  return messages.slice(0, most).join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

/** For a log line; health tells them all. */
export function excerptOf<Problem>(problems: readonly Problem[]) {
  return { count: problems.length, first: problems.slice(0, most) }
}
