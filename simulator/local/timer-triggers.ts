// Timer triggers: NCRONTAB with six fields, or a time span.

import { Cron } from 'croner'
import { timeSpan } from './host-settings.ts'
import type { Invoker } from './invoker.ts'
import type { Log, RegisteredFunction } from './worker.ts'

export interface Timer {
  readonly name: string
  /** Runs it now, as `POST /admin/functions/<name>` does. */
  fire(): Promise<void>
  stop(): void
}

/** What Azure keeps of a timer in the storage account, so that it outlives restarts. ISO 8601. */
export interface TimerStatus {
  readonly Last: string
  readonly Next: string
  readonly LastUpdated: string
}

/** .NET's minimum date: the last run of a timer that has not run yet. */
const never = '0001-01-01T00:00:00'
const longestPiece = 2 ** 31 - 1

/**
 * Starts one timer. `stored` is the state of an earlier process: an occurrence missed meanwhile runs at once, and
 * the function sees that it is past due. A run that takes longer than its interval delays the next. NCRONTAB wants
 * both day fields to match, where cron wants one. Throws for a schedule that does not parse (five fields included).
 */
export function startTimer(fn: RegisteredFunction, stored: TimerStatus | undefined, invoker: Invoker, log: Log): Timer {
  const schedule = String(fn.trigger['schedule'])
  const next = nextOccurrence(schedule)
  const upcoming = next(new Date())
  let status = stored ?? { Last: never, Next: upcoming.toISOString(), LastUpdated: new Date().toISOString() }
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const run = (reason: string, when: Punctuality) => runOnce(fn, reason, status, when, invoker)

  async function occur(at: Date, when: Punctuality): Promise<void> {
    await run(`Timer fired at ${new Date().toISOString()}`, when)
    // Node's timers may fire a little early: counted from that moment, the same occurrence would come again.
    const from = new Date(Math.max(Date.now(), at.getTime()))
    status = { Last: at.toISOString(), Next: next(from).toISOString(), LastUpdated: new Date().toISOString() }
    if (!stopped) arm()
  }

  function arm(): void {
    const at = new Date(status.Next)
    const wait = Math.max(0, at.getTime() - Date.now())
    // Node's timers accept at most 2^31 ms; a longer wait is split.
    timer = setTimeout(() => (wait < longestPiece ? void occur(at, 'on time') : arm()), Math.min(wait, longestPiece))
  }

  log(
    'information',
    'Host.Triggers.Timer',
    `The next occurrence of '${fn.name}' (${schedule}): ${upcoming.toISOString()}`,
  )
  if (stored !== undefined && Date.parse(stored.Next) < Date.now()) void occur(new Date(), 'past due')
  else if (fn.trigger['runOnStartup'] === true) void occur(new Date(), 'on time')
  else arm()
  return {
    name: fn.name,
    fire: () => run('This function was programmatically called via the host APIs.', 'on time'),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

type Punctuality = 'past due' | 'on time'

async function runOnce(
  fn: RegisteredFunction,
  reason: string,
  status: TimerStatus,
  when: Punctuality,
  invoker: Invoker,
): Promise<void> {
  const info = { Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: when === 'past due' }
  try {
    await invoker.invoke(fn.name, reason, { trigger: { json: JSON.stringify(info) } })
  } catch {
    // The run has logged it. A failed run is not repeated: the next occurrence is the next try.
  }
}

function nextOccurrence(schedule: string): (after: Date) => Date {
  if (/^(\d+\.)?\d{1,2}:\d{2}:\d{2}$/.test(schedule)) {
    const span = timeSpan(schedule)
    return (after) => new Date(after.getTime() + span)
  }
  const timezone = process.env['WEBSITE_TIME_ZONE'] ?? 'UTC'
  const cron = new Cron(schedule, { mode: '6-part', domAndDow: true, timezone })
  return (after) => {
    const at = cron.nextRun(after)
    if (at === null) throw new Error(`The schedule "${schedule}" has no further occurrence.`)
    return at
  }
}
