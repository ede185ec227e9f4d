// Room: the local host. Timer triggers: NCRONTAB with six fields, or a time span. May import croner.

import { Cron } from 'croner'
import type { Invoker } from './invoker.ts'
import { timeSpan } from './settings.ts'
import type { Log, RegisteredFunction } from './worker.ts'

export interface Timer {
  readonly name: string
  /** Runs it now, as `POST /admin/functions/<name>` does. */
  fire(): Promise<void>
  stop(): void
}

interface Status {
  Last: string
  Next: string
  LastUpdated: string
}

/** What .NET writes for a moment that never was: a timer that has not run yet shows it as its last run. */
const never = '0001-01-01T00:00:00'

/**
 * Starts one timer. A run that takes longer than its interval delays the next; none is caught up. NCRONTAB wants both day
 * fields to match, where cron wants one. Throws for a schedule that does not parse (five fields included).
 */
export function startTimer(fn: RegisteredFunction, invoker: Invoker, log: Log): Timer {
  const schedule = String(fn.trigger['schedule'])
  const next = nextOccurrence(schedule)
  const status: Status = { Last: never, Next: next(new Date()).toISOString(), LastUpdated: new Date().toISOString() }
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function run(reason: string): Promise<void> {
    const info = { Schedule: { AdjustForDST: true }, ScheduleStatus: { ...status }, IsPastDue: false }
    try {
      await invoker.invoke(fn.name, reason, { trigger: { json: JSON.stringify(info) } })
    } catch {
      // Logged where it ran. A failed run is not repeated: the next occurrence is the next try.
    }
  }

  function arm(): void {
    const at = next(new Date())
    status.Next = at.toISOString()
    // Timers of Node take at most 2^31 ms; a longer wait is cut in pieces.
    const wait = Math.max(0, at.getTime() - Date.now())
    const piece = Math.min(wait, 2 ** 31 - 1)
    timer = setTimeout(async () => {
      if (piece === wait) {
        await run(`Timer fired at ${new Date().toISOString()}`)
        status.Last = at.toISOString()
        status.LastUpdated = new Date().toISOString()
      }
      if (!stopped) arm()
    }, piece)
  }

  arm()
  log('information', 'Host.Triggers.Timer', `The next occurrence of '${fn.name}' (${schedule}): ${status.Next}`)
  if (fn.trigger['runOnStartup'] === true) void run('Timer fired at startup')
  return {
    name: fn.name,
    fire: () => run('This function was programmatically called via the host APIs.'),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
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
    if (at === null) throw new Error(`The schedule "${schedule}" never occurs again.`)
    return at
  }
}
