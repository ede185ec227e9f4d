// What must hold of each effect, at the moment at which it lands.

import type { RekeyEvent } from '../../../src/engine/events.ts'
import type { SecretMetadata } from '../../../src/engine/ports.ts'
import { minutes, settle } from '../../../src/engine/target.ts'
import { inWindow } from '../../../src/engine/window.ts'
import { type CallKind, type Course, longDelay } from './call-faults.ts'
import type { Deed } from './deeds.ts'
import { type KeyFacts, keyIn } from './service.ts'
import type { Run, Stage } from './stage.ts'
import { tagsFit } from './world-vault.ts'

/** How far a key's recorded age may be below its true one: two clocks, each off by the bound. */
const ageBlur = 120_000

/** Effects that may land after the lease is let go: an event that arrives twice does no harm. */
const harmless: ReadonlySet<CallKind> = new Set(['announce'])

/** An effect outside its lease needs a fault of the world that delayed it. Answers the excuse, if it is outside. */
export function checkLease(
  stage: Stage,
  run: Run,
  kind: CallKind,
  holds: boolean,
  { before }: Course,
): string | undefined {
  if (holds) return undefined
  if (before < longDelay) {
    stage.watch.add('effect outside its lease', `${kind} of run ${run.id}`)
    return undefined
  }
  if (run.letGo && !harmless.has(kind))
    stage.watch.add('lease let go with a write under way', `${kind} of run ${run.id}`)
  stage.ledger.lateAt = stage.time.now()
  stage.log(`!! ${kind} lands outside its lease`)
  return `late ${kind}`
}

/** Called when a worker hears that its effect landed outside its lease: the service is read again once no listing can be older than that. */
export function checkReadAgain({ ledger, time, watch }: Stage): void {
  const current = time.now() + settle
  const latest = current + minutes(3)
  time.at(latest, () => {
    const disturbed = watch.lastDisturbance() > current - settle
    if (ledger.readAt < current && !disturbed) watch.add('late effect not read back', ledger.lateAt.toString())
  })
}

/** Called when a regenerate is sent, whether or not it lands. */
export function checkSending(stage: Stage, run: Run, slot: string): void {
  // A revoke of the standby may be followed by a rotation that was due: these are two reasons.
  const sending = `${slot} (${run.reason})`
  if (run.sent.includes(sending)) stage.watch.add('regenerate sent twice', `${sending} for ${run.request.id}`)
  run.sent.push(sending)
}

/** What a regenerate that lands now may break, and be excused. */
export function regenerateDeed(stage: Stage, run: Run, slot: string, late: string | undefined): Deed {
  const { service, time, target } = stage
  const victim = service.facts(service.keys()[slot]!)!
  const moved = victim.moved && victim.moved.at > run.knew.service ? victim.moved.excuse : undefined
  const excuse =
    late ??
    moved ??
    (stage.traits.both ? 'the service changes both keys' : undefined) ??
    (target.slots.length === 1 ? 'one slot' : undefined)
  const cuts = cutsOverlap(stage, run, victim)
  return {
    at: time.now(),
    what: `regenerates ${slot} for ${run.request.id}`,
    run,
    knew: { ...run.knew },
    ...(excuse === undefined ? {} : { excuse }),
    ...(cuts === undefined ? {} : { cuts }),
  }
}

/**
 * Keys that a revoke may have to regenerate: older than its moment as far as the engine can know. Of a key that an operator made, or whose
 * tags an operator's write took along, or whose making a fault kept from being recorded, it does not know the age.
 */
export function mayBeOld(
  { skew, ledger }: Stage,
  { made, by }: Pick<KeyFacts, 'made' | 'by'>,
  before: number,
): boolean {
  return made < before + ageBlur + skew || made <= ledger.meddledAt || !by?.knew || by.run?.troubled === true
}

function cutsOverlap(stage: Stage, { request, reason }: Run, victim: KeyFacts): string | undefined {
  if (reason === 'requested' && request.force) return 'forced'
  if (reason !== 'revoked' || request.revokeBefore === undefined) return undefined
  return mayBeOld(stage, victim, request.revokeBefore) ? 'revoked' : undefined
}

/** Before a regenerate lands: may it? */
export function checkRegenerate(stage: Stage, run: Run, slot: string, late: string | undefined): void {
  const { ledger, target, time, vault, watch } = stage
  const lead = vault.current(target.secrets[0].name)?.version
  const regeneration = { at: time.now(), run, reason: run.reason, slot, lead, late: late !== undefined }
  if (late === undefined) {
    checkUntouchable(stage, run, 'regenerated')
    for (const { name } of target.secrets) {
      const current = vault.current(name)
      if (current && !tagsFit(current) && vault.touched(name) < run.knew.vault)
        watch.add('regenerated a key that cannot be stored', name)
    }
    if (run.request.comparedAfter !== undefined) watch.add('a repair regenerated', `${slot} (${run.reason})`)
    if (run.reason === 'due') checkDue(stage)
    if (run.reason === 'retiring') checkRetiring(stage, lead)
  }
  ledger.regenerations.push(regeneration)
}

function checkDue({ ledger, service, target, time, vault, watch }: Stage): void {
  if (target.window && !inWindow(target.window, time.now()) && !inWindow(target.window, time.now() - 60_000))
    watch.add('rotated outside its window', target.name)
  const last = ledger.regenerations.findLast(({ reason }) => ['due', 'requested'].includes(reason))
  // A key of unknown age, adopted or made by an operator, is due anywhere in its first period.
  const active = service.facts(keyIn(vault.current(target.secrets[0].name)?.value?.reveal()))
  if (!active?.by?.knew || active.by.run?.troubled) return
  // Where a fault hit between a regenerate and its record, one more is allowed.
  if (!last || last.run.troubled || ledger.meddledAt > last.at - 600_000 || ledger.lateAt > last.at - 600_000) return
  if (time.now() - last.at < 0.9 * target.rotateEvery)
    watch.add('rotated before it was due', `after ${last.run.request.id}`)
}

