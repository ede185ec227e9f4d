// Reads back what is true: the ring from the service, the secrets from the vault.

import { type Aged, sinceIn } from './ages.ts'
import type { KeyRing } from './key-ring.ts'
import type { KeyHolder, Vault } from './ports.ts'
import { RekeyError } from './rekey-error.ts'
import type { RotationRequest } from './request.ts'
import { isOurs, liveSlots, type State, stateOf } from './state.ts'
import type { StoredSecret } from './stored-secret.ts'
import type { Instant, SecretName, Target } from './target.ts'

/** How many versions are searched for one of ours under another client's. */
const versionsToSearch = 25
const nothingDone = { reasons: [], changed: false, wroteLead: false }

/** Where a target's keys and secrets are read. */
export interface Place {
  readonly holder: KeyHolder
  readonly vault: Vault
}

/**
 * The state of a target as it is now; nothing is done yet. Whether the service refuses what the vault holds is not asked.
 * Throws RekeyErrors of the service or the vault, and `UnexpectedAnswer` where an output is missing.
 */
export async function observe(
  target: Target,
  request: RotationRequest,
  { holder, vault }: Place,
  now: Instant,
  signal: AbortSignal,
): Promise<State> {
  // One after the other: a value written between the two reads would seem dead if the ring were the older one.
  const ring = await holder.read(signal)
  assertOutputs(target, ring)
  const current = await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal)))
  const stored: Record<string, StoredSecret | undefined> = {}
  const earlier: Record<string, StoredSecret | undefined> = {}
  for (const [index, secret] of target.secrets.entries()) {
    const now = current[index]
    stored[secret.name] = now
    if (now && !isOurs(target, now) && needsHistory(target, secret, liveSlots(ring, secret, now).length)) {
      earlier[secret.name] = await formerOurs(target, secret, vault, signal)
    }
  }
  const { swapEndsOther } = holder
  const known = { target, request, now, ring, stored, earlier, vaultRefused: false, ...nothingDone }
  const state = stateOf({ ...known, ...(swapEndsOther && { swapEndsOther }) })
  const underWayUntil = await underWay(holder, state.stamps, now, signal)
  if (underWayUntil !== undefined) return stateOf({ ...state, underWayUntil })
  const requestedKeyCreatedAt = await requestedKeyCreation(holder, state, signal)
  return requestedKeyCreatedAt === undefined ? state : stateOf({ ...state, requestedKeyCreatedAt })
}

/** Asked only where a regenerate may be under way, and not longer than one may take. */
async function underWay(
  { operation }: KeyHolder,
  stamps: Aged,
  now: Instant,
  signal: AbortSignal,
): Promise<Instant | undefined> {
  if (!operation) return undefined
  const until = (sinceIn(stamps, 'requested') ?? Number.NEGATIVE_INFINITY) + operation.limit
  return now < until && (await operation.isUnderWay(signal)) ? until : undefined
}

/** Asked only where a regenerate may have gone on after its call. A clock of the service that is behind costs another regenerate, and no more. */
async function requestedKeyCreation(
  holder: KeyHolder,
  state: State,
  signal: AbortSignal,
): Promise<Instant | undefined> {
  const { stamps, standby, twoSlots } = state
  const since = sinceIn(stamps, 'requested')
  if (!holder.createdAt || since === undefined || standby === undefined || !twoSlots) return undefined
  const created = await holder.createdAt(standby, signal)
  return created !== undefined && created >= since ? created : undefined
}

/** The lead's history tells how old its keys are; another secret's only whether it is ours at all. */
function needsHistory(target: Target, secret: SecretName, live: number): boolean {
  return secret === target.secrets[0] || live === 0
}

async function formerOurs(
  target: Target,
  secret: SecretName,
  vault: Vault,
  signal: AbortSignal,
): Promise<StoredSecret | undefined> {
  const versions = await vault.versions(secret.name, versionsToSearch, signal)
  const ours = versions.find((version) => isOurs(target, version))
  if (!ours?.enabled) return ours
  return (await vault.version(secret.name, ours.version, signal)) ?? ours
}

/** Found out later, it would be half way through a publish. */
function assertOutputs(target: Target, ring: KeyRing): void {
  for (const credential of Object.values(ring)) {
    const missing = target.secrets.find(({ output }) => credential[output] === undefined)
    if (missing) throw missingOutput(target, missing)
  }
}

export function missingOutput(target: Target, { name, output }: SecretName): RekeyError {
  return new RekeyError('UnexpectedAnswer', {
    target: target.name,
    step: 'observe',
    message: `the service gave no ${output} for the secret ${name}`,
    remedy: `Check in targets.json that the resource has a ${output}.`,
  })
}
