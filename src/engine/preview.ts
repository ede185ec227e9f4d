// What a run would do now, and why; changes nothing.

import { type Plan, plan, type Step } from './checks.ts'
import { soonestDue } from './due.ts'
import type { KeySlot } from './key-ring.ts'
import type { Reason, StoredSecret } from './observation.ts'
import { observe } from './observe.ts'
import type { Ports } from './ports.ts'
import type { RotationRequest } from './request.ts'
import { situation } from './situation.ts'
import type { Instant, Target } from './target.ts'

/** What a run would do now, and why. Takes no lease and changes nothing. Throws RekeyErrors. */
export async function preview(
  target: Target,
  request: RotationRequest,
  ports: Ports,
  signal: AbortSignal,
): Promise<Preview> {
  const holder = await ports.open(target)
  const seen = await observe(target, holder, ports.vault(target.vault), ports.clock.now(), signal)
  const at = situation(target, request, ports.clock.now(), seen, 'not refused')
  const next = plan(at)
  return {
    ...(at.active === undefined ? {} : { slot: at.active }),
    ...(at.lead ? { stored: at.lead, dueAt: soonestDue(target, at.lead, Object.values(seen.stored)) } : {}),
    slots: Object.keys(seen.ring),
    ...(next ? { plan: describePlan(next) } : {}),
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
  readonly plan?: { readonly reason: Reason; readonly until?: Instant; readonly steps: readonly string[] }
}

function describePlan({ reason, step, until }: Plan): NonNullable<Preview['plan']> {
  return { reason, ...(until === undefined ? {} : { until }), steps: step ? describeStep(step) : [] }
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
    case 'rename':
      return [`tag as ${step.slot}`]
    case 'swap':
      return [`swap, so that the active key is in ${step.to}`]
    case 'announce':
      return ['announce']
  }
}
