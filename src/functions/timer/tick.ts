// One tick of the schedule: finds the targets that are due and queues them. Rotates nothing itself.

import type { InvocationContext, Timer } from '@azure/functions'
import type { SeenTarget } from '../../azure/telemetry.ts'
import type { App, Compose } from '../../compose.ts'
import { turn } from '../../engine/due.ts'
import { iso } from '../../engine/duration.ts'
import { overdue } from '../../engine/events.ts'
import type { Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, leadOf, minutes } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { withTagged } from '../discovery/find-tagged.ts'
import { atMost } from '../shared/at-most.ts'
import { excerptOf, joined, sentenceOf } from '../shared/excerpt.ts'
import { logOf } from '../shared/invocation.ts'
import { vaultCalls } from '../shared/read-secrets.ts'
import { isStopped } from '../shared/stop-switch.ts'
import type { Seen } from './candidates.ts'
import { type Period, periodOf } from './period.ts'
import { queueWanted } from './queue-candidates.ts'
import { readVaults } from './read-vaults.ts'
import { remind } from './remind.ts'
import { takeSnapshot } from './take-snapshot.ts'

/** The log line that ends a tick; an alert counts it. */
export const scheduleFinished = 'schedule finished'

/** How long each part of a tick may take. */
export interface TickLimits {
  readonly reading: Duration
  readonly queueing: Duration
  readonly reporting: Duration
  readonly saving: Duration
}

/**
 * Each part has a time of its own, so that one that gets stuck does not cost the next its turn. Together less than the time
 * limit of a function (10 minutes, host.json), so that the tick can say what it did not get done.
 */
export const tickLimits: TickLimits = {
  reading: minutes(4),
  queueing: minutes(3),
  reporting: minutes(1),
  saving: minutes(0.75),
}

/** Records a failure, and lets the tick continue. Returns it as an error of ours. */
export type Collect = (thrown: unknown, place: string) => RekeyError

/**
 * Queues the targets that are due, unfinished or new, and today's share of the others. A vault that cannot be read, or a message
 * that cannot be sent, does not stop the others; the tick then fails at its end, with the failures named. Throws RekeyError.
 */
export async function tick(
  timer: Timer,
  context: InvocationContext,
  compose: Compose,
  limits: TickLimits = tickLimits,
): Promise<void> {
  const log = logOf(context)
  try {
    const composed = await compose()
    if ('app' in composed) return await run(composed.app, compose, timer, log, limits)
    log('error', 'schedule failed: bad configuration', excerptOf(composed.problems))
    throw new RekeyError('BadConfiguration', {
      message: `nothing is rotated: ${joined(composed.problems.map(sentenceOf))}`,
      remedy: 'GET /api/health lists every problem, and what to do.',
    })
  } catch (thrown) {
    throw asRekeyError(thrown, log)
  }
}

