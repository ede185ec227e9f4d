// What a service answered, parsed once, and what it refused, with the right that was missing.

import * as z from 'zod/mini'
import type { RawRequest } from '../../azure/clients.ts'
import { passes, rebuild } from '../../azure/service-error.ts'
import { type KeyRing, slotsChanged } from '../../engine/key-ring.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { Secret } from '../../engine/secret.ts'
import { type Instant, seconds } from '../../engine/target.ts'

/** Which call it is. */
export interface ServiceOperation {
  /** REST operation and the thing it is about, without the query: `POST …/accounts/vision/listKeys`. */
  readonly operation: string
  /** The right it needs, by the name that roles use. */
  readonly permission: string
  /** What the service's own codes mean, where a client of Azure's makes the call. */
  readonly means?: NonNullable<RawRequest['errorCodes']>['means']
}

/** A key, or a string with one inside. */
export const secretText = z.pipe(
  z.string().check(z.minLength(1)),
  z.transform((value: string) => Secret.of(value)),
)

/** Before there was Azure: what says so stands for a moment that was not noted. */
const firstMoment: Instant = Date.UTC(2010, 0, 1)

/** A moment that a service says of a key, in ISO 8601. Whatever cannot be one counts as not said, for none is needed. */
export const momentSaid = z.optional(
  z.pipe(
    z.unknown(),
    z.transform((value: unknown): Instant | undefined => {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
      return at >= firstMoment ? at : undefined
    }),
  ),
)

/**
 * Runs one call. Whatever it throws leaves as a RekeyError; a missing right is named. `PermissionDenied` of the run keeps
 * its code.
 */
export async function serviceCall<Answer>(what: ServiceOperation, run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run()
  } catch (error) {
    const rebuilt = rebuild(error, what.operation, what.means === undefined ? {} : { means: what.means })
    // Without a status the token itself was missing, and no right would help.
    if (rebuilt.code !== 'PermissionDenied' || rebuilt.details.service?.status === undefined) throw rebuilt
    throw new RekeyError('PermissionDenied', {
      ...rebuilt.details,
      remedy: `Grant the app's identity ${what.permission} on this resource. A new role assignment takes some minutes to work.`,
    })
  }
}

/**
 * The fields of an answer that are used. Throws `UnexpectedAnswer`, outcome unknown, naming the fields that are missing:
 * paths only, since the values beside them are keys.
 */
export function parseAnswer<Schema extends z.core.$ZodType>(
  schema: Schema,
  body: unknown,
  { operation }: Pick<ServiceOperation, 'operation'>,
): z.output<Schema> {
  const parsed = z.safeParse(schema, body)
  if (parsed.success) return parsed.data
  const paths = [...new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'the body'))]
  throw unexpected(operation, `the answer lacks ${paths.join(', ')}`)
}

/** An answer that is none, or not the one we asked for: the service may have acted all the same. */
export function unexpected(operation: string, what: string): RekeyError {
  return new RekeyError('UnexpectedAnswer', {
    message: `${operation}: ${what}`,
    remedy: 'No action is needed: the app reads the service again before it does anything else.',
    service: { operation },
    retryAfter: seconds(30),
    outcomeUnknown: true,
  })
}

/** The same error about a change that was sent and taken: whether it was finished is not known. */
export function undecided(error: unknown): unknown {
  if (!(error instanceof RekeyError) || error.code === 'LeaseLost') return error
  return new RekeyError(error.code, { retryAfter: seconds(30), ...error.details, outcomeUnknown: true })
}

/**
 * A write that carries keys back must carry those that were read when it was decided. Throws `ServiceChanged`
 * when the ring has changed since `seen`; where nothing has been seen yet, there is nothing to compare.
 */
export function assertUnchanged(seen: KeyRing | undefined, now: KeyRing, operation: string): void {
  if (seen === undefined || slotsChanged(seen, now).length === 0) return
  throw new RekeyError('ServiceChanged', {
    message: `${operation}: another client has changed the keys meanwhile`,
    remedy: passes,
    service: { operation },
    retryAfter: seconds(1),
  })
}
