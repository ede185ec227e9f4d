// What was changed is told.

import { overlapAfter } from '../ages.ts'
import { untold } from '../checks.ts'
import * as events from '../events.ts'
import type { KeySlot } from '../key-ring.ts'
import { harmless } from '../lease-session.ts'
import type { Reason, StoredSecret } from '../observation.ts'
import { isOurs, retiredAt, type Situation, standbySlot } from '../situation.ts'
import { leadOf } from '../target.ts'
import { currentIn, leadIn, leadLast, tag, type Work, withoutPending } from '../work.ts'
import { supersededEvents } from './superseded-versions.ts'

/**
 * Announces the current versions, those that they cover, and a key retired, as far as they are not announced yet, oldest first; then writes
 * down that it did.
 */
export async function announce(work: Work, at: Situation): Promise<undefined> {
  const { target, ports, session } = work
  const lead = leadIn(work)
  const news = untold(at)
  const told = news.includes(lead) ? [lead] : news
  const facts = { overlap: overlapAfter(target, work.ring, lead), now: ports.clock.now() }
  const retired = retiredAt(lead.stamps ?? {}) !== undefined
  const tellings = [
    ...(await supersededEvents(work)),
    ...told.map((version) => events.published(target, lead, version, currentIn(work), facts)),
    ...(retired ? [retirement(work, standbySlot(at), retiredFor(lead))] : []),
  ]
  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(tellings, signal)))
  work.eventId = tellings.at(-1)?.id ?? lead.version
  work.changed = true
  await recordAnnounced(work, news, retired)
}

/** The lead last: while it says that it is not announced, the schedule comes back for the others. */
async function recordAnnounced(work: Work, news: readonly StoredSecret[], retired: boolean): Promise<void> {
  for (const secret of leadLast(work)) {
    const stored = work.stored[secret.name]
    if (!stored?.stamps || !isOurs(work.target, stored)) continue
    const isNews = news.some(({ name }) => name === secret.name)
    const endsRetirement = retired && secret === leadOf(work.target)
    if (!isNews && !endsRetirement && !stored.stamps.behind) continue
    const { failed: _, behind: __, ...stamps } = stored.stamps
    const announced = isNews ? { ...stamps, announced: true } : stamps
    await tag(work, secret, endsRetirement ? withoutPending(announced) : announced)
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
