// An error inside an answer: of a target, an operation or an outcome. A whole answer that is an error is a problem (problem.ts).

import { iso } from '../../engine/duration.ts'
import type { ErrorCode, RekeyError } from '../../engine/rekey-error.ts'
import type { Stamps } from '../../engine/stored-secret.ts'
import type { Instant } from '../../engine/target.ts'
import { problems } from './problem.ts'
import type { EmbeddedError } from './schemas/error-schema.ts'

export type { EmbeddedError } from './schemas/error-schema.ts'

export const codeRemedy = 'docs/reference/error-codes.md says what to do about each code.'

/** The error as an answer shows it. */
export function embedded({ code, message, details: { remedy } }: RekeyError, at?: Instant): EmbeddedError {
  return { code, message, ...(remedy === undefined ? {} : { remedy }), ...(at === undefined ? {} : { at: iso(at) }) }
}

/** The last failure of a target, of which its tag has the code, the moment, and whose it was. */
export function taggedError({ code, at, request }: NonNullable<Stamps['failed']>): EmbeddedError {
  // Whoever may write the vault writes its tags: a code may be any text.
  const known = Object.hasOwn(problems, code) ? problems[code as ErrorCode] : undefined
  const message = known?.[1] ?? 'The last change failed'
  return { code, message, remedy: codeRemedy, at: iso(at), ...(request === undefined ? {} : { request }) }
}
