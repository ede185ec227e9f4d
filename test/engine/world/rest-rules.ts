// What must hold when a run has ended, and when the target is idle: no message waits and no worker is busy.

import type { Outcome } from '../../../src/engine/outcome.ts'
import { clockBound, minutes, settle } from '../../../src/engine/target.ts'
import type { Asked } from './ledger.ts'
import { type KeyFacts, keyIn } from './service.ts'
import type { Run, Stage } from './stage.ts'
import { tagsFit } from './world-vault.ts'

/** A run that ended, with what it answered. */
export interface Ended {
  readonly run: Run
  readonly outcome: Outcome
}

/** Whether a run could know all that is true at its end: no fault hit it, and nothing changed behind its back. */
function sawAll({ ledger, service }: Stage, run: Run): boolean {
  const latest = Math.max(ledger.meddledAt, ledger.lateAt)
  const changed = Object.values(service.keys()).some(
    (key) => service.facts(key)!.made > run.knew.service && !run.sent.length,
  )
  return !run.troubled && latest < Math.min(run.knew.service, run.knew.vault) && !changed
}

/** Whether some secret must be left alone until an operator has acted. */
function isBlocked({ target, vault }: Stage): boolean {
  return target.secrets.some(({ name }) => {
    const current = vault.current(name)
    return current !== undefined && (!current.enabled || !tagsFit(current) || (!target.adopt && !current.stamps))
  })
}

export function checkRun(stage: Stage, { run, outcome }: Ended): void {
  checkKept(stage, { run, outcome })
  if (outcome.error || outcome.busy || isBlocked(stage)) {
    checkTakenBack(stage, { run, outcome })
    return
  }
  if (!sawAll(stage, run)) return
  const { service, target, time, traits, vault, watch } = stage
  const keys = Object.values(service.keys())
  const works = keys.some((key) => service.accepts(key))
  for (const { name } of target.secrets) {
    const current = vault.current(name)
    const key = keyIn(current?.value?.reveal())
    if (!current || keys.includes(key) || service.accepts(key)) continue
    // Without a probe only time shows whether the key is dead or the listing lags.
    const mayWait = !traits.probe || target.slots.length === 1 || !works
    // An output written lately whose key is gone from the listing, but still accepted: the listing may be old.
    if (target.secrets.some((other) => isUnseen(stage, other.name))) continue
    // Nor does the service's word end the wait for what came of a regenerate, while the lead works.
    if (name !== target.secrets[0].name && isAskedLately(stage)) continue
    if (mayWait && time.now() < current.created + settle + clockBound + stage.skew) continue
    watch.add('left unrepaired', `${name} ${current.version} by run ${run.id}`)
  }
}

/** A revoke is never dropped, unless the request itself is wrong. */
function checkKept({ watch }: Stage, { run: { request }, outcome: { error, again } }: Ended): void {
  if (request.revokeBefore === undefined || again || !error) return
  if (!wrongRequests.has(error.code)) watch.add('a revoke was dropped', `${request.id} ${error.code}`)
}

const wrongRequests: ReadonlySet<string> = new Set(['FromTheFuture', 'RequestExpired', 'NotSupported'])

function isUnseen({ service, time, vault, skew }: Stage, name: string): boolean {
  const current = vault.current(name)
  const key = keyIn(current?.value?.reveal())
  const young = current !== undefined && time.now() < current.created + settle + clockBound + 2 * skew
  return young && service.accepts(key) && !Object.values(service.keys()).includes(key)
}

function isAskedLately({ target, time, vault, skew }: Stage): boolean {
  const pending = vault.current(target.secrets[0].name)?.stamps?.pending
  return pending?.state === 'requested' && time.now() < pending.since + settle + clockBound + 2 * skew
}

/** The service said no: a record of asking would only make the next try wait. */
function checkTakenBack({ target, vault, watch, skew }: Stage, { run, outcome }: Ended): void {
  if (!run.refused.has('regenerate') || run.refused.size > 1 || run.troubled || outcome.error?.transient) return
  const pending = vault.current(target.secrets[0].name)?.stamps?.pending
  // A record from before this run stays: what came of that is still unknown.
  const own = pending?.state === 'requested' && pending.since >= run.started - clockBound - 2 * skew
  if (own) watch.add('record of asking left after a refusal', run.request.id)
}

/** Called when a run has ended after which no message waits. */
export function checkRest(stage: Stage, ended: Ended): void {
  const definite = ended.outcome.error !== undefined && !ended.outcome.error.transient
  if (definite || isBlocked(stage)) return
  if (!sawAll(stage, ended.run)) return
  checkSecrets(stage)
  checkRecord(stage, ended)
  checkAnnounced(stage)
  checkOverdue(stage)
}

function checkSecrets({ target, vault, service, watch }: Stage): void {
  const lead = vault.current(target.secrets[0].name)
  const key = keyIn(lead?.value?.reveal())
  if (!lead || !Object.values(service.keys()).includes(key)) {
    watch.add('idle with a dead key', `${lead?.version} ${key}`)
    return
  }
  for (const { name } of target.secrets) {
    if (keyIn(vault.current(name)?.value?.reveal()) !== key) watch.add('idle with outputs that differ', name)
  }
}

function checkRecord({ target, time, vault, watch }: Stage, { run, outcome }: Ended): void {
  // A due rotation that must cool comes first: the record goes with it.
  if (outcome.reasons.includes('cooling')) return
  const pending = vault.current(target.secrets[0].name)?.stamps?.pending
  if (!pending || run.reason === 'swapped') return
  // A promote that waited for a verdict and was overtaken: the record goes by itself after a day.
  if (pending.state === 'unanswered') return
  if (pending.state === 'requested' && time.now() < pending.since + settle + minutes(4)) return
  watch.add('idle with a record of work under way', JSON.stringify(pending))
}

