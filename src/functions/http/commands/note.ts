// The note in which a caller says why: it is copied to events and logs.

import * as z from 'zod/mini'

/** One line, at most 256 characters. */
export const note = z
  .string()
  .check(z.maxLength(256, 'at most 256 characters'), z.regex(/^[^\p{C}]*$/u, 'no control characters'))
