// Room: the core. What was changed is told.

import * as events from '../events.ts'
import { harmless } from '../grip.ts'
import type { KeySlot } from '../key-ring.ts'
import type { Reason, StoredSecret } from '../observation.ts'
import { untold } from '../plan.ts'
import { hasTwoSlots, retiredAt, type Situation, standbySlot } from '../situation.ts'
import { type Duration, leadOf } from '../target.ts'
import { currentIn, leadIn, tag, type Work, withoutPending } from '../work.ts'

/** Tells of the current versions, and of a key retired, that nobody was told of; then writes down that it did. */
export async function announce(work: Work, at: Situation): Promise<undefined> {
  const { target, request, ports, grip } = work
  const lead = leadIn(work)
  const news = untold(at)
  const told = news.includes(lead) ? [lead] : news
  const note = work.wroteLead ? request.note : undefined
  const facts = { overlap: overlapOf(work), now: ports.clock.now(), ...(note === undefined ? {} : { note }) }
  const retired = retiredAt(lead.stamps ?? {}) !== undefined
  const tellings = [
    ...told.map((version) => events.published(target, lead, version, currentIn(work), facts)),
    ...(retired ? [retirement(work, standbySlot(at), retiredFor(lead))] : []),
  ]
  await harmless(() => grip.effect(({ signal }) => ports.announcer.announce(tellings, signal)))
  work.eventId = tellings.at(-1)!.id
  work.changed = true
  for (const version of news) {
    const { failed: _, ...stamps } = version.stamps!
    await tag(work, target.secrets.find(({ name }) => name === version.name)!, { ...stamps, announced: true })
  }
  if (retired) {
    const { failed: _, ...stamps } = leadIn(work).stamps!
    await tag(work, leadOf(target), withoutPending(stamps))
  }
}

/** The news that the standby slot's old key is dead. */
export function retirement(work: Work, slot: KeySlot, reason: Reason): events.RekeyEvent {
  const facts = { slot, reason, actor: work.request.actor, now: work.ports.clock.now() }
  return events.retired(work.target, leadIn(work), currentIn(work), facts)
}

/** Why a key was retired that is told of only now: after a revoke its standby's, else that of an old publish. */
function retiredFor({ stamps }: StoredSecret): Reason {
  return stamps?.reason === 'revoked' ? 'revoked' : 'retiring'
}

/** How long consumers of the key before the current one have: none where the change took that key along. */
export function overlapOf(work: Work): Duration | 'none' {
  const { reason, fresh, standby, retire } = leadIn(work).stamps ?? {}
  // After a revoke both keys are of one age, too: but a publish that moved slots left the key before alone.
  const tookBoth = fresh !== undefined && fresh === standby && !retire
  return !hasTwoSlots(work.ring) || reason === 'revoked' || tookBoth ? 'none' : work.target.overlap
}
