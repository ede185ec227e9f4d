// A world that attacks the engine: workers that interleave at every call, crash, stand still and lose
// answers; listings that lag; operators that meddle; requests that come twice and late. One seed decides everything.

import {
  clockBound,
  type Duration,
  hours,
  minutes,
  settle,
  type Target,
  type Window,
} from '../../../src/engine/target.ts'
import { type Ask, ask, isAsk } from './asks.ts'
import { blackouts, type FaultOptions, fates, refusals } from './call-faults.ts'
import { ledger } from './ledger.ts'
import { type Meddling, meddle } from './meddling.ts'
import { messageQueue } from './messages.ts'
import { random } from './random.ts'
import { checkCounts, checkFinished } from './rest-rules.ts'
import { keyIn, type ServiceOptions, service } from './service.ts'
import type { Stage, Traits } from './stage.ts'
import { virtualTime } from './time.ts'
import { type Violation, type WatchOptions, watch } from './watch.ts'
import { startWorkers } from './workers.ts'
import { memoryVault } from './world-vault.ts'

export interface Climate extends Omit<ServiceOptions, 'slots' | 'stale'>, FaultOptions {
  readonly slots: 1 | 2
  readonly outputs: 1 | 2
  readonly probe: boolean
  /** How long listings may lag, in milliseconds; `true`: two minutes. */
  readonly stale?: boolean | Duration
  readonly etag?: boolean
  readonly operations?: Traits['operations']
  readonly retire?: boolean
  /** So long that no later rotation hides what an earlier one lost. */
  readonly rotateEvery?: Duration
  readonly window?: Window
  /** Secrets that hold something else are left alone. */
  readonly adopt?: boolean
  /** Clocks of workers and of whoever asks are off by up to this many milliseconds. */
  readonly skew?: number
  readonly asks?: readonly Ask[]
  readonly meddling?: readonly Meddling[]
  /** Requests come in quick succession. */
  readonly hasty?: boolean
}

export interface History {
  readonly violations: readonly Violation[]
  readonly reasons: ReadonlySet<string>
  readonly regenerations: number
  readonly log: readonly string[]
}

const overlap = hours(1)
const usualRotateEvery = hours(6)
const busyTime = hours(15)
const quietTime = hours(12)
const checkEvery = minutes(30)
const usualLag = minutes(2)
/** A missed resync, a listing that lags, a key that the service takes its time to accept. */
const longestOutage = 2 * checkEvery * 1.2 + settle + clockBound + minutes(20)

function targetIn(climate: Climate): Target {
  const secrets = [
    { name: 'lead', output: 'key' },
    { name: 'connection', output: 'connectionString' },
  ] as const
  const rotateEvery = climate.rotateEvery ?? usualRotateEvery
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
    ...(climate.window ? { window: climate.window } : {}),
    probe: 'on',
    adopt: climate.adopt ?? true,
    enabled: true,
  }
}

/** Lives one history. `without` leaves rules out, to see what they are for; `keepLog` records what happened. */
export async function live(
  seed: number,
  climate: Climate,
  without: ReadonlySet<string> = new Set(),
  keepLog: 'keep log' | 'no log' = 'no log',
): Promise<History> {
  const log: string[] = []
  const write = (line: string) => void (keepLog === 'keep log' && log.push(`${stage.time.elapsed()} ${line}`))
  let poll: () => void = () => undefined
  const stage = stageFor(seed, climate, without, write, () => poll())
  const { time, watch: sight, ledger: book } = stage
  poll = startWorkers(stage)
  scheduleEverything(stage, climate)
  time.in(busyTime, () => {
    stage.course.calm()
    stage.blackouts.calm()
  })
  await time.runUntil(time.now() + busyTime + quietTime)
  sight.finish()
  judgeTheEnd(stage)
  return { violations: sight.violations, reasons: book.reasons, regenerations: book.regenerations.length, log }
}

function stageFor(
  seed: number,
  climate: Climate,
  without: ReadonlySet<string>,
  log: (line: string) => void,
  poll: () => void,
): Stage {
  const time = virtualTime()
  const dice = random(seed)
  const target = targetIn(climate)
  const book = ledger(time.now())
  const options: WatchOptions = { names: target.secrets.map(({ name }) => name), overlap, longestOutage }
  const sight = watch(time, options, log, () => ({ vault, service: keys }))
  const stale = climate.stale === true ? usualLag : climate.stale || 0
  const keys = service({ ...climate, slots: target.slots, stale }, time, dice, (died) => sight.check(died))
  const vault = memoryVault(
    time,
    (name, value, version) => {
      if (name === target.secrets[0].name) book.leads.push({ version, key: keyIn(value), at: time.now() })
      sight.handedOut(name, value)
    },
    () => sight.check(),
  )
  return {
    time,
    dice,
    target,
    traits: {
      probe: climate.probe && !without.has('probe'),
      etag: climate.etag ?? false,
      both: climate.both ?? false,
      operations: climate.operations ?? 'none',
    },
    service: keys,
    vault,
    messages: messageQueue(time, (delay) => time.in(delay + 1, poll)),
    watch: sight,
    ledger: book,
    course: fates(climate, dice),
    blackouts: blackouts(climate.blackouts, random(~seed), time.now),
    refusals: refusals(climate.refusals, random(seed ^ 0x5eed), time.now, busyTime),
    skew: climate.skew ?? 0,
    without,
    log,
  }
}

function scheduleEverything(stage: Stage, climate: Climate): void {
  const { time, dice, messages } = stage
  const end = time.now() + busyTime + quietTime
  const resync = () => {
    if (messages.waiting('resync') < 2)
      messages.send({ id: 'resync', target: 'target', actor: 'schedule', expiresAt: time.now() + hours(48) })
    // The last ones leave time for what they start to come to rest.
    const next = checkEvery * (0.8 + 0.4 * dice.next())
    if (time.now() + next < end - minutes(50)) time.in(next, resync)
  }
  resync()
  const kinds = [...(climate.asks ?? (['fresh', 'promote'] as const)), ...(climate.meddling ?? [])]
  const many = 1 + Math.floor(dice.next() * (climate.hasty ? 10 : 5))
  let moment = time.now()
  for (let n = 0; n < many; n++) {
    const kind = dice.pick(kinds)
    const soon = n > 0 && climate.hasty && dice.chance(0.6)
    const latest = time.now() + busyTime - minutes(10)
    moment = Math.min(
      latest,
      soon ? moment + dice.next() * minutes(8) : time.now() + minutes(10) + dice.next() * (busyTime - minutes(20)),
    )
    time.at(moment, () => (isAsk(kind) ? ask(stage, kind, n) : meddle(stage, kind)))
  }
}

/** What must be true when everything has come to rest. */
function judgeTheEnd(stage: Stage): void {
  const { target, vault, service: keys, watch: sight, ledger: book } = stage
  const lead = vault.current('lead')
  const key = keyIn(lead?.value?.reveal())
  checkCounts(stage)
  checkFinished(stage)
  if (!lead || !Object.values(keys.keys()).includes(key)) {
    sight.add('dead at the end', key)
    return
  }
  for (const { name } of target.secrets) {
    if (keyIn(vault.current(name)?.value?.reveal()) !== key) sight.add('output differs at the end', name)
  }
  if (!book.events.has(lead.version)) sight.add('unannounced at the end', lead.version)
}
