// Room: the doorways. GET /api/health: whether rotations can work, and what to do where they cannot. Changes nothing.

import type { HttpResponseInit } from '@azure/functions'
import { minutes } from '../../rotation/target.ts'
import type { Check } from '../health/check.ts'
import { checksOf } from '../health/checks.ts'
import { type Handler, json } from '../http/answer.ts'
import { checkQuery } from '../http/paging.ts'

const healthLimit = minutes(1)
/** How many resources one call looks at. */
const mostScopes = 200

/** 200 when healthy, else 503. A bad configuration is all that is looked at, since nothing else can be. */
export const health: Handler = {
  roles: ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'],
  async always({ request, log }, compose) {
    checkQuery(request, [])
    const composed = await compose()
    if ('app' in composed) {
      return answerOf(await checksOf({ app: composed.app, log, signal: AbortSignal.timeout(healthLimit) }, mostScopes))
    }
    return json(503, { status: 'unhealthy', code: 'BadConfiguration', problems: composed.problems, checks: [] })
  },
}

function answerOf(checks: readonly Check[]): HttpResponseInit {
  const failed = checks.filter(({ status }) => status === 'failed')
  const status = failed.length === 0 ? 'healthy' : 'unhealthy'
  return json(failed.length === 0 ? 200 : 503, { status, failed: failed.length, problems: [], checks })
}
