// Room: tests of the core. A world that attacks the engine: workers that interleave at every call, crash, stand still and lose
// answers; listings that lag; operators that meddle; requests that come twice and late. One seed decides everything.

import type { RotationRequest } from '../../../src/rotation/request.ts'
import { hours, minutes, type Target } from '../../../src/rotation/target.ts'
import { blackouts, type FaultOptions, fates } from './faults.ts'
import { messageQueue } from './messages.ts'
import { random } from './random.ts'
import { asRing, keyIn, type ServiceOptions, service } from './service.ts'
import { virtualTime } from './time.ts'
import { memoryVault } from './vault.ts'
import { type Violation, watch } from './watch.ts'
import { type Stage, startWorkers } from './workers.ts'

type Ask = 'fresh' | 'force' | 'promote' | 'revoke'
type Meddling = 'regenerates' | 'overwrites' | 'promotes by hand' | 'disables' | 'swaps'

export interface Climate extends Omit<ServiceOptions, 'slots' | 'stale'>, FaultOptions {
  readonly slots: 1 | 2
  readonly outputs: 1 | 2
  readonly probe: boolean
  readonly stale?: boolean
  readonly etag?: boolean
  readonly retire?: boolean
  /** Clocks of workers and of whoever asks are off by up to this many milliseconds. */
  readonly skew?: number
  readonly asks?: readonly Ask[]
  readonly meddling?: readonly Meddling[]
}

export interface History {
  readonly violations: readonly Violation[]
  readonly reasons: ReadonlySet<string>
  readonly regenerations: number
  readonly log: readonly string[]
}

const overlap = hours(1)
const rotateEvery = hours(6)
const busyTime = hours(15)
const quietTime = hours(12)
const sweepEvery = minutes(30)
const longestLag = minutes(2)

function targetIn(climate: Climate): Target {
  const secrets = [
    { name: 'lead', output: 'key' },
    { name: 'connection', output: 'connectionString' },
  ] as const
  return {
    name: 'target',
    provider: 'world',
    resource: undefined,
    address: '/world/target',
    lease: 'target',
    vault: 'https://world.vault.azure.net',
    secrets: climate.outputs === 2 ? secrets : [secrets[0]],
    slots: climate.slots === 2 ? ['A', 'B'] : ['key'],
    rotateEvery,
    validFor: 2 * rotateEvery,
    overlap,
    ...(climate.retire ? { retireAfter: 2 * overlap } : {}),
    probe: 'on',
    adopt: true,
    enabled: true,
  }
}

/** Lives one history. `without` leaves rules out, to see what they are for; `keepLog` tells what happened. */
export async function live(
  seed: number,
  climate: Climate,
  without: ReadonlySet<string> = new Set(),
  keepLog: 'keep log' | 'no log' = 'no log',
): Promise<History> {
  const log: string[] = []
  const time = virtualTime()
  const dice = random(seed)
  const write = (line: string) => void (keepLog === 'keep log' && log.push(`${time.elapsed()} ${line}`))
  const target = targetIn(climate)
  let poll: () => void = () => undefined
  const sight = watch(
    time,
    target.secrets.map(({ name }) => name),
    overlap,
    write,
    () => ({ vault, service: keys }),
  )
  const keys = service({ ...climate, slots: target.slots, stale: climate.stale ? longestLag : 0 }, time, dice, (died) =>
    sight.check(died),
  )
  const vault = memoryVault(time, sight.handedOut, () => sight.check())
  const messages = messageQueue(time, (delay) => time.in(delay + 1, () => poll()))
  const stage: Stage = {
    time,
    dice,
    target,
    service: keys,
    vault,
    messages,
    watch: sight,
    course: fates(climate, dice),
    blackouts: blackouts(climate.blackouts, random(~seed), time.now),
    probe: climate.probe && !without.has('probe'),
    etag: climate.etag ?? false,
    both: climate.both ?? false,
    skew: climate.skew ?? 0,
    without,
    regenerations: [],
    slack: new Map(),
    events: new Set(),
    reasons: new Set(),
    log: write,
  }
  poll = startWorkers(stage)
  const asked = scheduleEverything(stage, climate)
  time.in(busyTime, () => {
    stage.course.calm()
    stage.blackouts.calm()
  })
  await time.runUntil(time.now() + busyTime + quietTime)
  sight.finish()
  judgeTheEnd(stage, asked)
  return { violations: sight.violations, reasons: stage.reasons, regenerations: stage.regenerations.length, log }
}

interface Asked {
  readonly request: RotationRequest
  /** By the world's clock, whatever the asker's clock said. */
  readonly at: number
}

