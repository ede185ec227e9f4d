// Defender for Identity: the one key that installs sensors, one per tenant, through Microsoft Graph. A ring of one: a new
// key replaces the old at once.

import * as z from 'zod/mini'
import type { AzureClients } from '../azure/clients.ts'
import type { KeyRing } from '../engine/key-ring.ts'
import type { KeyHolder } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import { defineProvider } from './provider.ts'
import { parseAnswer, type ServiceOperation, secretText, serviceCall } from './wire/answer.ts'

const id = 'defender-sensor'
const right = 'SecurityIdentitiesSensors.ReadWrite.All'
const sensors = '/v1.0/security/identities/sensors'
/** Before the names of actions in the paths of generated SDKs; the documentation leaves it out. */
const namespace = 'microsoft.graph.security.'
const address = 'microsoft-graph/security/identities/sensors'

// The examples and the resource type spell the property differently, and wrap it or not.
const Spelling = z.pipe(
  z.union([z.object({ sensorDeploymentAccessKey: secretText }), z.object({ deploymentAccessKey: secretText })]),
  z.transform(
    (answer): KeyRing => ({
      key: {
        key: 'sensorDeploymentAccessKey' in answer ? answer.sensorDeploymentAccessKey : answer.deploymentAccessKey,
      },
    }),
  ),
)
const Wrapped = z.pipe(
  z.object({ value: Spelling }),
  z.transform(({ value }) => value),
)
const Answer = z.union([Wrapped, Spelling])

export const defenderSensor = defineProvider({
  id,
  title: 'Defender for Identity sensor key (Microsoft Graph)',
  slots: ['key'],
  outputs: { key: 'secret' },
  resource: z.strictObject({}),
  actions: [{ kind: 'appRole', name: right, why: 'read the key and make a new one' }],
  grant: {
    title: 'Defender for Identity sensor deployment key',
    caution: 'It holds for the whole tenant and all sensors: Microsoft Graph has no narrower one.',
  },
  clouds: ['public', 'usgov'],
  can: {},
  writes: 2,
  // Microsoft Graph allows 130,000 requests in 10 seconds for everything that the app does.
  allowance: { burst: 20, perSecond: 5 },
  limit: 'Microsoft Graph',
  place: () => ({ address, credential: id, lease: id, budget: 'microsoft-graph' }),
  open: (_resource, azure) => openSensors(azure),
})

function openSensors(azure: AzureClients): KeyHolder {
  let qualifier = ''

  async function call(method: 'GET' | 'POST', action: string, signal: AbortSignal): Promise<KeyRing> {
    const what: ServiceOperation = { operation: `${method} …/sensors/${action} of Microsoft Graph`, permission: right }
    const answer = await serviceCall(what, () =>
      azure.send({
        method,
        url: `${azure.cloud.graph}${sensors}/${action}`,
        scope: `${azure.cloud.graph}/.default`,
        attempts: method === 'GET' ? 'retry' : 'once',
        signal,
        operation: what.operation,
      }),
    )
    return parseAnswer(Answer, answer.body, what)
  }

  return {
    /** GET getDeploymentAccessKey, Graph v1.0; at its qualified path where the documented one is not known. */
    read: async (signal) => {
      try {
        return await call('GET', `${qualifier}getDeploymentAccessKey`, signal)
      } catch (error) {
        if (qualifier !== '' || !isUnknownPath(error)) throw error
      }
      const ring = await call('GET', `${namespace}getDeploymentAccessKey`, signal)
      qualifier = namespace
      return ring
    },

    /** POST regenerateDeploymentAccessKey, Graph v1.0. Sent once, at the path that the read has found. */
    regenerate: (_slot, { signal }) => call('POST', `${qualifier}regenerateDeploymentAccessKey`, signal),
  }
}

function isUnknownPath(error: unknown): boolean {
  return error instanceof RekeyError && [400, 404].includes(error.details.service?.status ?? 0)
}
