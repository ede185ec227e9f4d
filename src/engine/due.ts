// When a target is due, and when it is its turn to be resynced. Both spread the fleet by a hash of the name, so that
// they are the same on every machine and in every run: rolled anew each time, a spread would be no spread.

import type { StoredSecret } from './stored-secret.ts'
import { clockBound, type Duration, days, type Instant, settle, type Target } from './target.ts'
import { firstOpen } from './window.ts'

export { inWindow } from './window.ts'

/** What due dates are reckoned from: a stored secret, with or without its value. */
export type Dated = Pick<StoredSecret, 'stamps' | 'created' | 'expiresOn'>

/** How much of its period a target may be due early. */
const spread = 0.05
/** How long before the expiry a key is due at the latest, where validity allows that much: when Key Vault warns. */
const nearExpiry: Duration = days(30)
/** How long past its due date a target may be before that is announced. */
const grace: Duration = days(1)

/**
 * When the stored key is due to be replaced: a period after `rotatedAt`, less up to 5 % by a hash of the name. A key
 * that was adopted (`createdAfter` unknown) may be of any age, and a fleet is adopted in one go: it is due anywhere in its
 * first period. Never before the key before it may be let go, and never late.
 *
 * The expiry pulls it nearer: as long before `expiresOn` as validity outlasts the period, 30 days at most. So a
 * version that was given a shorter life than planned, by hand or by settings since changed, still is replaced in time.
 */
export function dueAt(target: Target, stored: Dated): Instant {
  const since = stored.stamps?.rotatedAt ?? stored.created
  const latitude = Math.max(0, target.rotateEvery - rest(target))
  const adopted = stored.stamps?.createdAfter === undefined
  const early = adopted ? latitude : Math.min(latitude, target.rotateEvery * spread)
  const planned = since + target.rotateEvery - Math.floor(fraction(target.name) * early)
  if (stored.expiresOn === undefined) return planned
  const margin = Math.min(target.validFor - target.rotateEvery, nearExpiry)
  return Math.min(planned, stored.expiresOn - margin)
}

/**
 * The same with every secret of the target considered: each has an expiry of its own, since those that were adopted may have
 * any. `all`: the lead may be among them; undefined: does not exist.
 */
export function soonestDue(target: Target, lead: Dated, all: readonly (Dated | undefined)[]): Instant {
  const expiries = all.flatMap((secret) => secret?.expiresOn ?? [])
  return Math.min(dueAt(target, lead), ...expiries.map((expiresOn) => dueAt(target, { ...lead, expiresOn })))
}

/** How long after a publish the standby's old key is still wanted, and has been seen by every listing. */
function rest(target: Target): Duration {
  return target.slots.length > 1 ? target.overlap + settle + clockBound : 0
}

/** Whether the target could have been rotated for more than a day, cooling and window considered, and was not. */
export function isOverdue(target: Target, lead: Dated, all: readonly (Dated | undefined)[], now: Instant): boolean {
  const published = Math.max(lead.created, ...all.flatMap((secret) => secret?.created ?? []))
  const possible = Math.max(soonestDue(target, lead, all), published + rest(target))
  return now > firstOpen(target.window, possible) + grace
}

/**
 * Whether the name's moment of the day, or of each stretch as long as `every`, lies in (from, to]. Ticks that follow one
 * another without a gap have each name's turn exactly once in it; in a gap as long or longer every name has its turn.
 */
export function turn(name: string, from: Instant, to: Instant, every: Duration = days(1)): boolean {
  const moment = fraction(name) * every
  return Math.floor((to - moment) / every) > Math.floor((from - moment) / every)
}

/** A name's place in [0, 1): stable for ever, evenly spread also over names that differ in one digit. */
export function fraction(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of bytesOf(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  // FNV-1a alone leaves numbered names in clusters, since the last byte is multiplied only once: mix once more.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

const encoder = new TextEncoder()
/** A tick over a hundred thousand names asks for each twice: one buffer serves them all. */
const buffer = new Uint8Array(256)

function bytesOf(text: string): Uint8Array {
  // A character has three bytes at most.
  if (text.length * 3 > buffer.length) return encoder.encode(text)
  return buffer.subarray(0, encoder.encodeInto(text, buffer).written)
}
