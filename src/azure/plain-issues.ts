// Describes zod's issues in plain words. Never quotes the value.

import type * as z from 'zod/mini'

/**
 * Given to `safeParse`: every issue gets a sentence without its subject, such as "is missing". A message that a schema defines is kept.
 * `jitless`: a parser that zod compiles pays off after some hundred uses, and a cold start waits for each.
 */
export const plainly: z.core.ParseContext<z.core.$ZodIssue> = { error: sentenceFor, jitless: true }

function sentenceFor(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${article(issue.expected)}`
    case 'invalid_value':
      return `must be ${issue.values.map((value) => `"${String(value)}"`).join(' or ')}`
    case 'too_small':
      return `needs at least ${counted(issue.minimum, issue.origin)}`
    case 'too_big':
      return `may have at most ${counted(issue.maximum, issue.origin)}`
    default:
      return 'does not have the expected form'
  }
}

const words: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  record: 'an object',
  null: 'null',
}

function article(type: string): string {
  return words[type] ?? `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

function counted(count: number | bigint, origin: string): string {
  const unit = origin === 'string' ? 'character' : origin === 'array' ? 'entry' : origin === 'object' ? 'field' : ''
  if (unit === '') return String(count)
  return `${count.toLocaleString('en-US')} ${count === 1 || count === 1n ? unit : unit === 'entry' ? 'entries' : `${unit}s`}`
}
