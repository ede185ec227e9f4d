// Room: the doorways. What callers may say about why: it goes into events and logs.

import * as z from 'zod'

/** One line, at most 256 characters. */
export const note = z
  .string()
  .max(256, 'at most 256 characters')
  .regex(/^[^\p{C}]*$/u, 'no control characters')
