// One estate of `npm run bench:fleet`: targets.json and the app's real schedule, over vaults that answer tags from a generator.

import { HttpRequest, InvocationContext } from '@azure/functions'
import type { ListedSecret, ListedVault } from '../../src/azure/key-vault.ts'
import { type App, type Compose, composer } from '../../src/compose.ts'
import { vaultAllowance } from '../../src/engine/pace.ts'
import type { Clock } from '../../src/engine/ports.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import type { Target } from '../../src/engine/target.ts'
import { answer } from '../../src/functions/http/answer-request.ts'
import { startRevocations } from '../../src/functions/http/commands/start-revocations.ts'
import { rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { revokeWrites } from '../../src/functions/shared/many-candidate.ts'
import { tick } from '../../src/functions/timer/tick.ts'
import { noLeaseNotes, packedInMemory, recordsInMemory } from '../../test/scale/stored-in-memory.ts'
import { placeOf } from './estate-names.ts'
import { benchQueue, perInstance, rotationTime, simulatedWorkers } from './simulated-workers.ts'

const minute = 60_000
const day = 1440 * minute
const interval = 15 * minute
const jsonType = { 'content-type': 'application/json' }
/** Keys older than any due date: everything is due with the first tick. */
const age = 61 * day

export interface EstateRun {
  /** Path of targets.json. */
  readonly file: string
  readonly targets: number
  readonly instances: number
  /** What is wanted: the schedule rotates what is due; every key is revoked with one request, or each with one of its own. */
  readonly what: 'schedule' | 'revoke' | 'singles'
}

/** What came of it. Times in seconds of the virtual clock. */
export interface EstateResult {
  readonly took: number
  readonly floor: number
  readonly throttled: number
  readonly longestQueue: number
  readonly listCalls: number
  readonly tickTime: number
  readonly ticks: number
  readonly unrotated: number
}

export async function runEstate({ file, targets, instances, what }: EstateRun): Promise<EstateResult> {
  const start = Date.UTC(2026, 2, 2, 10)
  let now = start
  const setTime = (at: number) => {
    now = Math.max(now, at)
  }
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
  const queue = benchQueue(() => now)
  const rotatedAt = new Float64Array(targets).fill(start - age)
  let lists = 0
  const compose = await stubbed(file, clock, (app) => ({
    queue,
    operations: recordsInMemory(),
    snapshot: packedInMemory(),
    leaseNotes: noLeaseNotes,
    vault: (url) => generatedVault(app, url, rotatedAt, () => (lists += 1)),
  }))
  const context = () => new InvocationContext({ logHandler: () => undefined })
  const composed = await compose()
  if (!('app' in composed)) throw new Error('no app')
  const { app } = composed
  let left = targets
  let last = start
  const workers = simulatedWorkers({
    app: () => app,
    queue,
    atOnce: instances * perInstance,
    setTime,
    queueList: (part) => rotateMessage({ v: 1, ...part }, context(), compose),
    isDue: (name, request) => rotatedAt[placeOf(name)]! < (wantedSince(request) ?? start),
    rotated: (name, at) => {
      const place = placeOf(name)
      if (rotatedAt[place]! < start) left -= 1
      rotatedAt[place] = at
      last = Math.max(last, at)
    },
  })

  let [ticks, tickTime, listCalls] = [0, 0, 0]
  if (what === 'revoke') {
    const began = performance.now()
    const body = JSON.stringify({ targets: 'all', note: 'bench', count: targets })
    const request = new HttpRequest({
      method: 'POST',
      url: 'http://bench/api/revocations',
      headers: jsonType,
      body: { string: body },
    })
    const { status, body: answered } = await answer(startRevocations, request, context(), compose)
    if (status !== 202) throw new Error(`${status}: ${answered}`)
    tickTime = performance.now() - began
  }
  if (what === 'singles') {
    const expiresAt = start + 9 * day
    for (const { name } of app.targets) {
      await queue.send({ id: name, target: name, actor: 'bench', revokeBefore: start, expiresAt }, 0)
    }
  }
  while (left > 0 && now < start + 30 * day) {
    if (what === 'schedule') {
      lists = 0
      const began = performance.now()
      const at = (ms: number) => new Date(now + ms).toISOString()
      const scheduleStatus = { last: at(-interval), next: at(interval), lastUpdated: at(-interval) }
      await tick({ isPastDue: false, schedule: { adjustForDST: true }, scheduleStatus }, context(), compose)
      tickTime = Math.max(tickTime, performance.now() - began)
      listCalls = Math.max(listCalls, lists)
      ticks += 1
    }
    await workers.runUntil(now + interval)
  }
  return {
    took: (last - start) / 1000,
    floor: floorOf(app, what),
    throttled: workers.counts.throttled / workers.counts.calls,
    longestQueue: queue.longest,
    ...{ listCalls, tickTime, ticks, unrotated: left },
  }
}

function wantedSince({ createdAfter, revokeBefore }: RotationRequest): number | undefined {
  return revokeBefore ?? createdAfter
}

/**
 * The shortest time that the limits allow, in seconds: of the budget or the vault that takes longest, at half of the documented limit for the
 * schedule, at the whole for a revoke. What is there at once is not waited for, but no key is new before one rotation has ended.
 */
function floorOf(app: App, what: EstateRun['what']): number {
  const share = what === 'schedule' ? 1 : 2
  const needs = new Map<string, { needed: number; burst: number; perSecond: number }>()
  const need = (key: string, needed: number, { burst, perSecond }: { burst: number; perSecond: number }) => {
    const known = needs.get(key) ?? { needed: 0, burst: burst * share, perSecond: perSecond * share }
    needs.set(key, { ...known, needed: known.needed + needed })
  }
  for (const target of app.targets) {
    const { writes, allowance } = app.providerOf(target)
    need(app.placeOf(target).budget, what === 'schedule' ? writes : revokeWrites(app, target), allowance)
    need(target.vault, target.secrets.length, vaultAllowance)
  }
  const longest = [...needs.values()].map(({ needed, burst, perSecond }) => (needed - burst) / perSecond)
  return Math.max(0, ...longest) + rotationTime / 1000
}

type Stubs = Pick<App, 'queue' | 'operations' | 'snapshot' | 'leaseNotes' | 'vault'>

/** The app as it is composed, but for everything that it would call. */
export async function stubbed(file: string, clock: Clock, stubsOf: (app: App) => Stubs): Promise<Compose> {
  const env = { AzureWebJobsStorage: 'UseDevelopmentStorage=true', ROTATION_TARGETS: file }
  const composed = await composer({ env, clock })()
  if (!('app' in composed)) throw new Error(JSON.stringify(composed.problems.slice(0, 5)))
  const { app } = composed
  const stubs = stubsOf(app)
  const announcer = { announce: async () => undefined }
  const stubbedApp: App = {
    ...app,
    ...stubs,
    recorded: async () => app.configuration,
    ports: (log) => ({ ...app.ports(log), queue: stubs.queue, announcer }),
  }
  return async () => ({ app: stubbedApp })
}

/** Every target's secret, made as it is listed: 25 a page, as Key Vault answers them. */
export function generatedVault(app: App, url: string, rotatedAt: Float64Array, listed: () => void): ListedVault {
  const mine = vaultTargets(app).get(url) ?? []
  const secretOf = (target: Target): ListedSecret => {
    const at = rotatedAt[placeOf(target.name)]!
    return {
      name: target.secrets[0].name,
      enabled: true,
      created: at,
      expiresOn: at + target.validFor,
      slot: target.slots[0],
      address: target.address,
      stamps: {
        target: target.name,
        rotatedAt: at,
        createdAfter: at,
        announced: true,
        reason: 'due',
        actor: 'schedule',
      },
      otherTags: {},
    }
  }
  const none = async (): Promise<never> => {
    throw new Error('the bench reads and writes no secret')
  }
  return {
    ...{ version: none, versions: none, publish: none, describe: none, fits: () => undefined },
    current: async () => undefined,
    async *listCurrent() {
      for (let first = 0; first < mine.length; first += 25) {
        listed()
        yield mine.slice(first, first + 25).map(secretOf)
      }
    },
  }
}

const byVault = new WeakMap<App, Map<string, Target[]>>()

function vaultTargets(app: App): Map<string, Target[]> {
  const known = byVault.get(app) ?? Map.groupBy(app.targets, ({ vault }) => vault)
  byVault.set(app, known)
  return known
}
