// The note in which a caller says why: it is copied to events and logs.

import * as z from 'zod'

/** One line, at most 256 characters. */
export const note = z
  .string()
  .max(256, 'at most 256 characters')
  .regex(/^[^\p{C}]*$/u, 'no control characters')
