// How the snapshot is stored: a line for each group of targets that is read together, with what the tags and dates of their secrets say. No value,
// no version, and nothing that targets.json says already.

import * as z from 'zod/mini'
import { parseJson } from '../../azure/json.ts'
import type { PackedText } from '../../azure/packed-blob.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { isReminder } from '../../engine/reminder.ts'
import { isElsewhere } from '../../engine/state.ts'
import type { Stamps } from '../../engine/stored-secret.ts'
import type { Instant, Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'

/** What a line says beside its group and its moment. */
export type Content = OfSecrets | OfMoments | Failed | { readonly format: 1 }

/** The secrets by their names in lower case; null: the vault has no such secret. */
export interface OfSecrets {
  readonly secrets: Readonly<Record<string, NonNullable<Listed> | null>>
}

/** When each target was last compared with its service. */
export interface OfMoments {
  readonly compared: Readonly<Record<string, Instant>>
}

/** It could not be read, and never was before. */
export interface Failed {
  readonly code: string
}

/** One line. `at`: when its reading began. `json`: its content. */
export interface Line {
  readonly group: string
  readonly at: Instant
  readonly json: string
}

/** The first line: its moment is that of the snapshot. */
export const headGroup = 'snapshot'
/** The line of the moments at which targets were compared. */
export const comparedGroup = 'compared'

/** Targets and reminders of one vault are read apart. */
export function groupOf(target: Pick<Target, 'provider' | 'vault'>): string {
  return `${isReminder(target) ? 'reminders' : 'targets'} ${target.vault}`
}

/** Changes when what is written could not be read by the version before. */
const format = 1

/** The line that begins a snapshot of this format. */
export function headLine(takenAt: Instant): Line {
  return lineOf(headGroup, takenAt, { format })
}

/** The secrets of targets that are a group, as their vault's listing shows them: by target name, in the target's order. */
export function secretsLine(
  targets: readonly Target[],
  at: Instant,
  listed: ReadonlyMap<string, readonly Listed[]>,
): Line {
  const secrets = targets.flatMap((target) => {
    const found = listed.get(target.name) ?? []
    return target.secrets.map(({ name }, index) => [name.toLowerCase(), kept(target, found[index])] as const)
  })
  return lineOf(groupOf(targets[0]!), at, { secrets: Object.fromEntries(secrets) })
}

/** For targets that are a group, and could not be read. */
export function unreadLine(targets: readonly Target[], at: Instant, code: string): Line {
  return lineOf(groupOf(targets[0]!), at, { code })
}

/** When these targets were last compared; those that never were are left out. */
export function comparedLine(
  targets: readonly Target[],
  at: Instant,
  compared: (target: Target) => Instant | undefined,
): Line {
  const moments = targets.flatMap((target) => {
    const moment = compared(target)
    return moment === undefined ? [] : [[target.name, moment] as const]
  })
  return lineOf(comparedGroup, at, { compared: Object.fromEntries(moments) })
}

/** The moments could not be read. */
export function unreadMoments(at: Instant, code: string): Line {
  return lineOf(comparedGroup, at, { code })
}

function lineOf(group: string, at: Instant, content: object): Line {
  return { group, at, json: JSON.stringify(content) }
}

/** The line as text. Neither a group nor JSON has a tab. */
export function lineText({ group, at, json }: Line): string {
  return `${group}\t${at}\t${json}`
}

/** The line that a text is; undefined: none of ours. */
function readLine(text: string): Line | undefined {
  const [group, at, json, more] = text.split('\t')
  if (group === undefined || json === undefined || more !== undefined || !Number.isSafeInteger(Number(at)))
    return undefined
  return { group, at: Number(at), json }
}

/** Whether it says of a group that it could not be read. */
export function isFailed({ json }: Line): boolean {
  return json.startsWith('{"code"')
}

/** Only what a list needs. The resource is not repeated: only that the tag names another one. */
function kept(target: Target, secret: Listed) {
  if (secret === undefined) return null
  const { enabled, created, expiresOn, slot, address, stamps } = secret
  return {
    enabled,
    created,
    ...(expiresOn === undefined ? {} : { expiresOn }),
    ...(slot === undefined ? {} : { slot }),
    ...(isElsewhere(target, secret) ? { address } : {}),
    ...(stamps === undefined ? {} : { stamps: keptStamps(stamps) }),
  }
}

/** Without what only a reconcile needs. `JSON.stringify` leaves out what is undefined. */
function keptStamps(stamps: Stamps): object {
  const { target, rotatedAt, createdAfter, pending, retire, announced, reason, actor, failed } = stamps
  const begun = pending && { state: pending.state }
  const last = failed && { code: failed.code, at: failed.at }
  return { target, rotatedAt, createdAfter, pending: begun, retire, announced, reason, actor, failed: last }
}

const Shown = z.object({
  enabled: z.boolean(),
  created: z.number(),
  expiresOn: z.optional(z.number()),
  slot: z.optional(z.string()),
  address: z.optional(z.string()),
  stamps: z.optional(
    z.object({
      target: z.string(),
      rotatedAt: z.optional(z.number()),
      createdAfter: z.optional(z.number()),
      pending: z.optional(z.object({ state: z.string() })),
      retire: z.optional(z.boolean()),
      announced: z.optional(z.boolean()),
      reason: z.optional(z.string()),
      actor: z.optional(z.string()),
      failed: z.optional(z.object({ code: z.string(), at: z.number() })),
    }),
  ),
})

const Stored = z.union([
  z.object({ secrets: z.record(z.string(), z.nullable(Shown)) }),
  z.object({ compared: z.record(z.string(), z.number()) }),
  z.object({ code: z.string() }),
  z.object({ format: z.literal(format) }),
])

/** What the line says; undefined: it is not of this format. */
export function contentOf({ json }: Line): Content | undefined {
  return Stored.safeParse(parseJson(json)).data as Content | undefined
}

/**
 * The lines of a stored snapshot, one after the other, the head first. A blob that is damaged, or not of this format, counts as lost: then there
 * is none, or no further one.
 */
export async function* linesOf(stored: PackedText | undefined): AsyncIterable<Line> {
  let isOurs = false
  try {
    for await (const text of stored?.lines() ?? []) {
      const line = readLine(text)
      isOurs ||= line?.group === headGroup && contentOf(line) !== undefined
      if (line === undefined || !isOurs) return
      yield line
    }
  } catch (thrown) {
    if (thrown instanceof RekeyError && thrown.code === 'UnexpectedAnswer') return
    throw thrown
  }
}