/** Every version that became current has been announced, and so has every retired key. */
function checkAnnounced({ ledger, vault, watch, target }: Stage): void {
  for (const [index, { version }] of ledger.leads.entries()) {
    // Whoever writes too late does not know what it covers.
    const next = ledger.leads[index + 1]
    const cover = next && vault.writer(next.version)
    if (cover?.knew && cover.excuse !== undefined) continue
    const current = vault.current(target.secrets[0].name)?.version === version
    if (!ledger.events.has(version) && (current || vault.writer(version).excuse === undefined))
      watch.add('idle but unannounced', version)
  }
}

function checkOverdue({ ledger, service, target, time, traits, vault, watch, skew }: Stage): void {
  if (target.window) return
  const last = ledger.regenerations.findLast(({ reason }) => traits.both || reason !== 'retiring')?.at ?? 0
  const active = service.facts(keyIn(vault.current(target.secrets[0].name)?.value?.reveal()))
  const since = Math.max(last, active?.made ?? 0, ledger.meddledAt, ledger.lateAt)
  if (time.now() - since > target.rotateEvery + target.overlap + clockBound + skew + minutes(75)) {
    watch.add('overdue', `${((time.now() - since) / 3_600_000).toFixed(1)} h`)
  }
}

/** Called when no message of some requests waits any more. */
export function checkRequests(stage: Stage): void {
  for (const asked of stage.ledger.asked) {
    if (asked.judged || stage.messages.waiting(asked.request.id) > 0) continue
    asked.judged = true
    checkRequest(stage, asked)
  }
}

/** What was asked for is true, or its caller was given a failure. */
function checkRequest(stage: Stage, asked: Asked): void {
  const { ledger, service, skew, target, time, vault, watch } = stage
  const { request, at } = asked
  const latest = Math.max(request.createdAfter ?? 0, request.revokeBefore ?? 0)
  if (latest > at + clockBound + 2 * skew) {
    if (!ledger.failed.has(request.id)) watch.add('accepted a moment that is still to come', request.id)
    return
  }
  if (ledger.failed.has(request.id)) return
  if (request.createdAfter !== undefined) {
    const newest = Math.max(
      ...ledger.leads.filter((_, index) => endOf(stage, index) >= at).map(({ key }) => service.facts(key)?.made ?? 0),
    )
    if (newest < at - 1 - 2 * skew) watch.add('not fresh', request.id)
  }
  if (request.revokeBefore !== undefined) {
    const before = Math.min(at, request.revokeBefore) - 2 * skew - sameRevoke(stage, asked)
    const old = Object.values(service.keys()).filter((key) => service.madeAt(key) < before)
    if (old.some((key) => !isSpared(stage, service.facts(key)!, before))) watch.add('not revoked', request.id)
  }
  const desired = request.promote ?? request.swap
  const lead = vault.current(target.secrets[0].name)
  if (desired && lead?.value && lead.version === desired.from && ledger.meddledAt < at - settle && time.now() > at) {
    if (service.keys()[desired.slot] !== keyIn(lead.value.reveal())) watch.add('not moved', request.id)
  }
}

/** How much older a key may be than a revoke that came less than ε after another one: it is the same revoke. */
function sameRevoke({ ledger, skew }: Stage, { request, at }: Asked): number {
  const near = ledger.asked.some(
    (other) =>
      other.request.revokeBefore !== undefined &&
      other.request.id !== request.id &&
      other.at <= at &&
      at - other.at < clockBound + 2 * skew,
  )
  return near ? clockBound : 0
}

/**
 * Two revokes less than the clock bound apart are one. And a key that an operator made after the listing that the revoke read seems to be
 * the revoke's own work.
 */
function isSpared({ ledger }: Stage, { made, by }: KeyFacts, before: number): boolean {
  if (by && !by.knew) return made > before - settle
  return (
    made > before - clockBound && ledger.regenerations.some(({ at, reason }) => at === made && reason === 'revoked')
  )
}

function endOf({ ledger }: Stage, index: number): number {
  return ledger.leads[index + 1]?.at ?? Number.POSITIVE_INFINITY
}

/** A request that waits when everything has been calm for hours will wait for ever. */
export function checkFinished({ ledger, messages, watch }: Stage): void {
  for (const { request, judged } of ledger.asked) {
    if (!judged && messages.waiting(request.id) > 0) watch.add('never finished', request.id)
  }
}

/** No request regenerates more often than it has to, whatever happened to its messages. */
export function checkCounts(stage: Stage): void {
  for (const asked of stage.ledger.asked) checkCount(stage, asked)
}

function checkCount({ ledger, target, watch, skew }: Stage, { request, at, oldSlots }: Asked): void {
  if (request.promote || request.swap) return
  const slack = target.slots.length > 1 ? (ledger.slack.get(request.id) ?? 0) : 0
  const most = (request.revokeBefore === undefined ? 1 : oldSlots) + slack
  const count = ledger.regenerations.filter(
    ({ run, reason, late }) => !late && run.request.id === request.id && !['due', 'retiring'].includes(reason),
  ).length
  // Whoever writes a secret by hand, and a late write of older tags, takes away what was known of its key's age.
  const forgotten = ledger.meddledAt > at || ledger.lateTags.size > 0 || skew > clockBound
  if (count > most && !forgotten) watch.add('regenerated too often', `${request.id} ${count}, at most ${most}`)
}
