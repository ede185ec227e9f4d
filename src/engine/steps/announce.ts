// What was changed is announced.

import { unannouncedIn } from '../checks.ts'
import * as events from '../events.ts'
import { changedNothing } from '../failed-reconcile.ts'
import type { KeySlot } from '../key-ring.ts'
import { harmless } from '../lease-session.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Context, reached, type State } from '../state.ts'
import type { Reason } from '../stored-secret.ts'
import { supersededEvents } from './superseded-versions.ts'
import { leadLast, withoutPending, writeTags } from './write.ts'

/**
 * Announces the current versions, those that they cover, and a key retired, as far as they are not announced yet, oldest first; then writes
 * down that it did. A topic that refuses for good is noted in the state: it stops nothing else.
 */
export async function announce(state: State, context: Context): Promise<State> {
  try {
    return await recordAnnounced(state, await announceAll(state, context), context)
  } catch (error) {
    if (!(error instanceof RekeyError) || error.transient || !changedNothing(error)) throw error
    return reached(context, context.latest!, { topicRefused: error })
  }
}

async function announceAll(state: State, context: Context): Promise<State> {
  const { target, secrets, current, ages } = state
  const lead = state.lead!
  const unannounced = unannouncedIn(state).map(({ stored }) => stored!)
  const versions = unannounced.includes(lead) ? [lead] : unannounced
  const facts = { overlap: ages.overlap!, now: context.ports.clock.now() }
  const covering = secrets.filter(({ ours, stored }) => ours && stored?.stamps?.behind)
  // After a revoke the standby's key was retired by it, else that of an old publish.
  const retiredFor = lead.stamps?.reason === 'revoked' ? 'revoked' : 'retiring'
  const all = [
    ...(covering.length === 0 ? [] : await supersededEvents(state, covering, context)),
    ...versions.map((version) => events.published(target, lead, version, current, facts)),
    ...(ages.retiredAt === undefined ? [] : [retirement(state, context, state.standby!, retiredFor)]),
  ]
  return send(all, state, context)
}

/** The lead last: while it says that it is not announced, the schedule comes back for the others. */
async function recordAnnounced(before: State, state: State, context: Context): Promise<State> {
  const names = new Set(unannouncedIn(before).map(({ name }) => name))
  let next = state
  for (const secret of leadLast(before.target)) {
    const stored = next.stored[secret.name]
    if (!stored?.stamps || stored.stamps.target !== before.target.name) continue
    const isUnannounced = names.has(secret.name)
    const endsRetirement = before.ages.retiredAt !== undefined && secret === before.target.secrets[0]
    if (!isUnannounced && !endsRetirement && !stored.stamps.behind) continue
    const { failed: _, behind: __, ...stamps } = stored.stamps
    const announced = isUnannounced ? { ...stamps, announced: true } : stamps
    next = await writeTags(next, context, secret, endsRetirement ? withoutPending(announced) : announced)
  }
  return next
}

/** Announces that the standby slot's old key is dead. Nothing is written down. */
export async function announceRetired(slot: KeySlot, reason: Reason, state: State, context: Context): Promise<State> {
  return send([retirement(state, context, slot, reason)], state, context)
}

function retirement(
  { target, request, lead, current }: State,
  { ports }: Context,
  slot: KeySlot,
  reason: Reason,
): events.RekeyEvent {
  return events.retired(target, lead!, current, { slot, reason, actor: request.actor, now: ports.clock.now() })
}

async function send(all: readonly events.RekeyEvent[], state: State, context: Context): Promise<State> {
  const { session, ports } = context
  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(all, signal)))
  return reached(context, state, { changed: true, eventId: all.at(-1)?.id ?? state.lead!.version })
}
