// GET /api/health: whether rotations can work, and what to do where they cannot. Changes no key and no secret; the last
// valid targets.json is recorded.

import type { HttpResponseInit } from '@azure/functions'
import type { App, NotApplied } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import { minutes } from '../../../engine/target.ts'
import { checksOf } from '../../health/all-checks.ts'
import type { Check } from '../../health/health-check.ts'
import { mostListed, problemsIn } from '../../shared/excerpt.ts'
import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery } from '../paging.ts'
import type { Health, HealthCheck } from '../schemas/health-schema.ts'

const healthLimit = minutes(1)
/** How many resources one call checks. */
const mostScopes = 200

/** 200 when healthy, otherwise 503. Without any valid target only the configuration is checked, since nothing else can be. */
export const health: Handler = {
  roles: readers,
  async always({ request, log }, compose) {
    checkQuery(request, [])
    const composed = await compose()
    if ('app' in composed) {
      const { app } = composed
      const checks = await checksOf({ app, log, signal: AbortSignal.timeout(healthLimit) }, mostScopes)
      return answerOf(app, checks)
    }
    const body: Health = { status: 'unhealthy', ...problemsIn(composed.problems), checks: [] }
    return json(503, body)
  },
}

function answerOf(app: App, checks: readonly Check[]): HttpResponseInit {
  const failed = checks.filter(({ status }) => status === 'failed')
  const status = failed.length === 0 ? ('healthy' as const) : ('unhealthy' as const)
  const configuration = describeConfiguration(app)
  const body: Health = {
    status,
    failed: failed.length,
    configuration,
    ...problemsIn(app.problems),
    checks: checks.map(shown),
  }
  return json(failed.length === 0 ? 200 : 503, body)
}

/** A check with a code has an error; any other one a word on what was found. */
function shown({ check, place, status, detail, code, remedy, targets }: Check): HealthCheck {
  const found =
    code === undefined ? { detail, remedy } : { error: { code, message: detail ?? code, ...(remedy && { remedy }) } }
  return { check, place, status, ...found, targets }
}

/** Which version of targets.json is in force since when, and what of it is not. */
function describeConfiguration({ configuration }: App) {
  const { version, since, targets, notApplied } = configuration
  const named = (standing: NotApplied['standing']) =>
    notApplied
      .filter((each) => each.standing === standing)
      .slice(0, mostListed)
      .map(({ target }) => target)
  return {
    version,
    appliedAt: iso(since),
    targets: targets.length,
    kept: named('kept'),
    suspended: named('suspended'),
    off: named('off'),
  }
}