function scheduleEverything(stage: Stage, climate: Climate): readonly Asked[] {
  const { time, dice, messages } = stage
  const asked: Asked[] = []
  const end = time.now() + busyTime + quietTime
  const sweep = () => {
    if (messages.waiting('sweep') < 2)
      messages.send({ id: 'sweep', target: 'target', actor: 'schedule', expiresAt: time.now() + hours(48) })
    // The last sweeps leave time for what they start to come to rest.
    const next = sweepEvery * (0.8 + 0.4 * dice.next())
    if (time.now() + next < end - minutes(50)) time.in(next, sweep)
  }
  sweep()
  const kinds = [...(climate.asks ?? ['fresh', 'promote']), ...(climate.meddling ?? [])]
  const many = 1 + Math.floor(dice.next() * 5)
  for (let n = 0; n < many; n++) {
    const kind = dice.pick(kinds)
    const moment = time.now() + minutes(10) + dice.next() * (busyTime - minutes(20))
    const skew = (dice.next() * 2 - 1) * stage.skew
    time.at(moment, () => (isAsk(kind) ? ask(stage, kind, n, skew, asked) : meddle(stage, kind)))
  }
  return asked
}

function isAsk(kind: Ask | Meddling): kind is Ask {
  return kind === 'fresh' || kind === 'force' || kind === 'promote' || kind === 'revoke'
}

function ask(stage: Stage, kind: Ask, n: number, skew: number, asked: Asked[]): void {
  const { time, dice, messages, vault, target } = stage
  const lead = vault.current('lead')
  const moment = time.now() + skew
  if (kind === 'promote' && !lead) return
  const request: RotationRequest = {
    id: `${kind}-${n}`,
    target: target.name,
    actor: 'somebody',
    note: String(time.now()),
    expiresAt: time.now() + hours(48),
    ...(kind === 'revoke' ? { revokeBefore: moment } : {}),
    ...(kind === 'fresh' || kind === 'force' ? { freshAfter: moment } : {}),
    ...(kind === 'force' ? { force: true } : {}),
    ...(kind === 'promote' ? { promote: { slot: dice.pick(target.slots), from: lead!.version } } : {}),
  }
  stage.log(`-- asked ${JSON.stringify(request)}`)
  asked.push({ request, at: time.now() })
  messages.send(request)
  if (dice.chance(0.4)) messages.send(request, dice.next() * 10_000)
  if (dice.chance(0.3)) messages.send(request, dice.next() * 9_000_000)
}

function meddle({ time, dice, target, service: keys, vault, watch: sight, log }: Stage, kind: Meddling): void {
  const slot = dice.pick(target.slots)
  const lead = vault.current('lead')
  if (kind === 'regenerates') {
    sight.hazard(`operator regenerates ${slot}`)
    keys.regenerate(slot)
  }
  if (kind === 'overwrites') {
    sight.hazard('operator overwrites a secret')
    vault.put(dice.pick(target.secrets).name, 'rubbish')
  }
  if (kind === 'promotes by hand' && lead) {
    sight.hazard('operator promotes by hand')
    vault.put('lead', asRing(keys.keys())[slot]!['key']!.reveal())
  }
  if (kind === 'swaps' && target.slots.length > 1) {
    sight.hazard('operator swaps')
    keys.swap()
  }
  if (kind === 'disables' && lead) {
    log('-- operator disables the lead')
    vault.enable('lead', false)
    time.in(dice.next() * 7_000_000, () => {
      sight.hazard('operator enables again')
      vault.enable('lead', true)
    })
  }
  log(JSON.stringify(keys.keys()))
}

/** What must be true when everything has come to rest. */
function judgeTheEnd(stage: Stage, asked: readonly Asked[]): void {
  const { target, vault, service: keys, watch: sight, events } = stage
  const lead = vault.current('lead')
  const live = Object.values(keys.keys())
  const key = keyIn(lead?.value?.reveal())
  if (!lead || !live.includes(key)) {
    sight.add('dead at the end', key)
    return
  }
  for (const { name } of target.secrets) {
    if (keyIn(vault.current(name)?.value?.reveal()) !== key) sight.add('output differs at the end', name)
  }
  if (!events.has(lead.version)) sight.add('unannounced at the end', lead.version)
  for (const each of asked) judgeRequest(stage, each, asked, keys.madeAt(key))
}

function judgeRequest(stage: Stage, { request, at }: Asked, asked: readonly Asked[], made: number): void {
  const { target, service: keys, watch: sight, regenerations, slack } = stage
  const byHand = sight.hazards.some(({ what }) => what.includes('promotes'))
  const promotedLater = asked.some((other) => other.request.promote && other.at > at - hours(1.2))
  if (request.freshAfter !== undefined && made < at - 1 && !byHand && !promotedLater) sight.add('not fresh', request.id)
  if (request.revokeBefore !== undefined && Object.values(keys.keys()).some((key) => keys.madeAt(key) < at)) {
    sight.add('not revoked', request.id)
  }
  const most = (request.revokeBefore === undefined ? 1 : target.slots.length) + (slack.get(request.id) ?? 0)
  const count = regenerations.filter(
    (each) => each.request === request.id && !['due', 'retiring'].includes(each.reason),
  ).length
  // Whoever overwrites a secret by hand, and a zombie that writes older tags, takes away what was known of its key's age.
  const forgotten = sight.hazards.some((hazard) => hazard.at > at && /operator|zombie patch|forgets/.test(hazard.what))
  if (!request.promote && count > most && !forgotten) sight.add('regenerated too often', `${request.id} ${count}`)
}
