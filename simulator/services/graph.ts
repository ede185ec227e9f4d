// Microsoft Graph, as far as Defender for Identity's sensor deployment key needs it: one key per tenant.
// Nothing documented checks this key but the installer of a sensor, so its data plane is the handle's `accepts`.

import type { Kernel } from '../kernel.ts'
import { keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Operation } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'

/** How the answer names and wraps the key: the documented examples and the resource type (`unwrapped`) disagree. */
export type SensorAnswer = 'sensorDeploymentAccessKey' | 'deploymentAccessKey' | 'unwrapped'

export interface DefenderSensor extends ServiceHandle {
  /** Default `sensorDeploymentAccessKey`, inside `value`, as in both examples. `unwrapped`: `deploymentAccessKey` without `value`. */
  answerAs(answer: SensorAnswer): void
  /** Which paths are known: the documented ones, those with the action's full name, or (default) both. */
  answerAt(path: SensorPath): void
}

export type SensorPath = 'documented' | 'qualified' | 'both'

const permission = 'SecurityIdentitiesSensors.ReadWrite.All'
const sensors = '/v1.0/security/identities/sensors'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof defenderSensor> {}
}

export const service: SimulatedService = {
  install: defenderSensor,
}

function defenderSensor(kernel: Kernel) {
  const dice = kernel.dice.fork('graph')
  const slots = keySlots(kernel, ['key'], () => dice.bytes(64).toString('base64'))
  let spelling: SensorAnswer = 'sensorDeploymentAccessKey'

  const answer = (key: string): unknown => {
    const context = {
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.deploymentAccessKeyType',
    }
    if (spelling === 'unwrapped') return { ...context, deploymentAccessKey: key }
    return { value: { '@odata.type': 'microsoft.graph.security.deploymentAccessKeyType', [spelling]: key } }
  }
  let known: SensorPath = 'both'
  const at = (form: 'documented' | 'qualified', handle: Operation['handle']): Operation['handle'] => {
    return (call) => {
      if (known === 'both' || known === form) return handle(call)
      const segment = call.url.pathname.split('/').at(-1)
      throw call.refuse(400, 'BadRequest', `Resource not found for the segment '${segment}'.`)
    }
  }
  const operations = (name: string, method: string, more: Pick<Operation, 'effect' | 'handle'>): Operation[] => {
    const common = { permission, host: 'graph' as const, method, ...(more.effect ? { effect: more.effect } : {}) }
    const qualified = `${sensors}/microsoft.graph.security.${name}`
    return [
      { ...common, operation: `graph/${name}`, path: `${sensors}/${name}`, handle: at('documented', more.handle) },
      { ...common, operation: `graph/${name}/qualified`, path: qualified, handle: at('qualified', more.handle) },
    ]
  }

  kernel.register([
    ...operations('getDeploymentAccessKey', 'GET', {
      handle: (call) => ({ status: 200, body: answer(slots.keyOf('key', call.readAt)) }),
    }),
    ...operations('regenerateDeploymentAccessKey', 'POST', {
      effect: true,
      handle: () => ({ status: 200, body: answer(slots.regenerate('key')) }),
    }),
  ])

  const handle = kernel.adopt<DefenderSensor>({
    ...serviceHandle('microsoft-graph/security/identities/sensors', slots),
    answerAs: (answer) => {
      spelling = answer
    },
    answerAt: (path) => {
      known = path
    },
  })
  return { defenderSensor: handle }
}
