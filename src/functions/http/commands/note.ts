// The note in which a caller says why: it is copied to events and logs.

import * as z from 'zod/mini'

const longest = 256
const tooLong = 'at most 256 characters'

/** One line, at most 256 characters: what a tag holds. zod counts an emoji as one, and a tag as two. */
export const note = z.string().check(
  z.maxLength(longest, tooLong),
  z.refine((text) => text.length <= longest, `${tooLong}; some, such as emoji, count as two`),
  z.regex(/^[^\p{C}]*$/u, 'no control characters'),
)

/** Of a command that needs one: more than spaces. */
export const why = z.pipe(z.string('must say why, such as "seen in a log"').check(z.regex(/\S/, 'must say why')), note)
