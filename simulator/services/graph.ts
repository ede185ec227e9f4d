// Room: the simulator. Microsoft Graph, as far as Defender for Identity's sensor deployment key goes: one key per tenant.
// Nothing documented checks this key but the installer of a sensor, so its data plane is the handle's `accepts`. May import simulator files only.

import type { Kernel } from '../kernel.ts'
import { keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Operation } from '../operations.ts'

/** How the answer names and wraps the key: Graph's own articles disagree. */
export type SensorAnswer = 'sensorDeploymentAccessKey' | 'deploymentAccessKey' | 'unwrapped'

export interface DefenderSensor extends ServiceHandle {
  /** Default `sensorDeploymentAccessKey`, inside `value`, as in both examples. `unwrapped`: `deploymentAccessKey` without `value`. */
  answerAs(answer: SensorAnswer): void
}

const permission = 'SecurityIdentitiesSensors.ReadWrite.All'
const sensors = '/v1.0/security/identities/sensors'

export function defenderSensor(kernel: Kernel) {
  const dice = kernel.dice.fork('graph')
  const slots = keySlots(kernel, ['key'], () => dice.bytes(64).toString('base64'))
  let spelling: SensorAnswer = 'sensorDeploymentAccessKey'

  const answer = (key: string): unknown => {
    const kind = { '@odata.type': '#microsoft.graph.security.sensorDeploymentAccessKey' }
    if (spelling === 'unwrapped') return { ...kind, deploymentAccessKey: key }
    return {
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.sensorDeploymentAccessKey',
      value: { ...kind, [spelling]: key },
    }
  }
  const operation = (name: string, method: string, more: Pick<Operation, 'effect' | 'handle'>): Operation => ({
    operation: `graph/${name}`,
    permission,
    host: 'graph',
    method,
    path: `${sensors}/${name}`,
    ...more,
  })

  kernel.register([
    operation('getDeploymentAccessKey', 'GET', {
      handle: (call) => ({ status: 200, body: answer(slots.keyOf('key', call.readAt)) }),
    }),
    operation('regenerateDeploymentAccessKey', 'POST', {
      effect: true,
      handle: () => ({ status: 200, body: answer(slots.regenerate('key')) }),
    }),
  ])

  const handle = kernel.adopt<DefenderSensor>({
    ...serviceHandle('microsoft-graph/security/identities/sensors', slots),
    answerAs: (answer) => {
      spelling = answer
    },
  })
  return { defenderSensor: handle }
}
