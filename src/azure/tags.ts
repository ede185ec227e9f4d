// The tags written beside a secret's value. Three tags are those of Microsoft's tutorial, so that its templates and Rekey
// can replace each other; `rekey`, `rekey-failed` and `rekey-note` are ours: JSON with times in ISO 8601, and plain text.

import * as z from 'zod/mini'
import { iso } from '../engine/duration.ts'
import type { SecretMetadata } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import type { Reason, Stamps, StoredSecret } from '../engine/stored-secret.ts'
import type { Duration, Instant } from '../engine/target.ts'
import { parseJson } from './json.ts'
import { onFirstUse } from './lazily.ts'

const ourTags = [
  'rekey',
  'rekey-failed',
  'rekey-note',
  'CredentialId',
  'ProviderAddress',
  'ValidityPeriodDays',
] as const
const mostTags = 15
const longestTag = 512

type Tags = Readonly<Record<string, string>>

const reasons = {
  adopted: 0,
  unmanaged: 0,
  paused: 0,
  settling: 0,
  interrupted: 0,
  drifted: 0,
  revoked: 0,
  pending: 0,
  unannounced: 0,
  promoted: 0,
  swapped: 0,
  requested: 0,
  cooling: 0,
  due: 0,
  retiring: 0,
} satisfies Record<Reason, 0>

const instant = onFirstUse(() =>
  z.pipe(
    z.iso.datetime({ offset: true }),
    z.transform((text: string): Instant => Date.parse(text)),
  ),
)

const notified = onFirstUse(() => z.optional(z.literal(true)))

// A field that a later version may have added must not make the rest unreadable: it is left out.
const StampsTag = onFirstUse(() =>
  z.object({
    target: z.string().check(z.minLength(1)),
    rotatedAt: z.optional(instant()),
    createdAfter: z.optional(instant()),
    standbyCreatedAfter: z.optional(instant()),
    pending: z.optional(
      z.discriminatedUnion('state', [
        z.object({ state: z.literal('requested'), since: instant(), after: z.optional(z.literal('retire')) }),
        z.object({
          state: z.literal('created'),
          since: instant(),
          unanswered: z.optional(instant()),
          notified: notified(),
        }),
        z.object({ state: z.literal('unanswered'), since: instant(), notified: notified() }),
        z.object({ state: z.literal('retired'), since: instant() }),
      ]),
    ),
    took: z.catch(
      z.optional(
        z.pipe(
          z.int().check(z.positive()),
          z.transform((whole: number): Duration => whole * 1000),
        ),
      ),
      undefined,
    ),
    proven: z.optional(z.boolean()),
    retire: z.optional(z.boolean()),
    announced: z.optional(z.boolean()),
    behind: z.catch(z.optional(z.literal(true)), undefined),
    reason: z.pipe(
      z.optional(z.string()),
      z.transform((word) => (word !== undefined && isReason(word) ? word : undefined)),
    ),
    actor: z.optional(z.string()),
  }),
)

const FailedTag = onFirstUse(() =>
  z.object({
    code: z.string(),
    at: instant(),
    step: z.catch(z.optional(z.literal('observe')), undefined),
    request: z.catch(z.optional(z.string()), undefined),
  }),
)

/** The tags of a version: those of others, with ours on top. Throws RekeyError `TagsTooLarge`. */
export function encodeTags(metadata: Omit<SecretMetadata, 'expiresOn'>): Tags {
  const { stamps, slot, address, validityDays, otherTags, note } = metadata
  const tags = {
    ...otherTags,
    rekey: encodeStamps(stamps),
    ...(stamps.failed ? { 'rekey-failed': JSON.stringify({ ...stamps.failed, at: iso(stamps.failed.at) }) } : {}),
    ...(note ? { 'rekey-note': note.slice(0, longestTag).toWellFormed() } : {}),
    CredentialId: slot,
    ProviderAddress: address,
    ValidityPeriodDays: String(validityDays),
  }
  tagsFit(tags, stamps.target)
  return tags
}

/** Refuses what Key Vault would: more than 15 tags, or a value over 512 characters. Their names it has accepted before. Throws `TagsTooLarge`. */
function tagsFit(tags: Tags, target: string): void {
  const long = Object.entries(tags).find(([, value]) => value.length > longestTag)
  if (long === undefined && Object.keys(tags).length <= mostTags) return
  throw new RekeyError('TagsTooLarge', {
    target,
    message:
      long === undefined
        ? `the secret would have ${Object.keys(tags).length} tags, and Key Vault allows ${mostTags}`
        : `the tag "${long[0].slice(0, 60)}" would be longer than the ${longestTag} characters that Key Vault allows`,
    remedy: 'Remove tags from the current version of the secret: Rekey needs six of its own.',
  })
}

/** Parses a version's tags. A tag `rekey` that cannot be read counts as absent; nothing here throws. */
export function parseTags(
  tags: Tags | undefined,
): Pick<StoredSecret, 'stamps' | 'slot' | 'address' | 'validity' | 'note' | 'otherTags'> {
  const all = tags ?? {}
  const stamps = parseStamps(all['rekey'], all['rekey-failed'])
  const { CredentialId: slot, ProviderAddress: address, ValidityPeriodDays: validity, 'rekey-note': note } = all
  const isOurs = (name: string) => ourTags.some((each) => each === name)
  return {
    ...(stamps === undefined ? {} : { stamps }),
    ...(slot === undefined ? {} : { slot }),
    ...(address === undefined ? {} : { address }),
    ...(validity === undefined ? {} : { validity }),
    ...(note === undefined ? {} : { note }),
    otherTags: Object.fromEntries(Object.entries(all).filter(([name]) => !isOurs(name))),
  }
}

/** The tag `rekey`. The actor is cut to the space that is left: a long name must not stop a rotation. */
function encodeStamps(stamps: Stamps): string {
  const { rotatedAt, createdAfter, standbyCreatedAfter, pending, took, failed: _, actor, ...plain } = stamps
  const text = (who: string | undefined) =>
    JSON.stringify({
      ...plain,
      rotatedAt: iso(rotatedAt),
      createdAfter: iso(createdAfter),
      standbyCreatedAfter: iso(standbyCreatedAfter),
      pending: pending && encodePending(pending),
      took: took && took / 1000,
      actor: who,
    })
  const excess = text(actor).length - longestTag
  if (actor === undefined || excess <= 0) return text(actor)
  // Escapes may be longer than what they stand for, so cutting by the excess always suffices.
  return text(actor.slice(0, Math.max(0, actor.length - excess)).toWellFormed() || undefined)
}

function parseStamps(tag: string | undefined, failedTag: string | undefined): Stamps | undefined {
  const stamps = StampsTag().safeParse(parseJson(tag ?? ''))
  if (!stamps.success) return undefined
  const failed = FailedTag().safeParse(parseJson(failedTag ?? ''))
  return known({ ...stamps.data, failed: failed.success ? known(failed.data) : undefined }) as unknown as Stamps
}

function known(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}

function encodePending(pending: NonNullable<Stamps['pending']>): Readonly<Record<string, unknown>> {
  const times = 'unanswered' in pending ? { unanswered: iso(pending.unanswered) } : {}
  return { ...pending, since: iso(pending.since), ...times }
}
