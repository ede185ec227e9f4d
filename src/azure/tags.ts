// The tags written beside a secret's value. Three tags are those of Microsoft's tutorial, so that its templates and Rekey
// can replace each other; `rekey` is ours, compact JSON with times as ISO 8601.

import * as z from 'zod'
import { iso } from '../engine/duration.ts'
import type { Reason, Stamps, StoredSecret } from '../engine/observation.ts'
import type { SecretMetadata } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import type { Duration, Instant } from '../engine/target.ts'
import { parseJson } from './json.ts'

const ourTags = ['rekey', 'rekey-note', 'CredentialId', 'ProviderAddress', 'ValidityPeriodDays'] as const
const mostTags = 15
const longestTag = 512

type Tags = Readonly<Record<string, string>>

const reasons = {
  unmanaged: 0,
  foreign: 0,
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

const instant = z.iso.datetime({ offset: true }).transform((text): Instant => Date.parse(text))

const notified = z.literal(true).optional()

// A field that a later version may have added must not make the rest unreadable: it is left out.
const StampsTag = z.object({
  target: z.string().min(1),
  rotatedAt: instant.optional(),
  fresh: instant.optional(),
  standby: instant.optional(),
  pending: z
    .union([
      z.object({ asked: instant }),
      z.object({ made: instant, unanswered: instant.optional(), notified }),
      z.object({ unanswered: instant, notified }),
      z.object({ retired: instant }),
    ])
    .optional(),
  took: z
    .int()
    .positive()
    .transform((whole): Duration => whole * 1000)
    .optional()
    .catch(undefined),
  proven: z.boolean().optional(),
  retire: z.boolean().optional(),
  announced: z.boolean().optional(),
  behind: z.literal(true).optional().catch(undefined),
  reason: z
    .string()
    .optional()
    .transform((word) => (word !== undefined && isReason(word) ? word : undefined)),
  actor: z.string().optional(),
  failed: z
    .object({
      code: z.string(),
      at: instant,
      step: z.literal('observe').optional().catch(undefined),
      request: z.string().optional().catch(undefined),
    })
    .optional(),
})

/** The tags of a version: those of others, with ours on top. Throws RekeyError `TagsTooLarge`. */
export function encodeTags(metadata: Omit<SecretMetadata, 'expiresOn'>): Tags {
  const { stamps, slot, address, validityDays, otherTags, note } = metadata
  const tags = {
    ...otherTags,
    rekey: encodeStamps(stamps),
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
    remedy: 'Remove tags from the current version of the secret: Rekey needs five of its own.',
  })
}

/** Parses a version's tags. A tag `rekey` that cannot be read counts as absent; nothing here throws. */
export function parseTags(
  tags: Tags | undefined,
): Pick<StoredSecret, 'stamps' | 'slot' | 'address' | 'note' | 'otherTags'> {
  const all = tags ?? {}
  const stamps = parseStamps(all['rekey'])
  const { CredentialId: slot, ProviderAddress: address, 'rekey-note': note } = all
  const isOurs = (name: string) => ourTags.some((each) => each === name)
  return {
    ...(stamps === undefined ? {} : { stamps }),
    ...(slot === undefined ? {} : { slot }),
    ...(address === undefined ? {} : { address }),
    ...(note === undefined ? {} : { note }),
    otherTags: Object.fromEntries(Object.entries(all).filter(([name]) => !isOurs(name))),
  }
}

/** The tag `rekey`. The actor is cut to the space that is left: a long name must not stop a rotation. */
function encodeStamps(stamps: Stamps): string {
  const { rotatedAt, fresh, standby, pending, took, failed, actor, ...plain } = stamps
  const text = (who: string | undefined) =>
    JSON.stringify({
      ...plain,
      rotatedAt: iso(rotatedAt),
      fresh: iso(fresh),
      standby: iso(standby),
      pending:
        pending && Object.fromEntries(Object.entries(pending).map(([what, at]) => [what, at === true ? at : iso(at)])),
      took: took && took / 1000,
      failed: failed && { ...failed, at: iso(failed.at) },
      actor: who,
    })
  const excess = text(actor).length - longestTag
  if (actor === undefined || excess <= 0) return text(actor)
  // Escapes may be longer than what they stand for, so cutting by the excess always suffices.
  return text(actor.slice(0, Math.max(0, actor.length - excess)).toWellFormed() || undefined)
}

function parseStamps(tag: string | undefined): Stamps | undefined {
  if (tag === undefined) return undefined
  const read = StampsTag.safeParse(parseJson(tag))
  if (!read.success) return undefined
  return Object.fromEntries(Object.entries(read.data).filter(([, value]) => value !== undefined)) as unknown as Stamps
}

function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}
