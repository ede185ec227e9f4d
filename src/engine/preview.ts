// What a run would do now, and why; changes nothing.

import { type Decision, decide, type Step } from './checks.ts'
import { type KeySlot, slotsOf } from './key-ring.ts'
import { observe } from './observe.ts'
import type { Ports } from './ports.ts'
import type { RotationRequest } from './request.ts'
import { stateOf } from './state.ts'
import type { Reason, StoredSecret } from './stored-secret.ts'
import type { Instant, Target } from './target.ts'

/** What a run would do now, and why. Takes no lease and changes nothing. Throws RekeyErrors. */
export async function preview(
  target: Target,
  request: RotationRequest,
  ports: Ports,
  signal: AbortSignal,
): Promise<Preview> {
  const place = { holder: await ports.open(target), vault: ports.vault(target.vault) }
  const state = await observe(target, request, place, ports.clock.now(), signal)
  const { active, lead, ages } = state
  const plan = describeDecision(decide(state))
  return {
    ...(active === undefined ? {} : { slot: active }),
    ...(lead ? { stored: lead, dueAt: ages.dueAt! } : {}),
    slots: slotsOf(state.ring),
    ...(plan ? { plan } : {}),
    planOf: (other) => describeDecision(decide(stateOf({ ...state, request: other }))),
  }
}

export interface Preview {
  /** The active slot, if the vault's key is live. */
  readonly slot?: KeySlot
  /** The lead as it is in the vault. */
  readonly stored?: StoredSecret
  readonly dueAt?: Instant
  readonly slots: readonly KeySlot[]
  /** Absent: nothing to do. */
  readonly plan?: Plan
  /** What a run for another request of this target would do first, with what was read for this one. */
  planOf(other: RotationRequest): Plan | undefined
}

/** Why, until when nothing can be done, and what would be done. */
export interface Plan {
  readonly reason: Reason
  readonly until?: Instant
  readonly steps: readonly string[]
}

function describeDecision(decision: Decision): Plan | undefined {
  if (decision.kind === 'done') return undefined
  const { reason } = decision
  if (decision.kind === 'step') return { reason, steps: describeStep(decision.step) }
  return { reason, ...(decision.kind === 'wait' ? { until: decision.until } : {}), steps: [] }
}

function describeStep(step: Step): readonly string[] {
  switch (step.do) {
    case 'regenerate':
      return [
        `regenerate ${step.slot}`,
        step.after === 'publish' ? `publish ${step.slot}` : 'publish nothing',
        'announce',
      ]
    case 'publish':
      return [`publish ${step.slots[0]}`, 'announce']
    case 'describe':
      return [`tag as ${step.slot}`, 'announce']
    case 'record':
      return [`record that ${step.slot} has a new key`]
    case 'rename':
      return [`tag as ${step.slot}`]
    case 'swap':
      return [`swap, so that the active key is in ${step.to}`]
    case 'announce':
      return ['announce']
  }
}