function checkRetiring({ ledger, watch }: Stage, lead: string | undefined): void {
  const earlier = ledger.regenerations.filter((each) => each.reason === 'retiring' && each.lead === lead)
  if (earlier.length > 0 && earlier.every(({ run }) => !run.troubled) && !ledger.lateTags.has(lead ?? ''))
    watch.add('retired twice', lead ?? '')
}

/** A secret that an operator disabled, or that holds something else, is left alone. */
function checkUntouchable({ target, vault, watch }: Stage, run: Run, what: string): void {
  if (run.request.revokeBefore === undefined) {
    const paused = target.secrets.find(
      ({ name }) => vault.current(name)?.enabled === false && vault.touched(name) < run.knew.vault,
    )
    if (paused) watch.add(`${what} while a secret is disabled`, paused.name)
  }
  if (target.adopt) return
  const unmanaged = target.secrets.find(({ name }) => {
    const versions = vault.versions(name)
    return (
      versions.length > 0 &&
      versions.every(({ version, stamps }) => !stamps && vault.writer(version).at < run.knew.vault)
    )
  })
  if (unmanaged) watch.add(`${what} beside an unmanaged secret`, unmanaged.name)
}

/** Before a new version is written: may it? */
export function checkPut(stage: Stage, run: Run, name: string, key: string, metadata: SecretMetadata): void {
  const { target, vault, watch } = stage
  checkUntouchable(stage, run, 'published')
  checkLatePromote(stage, run)
  if (['drifted', 'adopted'].includes(metadata.stamps.reason ?? '')) checkBest(stage, run, key)
  if (name !== target.secrets[0].name) return
  if (run.reason === 'interrupted' && metadata.stamps.reason !== 'promoted') checkForward(stage, key)
  for (const other of target.secrets.slice(1)) {
    const current = vault.current(other.name)
    if (current?.enabled === false || (current && vault.writer(current.version).at > run.knew.vault)) continue
    if (keyIn(current?.value?.reveal()) !== key) watch.add('lead published before its outputs', other.name)
  }
}

/** A publish is finished forward: an output that a suspended worker wrote late does not take a lead that works back to an older key. */
function checkForward({ service, target, vault, watch }: Stage, key: string): void {
  const lead = keyIn(vault.current(target.secrets[0].name)?.value?.reveal())
  if (!service.accepts(lead) || service.madeAt(key) >= service.madeAt(lead)) return
  const outputs = target.secrets.slice(1).map(({ name }) => vault.current(name))
  if (outputs.some((output) => output && vault.writer(output.version).excuse !== undefined))
    watch.add('a late output takes the lead back', `${lead} to ${key}`)
}

/** Where nothing in the vault works, of two keys the one that the service accepts is published. */
function checkBest({ service, target, time, traits, vault, watch }: Stage, run: Run, key: string): void {
  if (!traits.probe || run.troubled || service.accepts(key)) return
  const keys = Object.values(service.keys())
  const lead = keyIn(vault.current(target.secrets[0].name)?.value?.reveal())
  if (!keys.includes(key) || keys.includes(lead)) return
  const better = keys.find((other) => {
    const { made, from, until, death } = service.facts(other)!
    const listed = made < run.knew.service
    return other !== key && listed && from <= run.started && time.now() < until && !death
  })
  if (better && run.knew.service > service.facts(key)!.made)
    watch.add('published a refused key', `${key} though ${better} works`)
}

/** A promote that arrives late must not undo a rotation that came after it was asked for. */
function checkLatePromote({ ledger, target, vault, watch }: Stage, run: Run): void {
  // A run may finish another's promote that was interrupted: that is no late one.
  if (run.reason !== 'promoted' || !run.request.promote) return
  const current = vault.current(target.secrets[0].name)
  const asked = ledger.asked.find(({ request }) => request.id === run.request.id)!.at
  const rotated = ['requested', 'due', 'pending'].includes(current?.stamps?.reason ?? '')
  if (rotated && current!.created > asked + 5000) watch.add('rotation undone by a late promote', run.request.id)
}

/** An event says one thing under one id; versions are announced in order. */
export function checkEvent(
  { ledger, service, target, vault, watch }: Stage,
  run: Run,
  event: RekeyEvent,
  late: string | undefined,
): void {
  const same = (other: RekeyEvent) =>
    other.type === event.type && other.data.secrets[0]?.version === event.data.secrets[0]?.version
  if (event.type === 'Rekey.KeyRetired') {
    const twin = [...ledger.events.values()].find((other) => other.id !== event.id && same(other))
    if (twin) watch.add('one event under two ids', `${twin.id} and ${event.id}`)
    const before = run.request.revokeBefore
    const lead = service.facts(keyIn(vault.current(target.secrets[0].name)?.value?.reveal()))
    if (before !== undefined && run.reason === 'revoked' && lead && lead.made < before - ageBlur && !run.troubled)
      watch.add('a revoke retires the standby first', event.id)
  }
  if (ledger.events.has(event.id) || late !== undefined) return
  const place = ledger.leads.findIndex(({ version }) => version === event.id)
  const after = place < 0 ? undefined : ledger.leads.slice(place + 1).find(({ version }) => ledger.events.has(version))
  if (after) watch.add('announced out of order', `${event.id} after ${after.version}`)
}
