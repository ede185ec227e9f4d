// Room: the doorways. GET /api/health: whether rotations can work, and what to do where they cannot. Changes nothing.

import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../../compose.ts'
import { minutes } from '../../rotation/target.ts'
import { type Check, checked } from '../health/check.ts'
import { checkPermissions } from '../health/permissions.ts'
import { checkStorage, checkTopic, checkVaults } from '../health/places.ts'
import { type Handler, json } from '../http/answer.ts'
import { checkQuery } from '../http/paging.ts'

const healthLimit = minutes(1)

/** 200 when well, else 503. A bad configuration is all that is looked at, since nothing else can be. */
export const health: Handler = {
  roles: ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'],
  async always({ request }, compose) {
    checkQuery(request, [])
    const composed = await compose()
    if ('app' in composed) return answerOf(await checksOf(composed.app))
    return json(503, { status: 'unwell', code: 'BadConfiguration', problems: composed.problems, checks: [] })
  },
}

async function checksOf(app: App): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(healthLimit)
  const configuration = checked('configuration', app.settings.targets, async () => {
    return `${app.targets.length} targets, ${app.targets.filter((target) => target.enabled).length} enabled`
  })
  const groups = await Promise.all([
    configuration.then((check) => [check]),
    ...checkVaults(app, signal),
    ...checkStorage(app, signal),
    checkTopic(app, signal),
    checkPermissions(app, signal),
  ])
  return groups.flat()
}

function answerOf(checks: readonly Check[]): HttpResponseInit {
  const failed = checks.filter(({ status }) => status === 'failed')
  const wellness = failed.length === 0 ? 'well' : 'unwell'
  return json(failed.length === 0 ? 200 : 503, { status: wellness, failed: failed.length, problems: [], checks })
}
