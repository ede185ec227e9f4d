// Asks the data plane whether a key works, and how far to believe it.

import { type Credential, type KeySlot, slotsOf } from './key-ring.ts'
import type { Verdict } from './ports.ts'
import type { Context, State } from './state.ts'
import { clockBound, type Duration, days, hours, type Instant, minutes, settle } from './target.ts'

/** Shows one slot's present key to its service. `unknown` where there is no probe. */
export async function probe(state: State, context: Context, slot: KeySlot): Promise<Verdict> {
  return hasProbe(state, context) ? show(context, slot, state.ring[slot]!) : 'unknown'
}

export interface Tried {
  readonly evidence: Evidence
  /** Whether any key of the target was accepted. */
  readonly accepted: boolean
}

/** What the data plane says of a slot's key that is to replace the active one. The active key is shown to the same request, as a control. */
export async function tryKey(state: State, context: Context, slot: KeySlot, active: KeySlot): Promise<Tried> {
  if (!hasProbe(state, context)) return { evidence: 'no probe', accepted: false }
  const { ring } = state
  const verdict = await show(context, slot, ring[slot]!)
  if (verdict === 'accepted') return { evidence: 'accepted', accepted: true }
  const control = await show(context, active, ring[active]!)
  if (control === 'accepted') return { evidence: verdict === 'refused' ? 'refused' : 'unclear', accepted: true }
  const alike = control === 'refused' || verdict === 'unknown'
  return { evidence: alike ? 'says nothing' : 'unclear', accepted: false }
}

/**
 * Whether the service refuses a value of ours that its listing does not show. Then it is dead, and waiting for the listing
 * would only lengthen the outage. The control is a key of the ring that the same request accepts.
 */
export async function refusesVault(state: State, context: Context): Promise<boolean> {
  const { secrets, ring, hint, twoSlots } = state
  if (!twoSlots || !hasProbe(state, context)) return false
  // What an unmanaged secret stands beside may be a key of another resource.
  if (secrets.some(({ unmanaged }) => unmanaged)) return false
  for (const { output, stored } of secrets.filter(({ unseen }) => unseen)) {
    const slot = slotsOf(ring).find((known) => known === stored!.slot) ?? hint
    if ((await show(context, slot, { [output]: stored!.value! })) !== 'refused') continue
    for (const known of slotsOf(ring)) {
      if ((await show(context, known, ring[known]!)) === 'accepted') return true
    }
  }
  return false
}

function hasProbe({ target }: State, { holder }: Context): boolean {
  return holder.probe !== undefined && target.probe !== 'off'
}

function show({ holder, session }: Context, slot: KeySlot, credential: Credential): Promise<Verdict> {
  return session.read((signal) => holder.probe!(slot, credential, signal))
}

/**
 * What the data plane says of a key that is to replace the active one.
 * `accepted`; `refused`: by a request that accepts the active key; `says nothing`: the same request refuses the active key too, or neither
 * gets an answer; `unclear`: only one of the two gets an answer, and it proves nothing; `no probe`: the target has none.
 */
export type Evidence = 'accepted' | 'refused' | 'says nothing' | 'unclear' | 'no probe'

/** How long a key may wait before that is announced. */
export const notifyAfter: Duration = hours(1)
/** How long a key waits for a verdict before it is published without one. */
export const verdictLimit: Readonly<Record<'rotation' | 'revoke', Duration>> = {
  rotation: days(1),
  revoke: minutes(10),
}

export interface Waiting {
  readonly now: Instant
  /** Whether a probe has once accepted a key of this target. */
  readonly proven: boolean
  /** Since when no probe has given a verdict; undefined: until now one has. */
  readonly unanswered: Instant | undefined
  /** When the key could be tried first: from then on it is tried less and less often. */
  readonly tried: Instant
  readonly kind: keyof typeof verdictLimit
}

export type Permission =
  /** `proven`: undefined where nothing was learned. */
  | { readonly publish: true; readonly proven?: boolean }
  | { readonly publish: false; readonly until: Instant; readonly unanswered?: Instant }

/** Whether a key may replace a live one now, or when to ask again. A key without a verdict waits: the active one works meanwhile. */
export function permit(evidence: Evidence, waiting: Waiting): Permission {
  if (evidence === 'no probe') return { publish: true }
  if (evidence === 'accepted') return { publish: true, proven: true }
  if (evidence === 'refused') return { publish: false, until: waiting.now + pause(waiting) }
  return withoutVerdict(evidence, waiting)
}

function withoutVerdict(evidence: 'says nothing' | 'unclear', waiting: Waiting): Permission {
  const { now, proven, kind } = waiting
  const unanswered = waiting.unanswered ?? now
  const giveUp = unanswered + verdictLimit[kind]
  // The network was closed for good: waiting longer would end in an expired key.
  if (now >= giveUp) return { publish: true, proven: false }
  const until = Math.min(now + pause({ ...waiting, tried: Math.max(waiting.tried, unanswered) }), giveUp)
  if (proven) return { publish: false, until, unanswered }
  // No probe of this target has ever been answered, as behind a private endpoint. One lost answer is still not enough.
  const second = unanswered + settle + clockBound
  if (now < second) return { publish: false, until: Math.min(second, giveUp), unanswered }
  if (evidence === 'says nothing') return { publish: true, proven: false }
  return { publish: false, until, unanswered }
}

/** 1, 2, 4, … 15 minutes: about as long as it has been tried already. */
function pause({ now, tried }: Waiting): Duration {
  return Math.min(minutes(15), Math.max(minutes(1), now - tried + minutes(1)))
}
