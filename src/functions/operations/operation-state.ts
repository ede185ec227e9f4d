// The status of an operation of one target, read from the tags, which the engine itself relies on.

import { activeSurvives, standbySurvives, wasRotated } from '../../engine/ages.ts'
import type { Vault } from '../../engine/ports.ts'
import type { Stamps, StoredSecret } from '../../engine/stored-secret.ts'
import { type Instant, leadOf, type Target } from '../../engine/target.ts'
import type { TargetReading } from '../http/status/describe-target.ts'
import { leadIn } from '../http/status/summarize-target.ts'
import type { Listed } from '../shared/assess.ts'
import type { Desired } from './operation-id.ts'

/** `done`: the desired state is reached. `overtaken`: another change came first, and it never will be. `open`: not yet. */
export type Progress = 'done' | 'overtaken' | 'open'

/** How many versions of the lead are read back for the one that followed the one an operation was asked at. */
export const versionsToSearch = 100

/** By the tags of the current versions, and where these have moved on, of earlier ones. `GET /secrets/{name}/versions`. Throws RekeyError. */
export async function progressOf(
  desired: Desired,
  seen: TargetReading,
  vault: Pick<Vault, 'versions'>,
  signal: AbortSignal,
): Promise<Progress> {
  const lead = leadIn(seen)
  if ('after' in desired) return isReached(desired, seen) ? 'done' : 'open'
  const { name } = leadOf(seen.target)
  if (seen.secrets[0]?.version === desired.from) {
    return desired.kind === 'swap' && lead !== undefined && isWhole(seen.secrets, desired.slot) ? 'done' : 'open'
  }
  if (desired.kind === 'promote' && lead && isPromotion(lead, desired.slot)) {
    return isWhole(seen.secrets, desired.slot) ? 'done' : 'open'
  }
  const versions = await vault.versions(name, versionsToSearch, signal)
  return desired.kind === 'swap' ? swappedIn(versions, desired) : promotedIn(versions, desired)
}

function isReached({ kind, after }: Extract<Desired, { after: Instant }>, seen: TargetReading): boolean {
  if (kind === 'repair') return (seen.comparedAt ?? 0) >= after
  return (kind === 'rotate' ? isRotated : isRevoked)(seen.target, seen.secrets, after)
}

/** An output that was not written yet means that it is not done. */
function isWhole(secrets: readonly Listed[], slot: string): boolean {
  return secrets.every((secret) => secret?.slot === slot)
}

/** Whether all secrets of the target hold a key that is new enough for this moment, or did until a promote went back, by their tags. */
export function isRotated(target: Target, secrets: readonly Listed[], after: Instant): boolean {
  const isNew = (stamps: Stamps) => wasRotated(stamps, after)
  const stamps = stampsOf(target, secrets, isNew)
  return stamps !== undefined && isNew(stamps)
}

/** Whether no slot has a key that a revoke of this moment ends, by the tags. */
export function isRevoked(target: Target, secrets: readonly Listed[], before: Instant): boolean {
  const survives = (stamps: Stamps) => activeSurvives(stamps, before)
  const stamps = stampsOf(target, secrets, survives)
  if (stamps === undefined || !survives(stamps)) return false
  return target.slots.length < 2 || standbySurvives(stamps, before)
}

/**
 * What the lead's tag says, where it is the target's and every secret holds the same slot's key. An output of another slot whose own tag says
 * that it is new enough is of a later publish, which is under way: what was reached before stays so.
 */
function stampsOf(target: Target, secrets: readonly Listed[], isNew: (stamps: Stamps) => boolean): Stamps | undefined {
  const lead = secrets[0]
  if (lead?.slot === undefined || lead.stamps?.target !== target.name) return undefined
  const fits = (secret: Listed) => {
    if (secret?.slot === lead.slot) return true
    return secret?.stamps?.target === target.name && isNew(secret.stamps)
  }
  return secrets.every(fits) ? lead.stamps : undefined
}

/** A rotation goes to the very slot that a promote goes to. A key that was waiting there is the one that was asked for. */
function isPromotion({ slot, stamps }: StoredSecret, wanted: string): boolean {
  return slot === wanted && (stamps?.reason === 'promoted' || stamps?.reason === 'pending')
}

type Moved = Extract<Desired, { from: string }>

/** A swap makes no version: the version that it was asked at keeps saying in which slot its key was left. */
function swappedIn(versions: readonly StoredSecret[], { slot, from }: Moved): Progress {
  return versions.find(({ version }) => version === from)?.slot === slot ? 'done' : 'overtaken'
}

/** The version that followed decides. The vault's times are whole seconds: of several in one second, any may be that version. */
function promotedIn(versions: readonly StoredSecret[], { slot, from }: Moved): Progress {
  const asked = versions.find(({ version }) => version === from)
  if (asked === undefined) return 'overtaken'
  const later = versions.filter(({ version, created }) => version !== from && created >= asked.created)
  const first = Math.min(...later.map(({ created }) => created))
  const followed = later.some((version) => version.created === first && isPromotion(version, slot))
  return followed ? 'done' : 'overtaken'
}
