// Room: the doorways. A target as callers see it: what is in the vault, when it is due, how it failed last.

import type { App } from '../../compose.ts'
import { iso } from '../../rotation/duration.ts'
import { RekeyError } from '../../rotation/errors.ts'
import type { StoredSecret } from '../../rotation/observation.ts'
import type { Target } from '../../rotation/target.ts'
import { assess } from '../shared/assess.ts'
import { atMost } from '../shared/at-most.ts'
import { vaultCalls } from '../shared/fleet.ts'

/** A target and the current versions of its secrets, lead first; undefined: there is no such secret. */
export interface Look {
  readonly target: Target
  readonly secrets: readonly (StoredSecret | undefined)[]
}

/** Reads every secret of a target. `GET /secrets/{name}`. Throws RekeyError. */
export async function lookAt(app: App, target: Target, signal: AbortSignal): Promise<Look> {
  const vault = app.vault(target.vault)
  return { target, secrets: await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal))) }
}

/** The same for many targets; one that cannot be read does not hide the others. */
export function lookAtAll(app: App, targets: readonly Target[], signal: AbortSignal): Promise<(Look | Unreadable)[]> {
  return atMost(vaultCalls, targets, async (target) => {
    try {
      return await lookAt(app, target, signal)
    } catch (error) {
      if (error instanceof RekeyError) return { target, error }
      throw error
    }
  })
}

export interface Unreadable {
  readonly target: Target
  readonly error: RekeyError
}

/** A target as JSON. `status`: `failed` and `overdue` go before what the tags say otherwise. */
export function describe(app: App, seen: Look | Unreadable) {
  const { target } = seen
  const fixed = { name: target.name, provider: target.provider, resource: target.address, vault: target.vault }
  if ('error' in seen) {
    const { code, message, details } = seen.error
    return { ...fixed, status: 'unreadable', code, detail: message, remedy: details.remedy }
  }
  const lead = seen.secrets[0]
  const { state, dueAt, overdue } = assess(target, seen.secrets, app.clock.now())
  const ours = lead?.stamps?.target === target.name ? lead.stamps : undefined
  const failed = ours?.failed && { ...ours.failed, at: iso(ours.failed.at) }
  return {
    ...fixed,
    status: state === 'disabled' || state === 'paused' ? state : failed ? 'failed' : overdue ? 'overdue' : state,
    reason: ours?.reason,
    actor: ours?.actor,
    slot: lead?.slot,
    version: lead?.version,
    rotatedAt: iso(ours?.rotatedAt),
    dueAt: iso(dueAt),
    expiresOn: iso(lead?.expiresOn),
    failed,
    secrets: target.secrets.map(({ name, output }, index) => ({ name, output, version: seen.secrets[index]?.version })),
  }
}

/** The lead of a look, if it is ours. */
export function leadIn({ target, secrets }: Look): StoredSecret | undefined {
  const [lead] = secrets
  return lead?.stamps?.target === target.name ? lead : undefined
}
