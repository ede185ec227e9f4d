// Runs the doctor's checks: those of GET /api/health, and one of every target. Changes nothing.

import { logTo } from '../../src/azure/log.ts'
import type { Compose, Problem } from '../../src/compose.ts'
import { hours } from '../../src/engine/target.ts'
import { checksOf, isWithoutToken, withoutToken } from '../../src/functions/health/all-checks.ts'
import { type Check, unseen } from '../../src/functions/health/health-check.ts'
import { checkTargets } from './check-targets.ts'

/** The report of GET /api/health, with the source of the settings. */
export interface Report {
  readonly settings: string
  readonly status: 'healthy' | 'unhealthy'
  readonly failed: number
  /** How many checks could not be made. */
  readonly unseen: number
  readonly problems: readonly Problem[]
  readonly checks: readonly Check[]
}

/** The log of unforeseen errors; everything else is in the report. */
const log = logTo({ info: () => {}, warn: () => {}, error: console.error })

/** Far more than any fleet needs: a call has its own limit. */
const examinationLimit = hours(2)

/** Runs every check. An invalid configuration is the whole report, since nothing else can be checked then. */
export async function examine(compose: Compose, settings: string, say: (text: string) => void): Promise<Report> {
  const composed = await compose()
  if ('problems' in composed) return badConfiguration(settings, composed.problems)
  const { app } = composed
  const total = app.targets.filter((target) => target.enabled).length
  // A pipeline's log gets a line per progress report, and twenty are enough.
  const step = Math.ceil(total / 20)
  let done = 0
  const progress = () => {
    done += 1
    if (done % step === 0 || done === total) say(`Reading the targets: ${done} of ${total}…`)
  }
  say('Checking vaults, storage, topic and permissions…')
  const places = await checksOf({ app, log, signal: AbortSignal.timeout(examinationLimit) }, Number.POSITIVE_INFINITY)
  // Without a token every target would fail for the reason that the check of the identity already reports.
  const targets = places.some(isWithoutToken)
    ? [unseen('target', `${total} targets`, withoutToken)]
    : await checkTargets(app, log, progress)
  const checks = [...places, ...targets]
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length
  const failed = count('failed')
  return {
    settings,
    status: failed === 0 ? 'healthy' : 'unhealthy',
    failed,
    unseen: count('unseen'),
    problems: app.problems,
    checks,
  }
}

/** What is wrong with the configuration, and nothing else. */
export function badConfiguration(settings: string, problems: Report['problems']): Report {
  return { settings, status: 'unhealthy', failed: problems.length, unseen: 0, problems, checks: [] }
}
