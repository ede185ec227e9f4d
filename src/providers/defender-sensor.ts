// Room: the providers. May import the core, azure/clients, ./provider and ./wire.
// Defender for Identity: the one key that installs sensors, one per tenant, through Microsoft Graph. A ring of one: a new
// key replaces the old at once.

import { z } from 'zod'
import type { AzureClients } from '../azure/clients.ts'
import type { KeyRing } from '../rotation/key-ring.ts'
import type { KeyHolder } from '../rotation/ports.ts'
import { defineProvider } from './provider.ts'
import { parseAnswer, type ServiceOperation, secretText, serviceCall } from './wire/answer.ts'

const id = 'defender-sensor'
const right = 'SecurityIdentitiesSensors.ReadWrite.All'
const sensors = '/v1.0/security/identities/sensors'
const address = 'microsoft-graph/security/identities/sensors'

// The examples and the resource type spell the property differently, and wrap it or not.
const Spelling = z
  .union([z.object({ sensorDeploymentAccessKey: secretText }), z.object({ deploymentAccessKey: secretText })])
  .transform(
    (answer): KeyRing => ({
      key: {
        key: 'sensorDeploymentAccessKey' in answer ? answer.sensorDeploymentAccessKey : answer.deploymentAccessKey,
      },
    }),
  )
const Answer = z.union([z.object({ value: Spelling }).transform(({ value }) => value), Spelling])

export const defenderSensor = defineProvider({
  id,
  title: 'Defender for Identity sensor key (Microsoft Graph)',
  slots: ['key'],
  outputs: { key: 'secret' },
  resource: z.strictObject({}),
  actions: [{ kind: 'appRole', name: right, why: 'read the key and make a new one' }],
  clouds: ['public', 'usgov'],
  can: {},
  writes: 2,
  place: () => ({ address, credential: id, lease: id, budget: 'microsoft-graph' }),
  open: (_resource, azure) => openSensors(azure),
})

function openSensors(azure: AzureClients): KeyHolder {
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
    /** GET getDeploymentAccessKey, Graph v1.0. */
    read: (signal) => call('GET', 'getDeploymentAccessKey', signal),
    /** POST regenerateDeploymentAccessKey, Graph v1.0. */
    regenerate: (_slot, { signal }) => call('POST', 'regenerateDeploymentAccessKey', signal),
  }
}