async function run(given: App, compose: Compose, timer: Timer, log: Log, limits: TickLimits): Promise<void> {
  const period = periodOf(timer, given.clock.now())
  const failures: RekeyError[] = []
  const collect: Collect = (thrown, place) => {
    const error = asRekeyError(thrown, log)
    log('error', 'schedule: skipped', {
      place,
      code: error.code,
      detail: error.message,
      service: error.details.service,
    })
    failures.push(error)
    return error
  }
  await checkConfiguration(given, log, collect)
  const reading = AbortSignal.timeout(limits.reading)
  // Half of the time: a vault with very many secrets must not cost the others their turn.
  const listing = AbortSignal.timeout(limits.reading / 2)
  const app = await withTagged(given, compose, { log, collect, signal: listing })
  const { seen, lines } = await readVaults(app, period, collect, reading)
  // What is overdue is still reported: a forgotten stop must not stay unnoticed.
  const counts = isStopped(app)
    ? { queued: 0, stopped: true }
    : await queueWanted(app, seen, period, collect, AbortSignal.timeout(limits.queueing))
  const late = seen.filter(({ overdue: is }) => is)
  await reportOverdue(app, late.filter(hasTurn(period)), {
    log,
    collect,
    signal: AbortSignal.timeout(limits.reporting),
  })
  const signal = AbortSignal.timeout(limits.reporting)
  const { seen: reminders, lines: ofReminders } = await remind(app, period, { log, collect, signal })
  await takeSnapshot(app, period.to, [...lines, ...ofReminders], collect, AbortSignal.timeout(limits.saving))
  late.push(...reminders.filter(({ overdue: is }) => is))
  const about = ({ target: { name: target, provider }, dueAt }: Seen) => ({ target, provider, dueAt: iso(dueAt ?? 0) })
  app.telemetry.overdue(late.map(about))
  app.telemetry.seen([...seen, ...reminders].filter(hasTurn(period)).map(shown))
  log(failures.length === 0 ? 'info' : 'error', scheduleFinished, {
    targets: app.targets.length,
    ...(reminders.length === 0 ? {} : { reminders: reminders.length }),
    seen: seen.filter(({ state }) => state !== 'unreadable').length,
    ...counts,
    overdue: late.length,
    failures: failures.length,
  })
  await app.telemetry.flush()
  if (failures.length > 0) throw incomplete(failures)
}

/** What is wrong with the configuration fails the tick at its end, so that the alert says so: the rest goes on. */
async function checkConfiguration(app: App, log: Log, collect: Collect): Promise<void> {
  const { problems } = app
  if (problems.length > 0) {
    log('error', 'configuration: not all of it is in force', excerptOf(problems))
    const message = `the configuration is not all in force: ${joined(problems.map(sentenceOf))}`
    collect(
      new RekeyError('BadConfiguration', { message, remedy: 'GET /api/health lists every problem.' }),
      'configuration',
    )
  }
  try {
    const { removal } = await app.recorded()
    if (removal === undefined) return
    const removed = { removed: removal.removed, of: removal.of, at: iso(removal.at) }
    log('warn', 'targets removed: more than half of them with one change', removed)
    app.telemetry.removed(removed)
  } catch (thrown) {
    collect(thrown, 'rekey-state')
  }
}

function hasTurn({ from, to }: Period): (seen: Seen) => boolean {
  return ({ target }) => turn(target.name, from, to)
}

interface Reporting {
  readonly log: Log
  readonly collect: Collect
  readonly signal: AbortSignal
}

/** Once a day for each, at its turn. A listing does not include the version that the event is named after. */
async function reportOverdue(app: App, late: readonly Seen[], { log, collect, signal }: Reporting): Promise<void> {
  const report = async ({ target, dueAt }: Seen) => {
    const lead = await app.vault(target.vault).current(leadOf(target).name, signal)
    if (lead === undefined || dueAt === undefined) return
    log('warn', 'target overdue', { target: target.name, version: lead.version })
    await app.ports(log).announcer.announce([overdue(target, lead, dueAt, app.clock.now())], signal)
  }
  await atMost(vaultCalls, late, async (seen) => {
    await report(seen).catch((thrown: unknown) => collect(thrown, seen.target.name))
  })
}

function incomplete(failures: readonly RekeyError[]): RekeyError {
  const first = failures[0]!
  return new RekeyError(first.code, {
    message: `the schedule is incomplete: ${joined(failures.map(({ message }) => message))}`,
    ...(first.details.remedy === undefined ? {} : { remedy: first.details.remedy }),
  })
}

/** For the workbook. */
function shown({ target: { name: target, provider }, state, rotatedAt, dueAt, expiresOn }: Seen): SeenTarget {
  const times = Object.entries({ rotatedAt, dueAt, expiresAt: expiresOn }).filter(([, at]) => at !== undefined)
  return { target, provider, status: state, ...Object.fromEntries(times.map(([name, at]) => [name, iso(at)])) }
}
