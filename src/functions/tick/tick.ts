// Room: the doorways. One tick of the schedule: find who is due, and queue it. Rotates nothing itself.

import type { InvocationContext, Timer } from '@azure/functions'
import type { SeenTarget } from '../../azure/telemetry.ts'
import type { App, Compose } from '../../compose.ts'
import { turn } from '../../rotation/due.ts'
import { iso } from '../../rotation/duration.ts'
import { RekeyError } from '../../rotation/errors.ts'
import { overdue } from '../../rotation/events.ts'
import { pace } from '../../rotation/pace.ts'
import type { Log } from '../../rotation/ports.ts'
import { type Instant, leadOf, minutes, type Target } from '../../rotation/target.ts'
import { asRekeyError } from '../../rotation/unforeseen.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault, secretsOf } from '../shared/fleet.ts'
import { logOf } from '../shared/invocation.ts'
import { type Seen, see, unreadable, wanted } from './candidates.ts'
import { type Period, periodOf } from './period.ts'

/** How long one tick may take: less than the time limit of a function, so that it can say what it did not get done. */
const tickLimit = minutes(8)
/** How many messages, and how many vaults, are under way at once. */
const sends = 16
const vaults = 8

/**
 * Queues whoever is due, unfinished or new, and today's slice of everybody else. A vault that cannot be read does not
 * stop the others; the tick then fails at its end, with all of them named. Throws RekeyError.
 */
export async function tick(timer: Timer, context: InvocationContext, compose: Compose): Promise<void> {
  const log = logOf(context)
  try {
    const composed = await compose()
    if ('app' in composed) return await run(composed.app, timer, log)
    log('error', 'schedule failed: bad configuration', { problems: composed.problems })
    throw new RekeyError('BadConfiguration', {
      message: `nothing is rotated: ${composed.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
      remedy: 'GET /api/health lists every problem, and what to do.',
    })
  } catch (thrown) {
    throw asRekeyError(thrown, log)
  }
}

async function run(app: App, timer: Timer, log: Log): Promise<void> {
  const period = periodOf(timer, app.clock.now())
  const signal = AbortSignal.timeout(tickLimit)
  const failures: RekeyError[] = []
  const collect = (thrown: unknown, place: string) => {
    const error = asRekeyError(thrown, log)
    log('error', 'schedule: skipped', { place, code: error.code, detail: error.message, ...error.details.service })
    failures.push(error)
  }
  const seen = (
    await atMost(vaults, [...byVault(app.targets)], async ([url, targets]) =>
      lookAt(app, url, targets, period, signal).catch((thrown: unknown) => {
        collect(thrown, url)
        return targets.filter(({ enabled }) => enabled).map(unreadable)
      }),
    )
  ).flat()
  const { queued, later, depth } = await queueWanted(app, seen, period, signal)
  const late = seen.filter(({ overdue: is }) => is)
  for (const { target, dueAt } of late.filter(({ target: { name } }) => turn(name, period.from, period.to))) {
    await tellOverdue(app, target, dueAt!, log, signal).catch((thrown: unknown) => collect(thrown, target.name))
  }
  const about = ({ target: { name: target, provider }, dueAt }: Seen) => ({ target, provider, dueAt: iso(dueAt ?? 0) })
  app.telemetry.overdue(late.map(about))
  app.telemetry.seen(seen.filter(({ target: { name } }) => turn(name, period.from, period.to)).map(shown))
  const counts = {
    targets: app.targets.length,
    seen: seen.filter(({ state }) => state !== 'unreadable').length,
    queued,
    later,
    depth,
    overdue: late.length,
  }
  log(failures.length === 0 ? 'info' : 'error', 'schedule finished', { ...counts, failures: failures.length })
  await app.telemetry.flush()
  if (failures.length > 0) throw incomplete(failures)
}

async function lookAt(app: App, url: string, targets: readonly Target[], period: Period, signal: AbortSignal) {
  const enabled = targets.filter((target) => target.enabled)
  if (enabled.length === 0) return []
  const secrets = await secretsOf(app.vault(url), enabled, signal)
  return enabled.map((target) => see(target, secrets.get(target.name) ?? [], period))
}

async function queueWanted(app: App, seen: readonly Seen[], period: Period, signal: AbortSignal) {
  const candidates = seen.flatMap((each) => wanted(app, each, period) ?? [])
  const depth = await app.queue.depth(signal)
  const paced = pace(candidates, { interval: period.interval, queued: depth })
  await atMost(sends, paced.now, async ({ candidate: { request }, delay }) => {
    await app.queue.send({ ...request, expiresAt: request.expiresAt + delay }, delay, signal)
  })
  return { queued: paced.now.length, later: paced.later.length, depth }
}

/** Once a day for each, at its turn. A listing does not tell the version that the event is named after. */
async function tellOverdue(app: App, target: Target, dueAt: Instant, log: Log, signal: AbortSignal): Promise<void> {
  const lead = await app.vault(target.vault).current(leadOf(target).name, signal)
  if (lead === undefined) return
  const now = app.clock.now()
  log('warn', 'target overdue', { target: target.name, version: lead.version })
  await app.ports(log).announcer.announce([overdue(target, lead, dueAt, now)], signal)
}

function incomplete(failures: readonly RekeyError[]): RekeyError {
  const first = failures[0]!
  return new RekeyError(first.code, {
    message: `the schedule is incomplete: ${failures.map(({ message }) => message).join('; ')}`,
    ...(first.details.remedy === undefined ? {} : { remedy: first.details.remedy }),
  })
}

/** For the workbook. */
function shown({ target: { name: target, provider }, state, rotatedAt, dueAt, expiresOn }: Seen): SeenTarget {
  const times = Object.entries({ rotatedAt, dueAt, expiresOn }).filter(([, at]) => at !== undefined)
  return { target, provider, state, ...Object.fromEntries(times.map(([name, at]) => [name, iso(at)])) }
}
