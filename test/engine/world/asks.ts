// What is asked of the engine in a history: by the schedule, and by those who send requests.

import type { RotationRequest } from '../../../src/engine/request.ts'
import { hours, minutes } from '../../../src/engine/target.ts'
import { mayBeOld } from './effect-rules.ts'
import type { Stage } from './stage.ts'

const allAsks = ['fresh', 'force', 'promote', 'swap', 'revoke', 'revoke older', 'at once', 'repair', 'future'] as const

/**
 * `repair`: compare with the service now, and make nothing anew. `revoke older`: of keys older than some hours, not of all. `at once`: every slot in one call. `future`: a moment that no
 * clock can have shown yet.
 */
export type Ask = (typeof allAsks)[number]

export function isAsk(kind: string): kind is Ask {
  return (allAsks as readonly string[]).includes(kind)
}

/** Sends one request, perhaps again, perhaps late. */
export function ask(stage: Stage, kind: Ask, n: number): void {
  const { time, dice, messages, vault, target, service, ledger } = stage
  const lead = vault.current('lead')
  if ((kind === 'promote' || kind === 'swap') && !lead) return
  const moment = time.now() + (dice.next() * 2 - 1) * stage.skew
  const request: RotationRequest = {
    id: `${kind}-${n}`,
    target: target.name,
    actor: 'operator',
    expiresAt: time.now() + hours(48),
    ...wishOf(stage, kind, moment, lead?.version ?? ''),
  }
  stage.log(`-- asked ${JSON.stringify(request)}`)
  const keys = Object.values(service.keys()).map((key) => service.facts(key)!)
  const oldSlots = keys.filter((facts) => mayBeOld(stage, facts, request.revokeBefore ?? 0)).length
  ledger.asked.push({ request, at: time.now(), oldSlots, judged: false })
  messages.send(request)
  if (dice.chance(0.4)) messages.send(request, dice.next() * 10_000)
  if (dice.chance(0.3)) messages.send(request, dice.next() * 9_000_000)
}

function wishOf({ dice, target }: Stage, kind: Ask, moment: number, from: string): Partial<RotationRequest> {
  switch (kind) {
    case 'fresh':
      return { createdAfter: moment }
    case 'force':
      return { createdAfter: moment, force: true }
    case 'future':
      return { createdAfter: moment + minutes(10) + dice.next() * hours(3) }
    case 'revoke':
      return { revokeBefore: moment }
    case 'revoke older':
      return { revokeBefore: moment - dice.next() * hours(5) }
    case 'at once':
      return { revokeBefore: moment, atOnce: true }
    case 'repair':
      return { comparedAfter: moment }
    case 'promote':
      return { promote: { slot: dice.pick(target.slots), from } }
    case 'swap':
      return { swap: { slot: dice.pick(target.slots), from } }
  }
}
