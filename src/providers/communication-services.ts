// Communication Services: two keys, each with its connection string; a regenerate answers only the one it made.

import * as z from 'zod/mini'
import type { Attempts, AzureClients } from '../azure/clients.ts'
import type { Credential, KeyRing } from '../engine/key-ring.ts'
import type { KeyHolder, Log } from '../engine/ports.ts'
import { defineProvider, type ServiceHosts } from './provider.ts'
import { parseAnswer, type ServiceOperation, secretText, serviceCall } from './wire/answer.ts'
import { localAuthDiscovery } from './wire/arm-discovery.ts'
import { type ArmId, type ArmType, armAllowance, armLimit, armPlace, armResource, parseArmId } from './wire/arm-id.ts'
import { addressIn, keyIn } from './wire/connection-string.ts'
import { signedHeaders } from './wire/hmac.ts'
import { keyAddress } from './wire/key-address.ts'
import { orLocalAuthDisabled } from './wire/local-auth.ts'
import { refusedBy, unlessUnanswered, verdictOf } from './wire/verdict.ts'

const id = 'communication-services'
const apiVersion = '2026-03-18'
const services: ArmType = {
  type: 'Microsoft.Communication/communicationServices',
  name: /^[-\w]{1,63}$/,
  rule: '1 to 63 letters, digits, _ or -',
}
const rights = {
  read: 'Microsoft.Communication/CommunicationServices/Read',
  list: 'Microsoft.Communication/CommunicationServices/ListKeys/action',
  regenerate: 'Microsoft.Communication/CommunicationServices/RegenerateKey/action',
}
/** Lists the purchased numbers, one at most: a read of the data plane that changes nothing. Its answer is dropped. */
const probePath = '/phoneNumbers?skip=0&top=1&api-version=2022-12-01'
/** A resource's host has its geography before these: `contoso.europe.communication.azure.com`. */
const hosts: ServiceHosts = { public: ['communication.azure.com'], usgov: ['communication.azure.us'], china: [] }

/** 401 is also what a clock that is off gets; then the active key is refused as well, and nothing is concluded. */
const judge = refusedBy(401)

const Primary = z.pipe(
  z.object({ primaryKey: secretText, primaryConnectionString: secretText }),
  z.transform(
    ({ primaryKey: key, primaryConnectionString: connectionString }): Credential => ({ key, connectionString }),
  ),
)
const Secondary = z.pipe(
  z.object({ secondaryKey: secretText, secondaryConnectionString: secretText }),
  z.transform(
    ({ secondaryKey: key, secondaryConnectionString: connectionString }): Credential => ({ key, connectionString }),
  ),
)

export const communicationServices = defineProvider({
  id,
  title: 'Azure Communication Services',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  resource: z.strictObject({ resource: armResource(services) }),
  actions: [
    { kind: 'action', name: rights.list, why: 'read the keys' },
    { kind: 'action', name: rights.regenerate, why: 'make a new key' },
    { kind: 'action', name: rights.read, why: 'see whether a refusal is due to disabled local authentication' },
  ],
  grant: { title: 'Communication Services keys', resourceType: 'Microsoft.Communication/CommunicationServices' },
  discovery: localAuthDiscovery(services.type),
  clouds: ['public', 'usgov'],
  hosts,
  can: { probe: true },
  writes: 2,
  allowance: armAllowance,
  limit: armLimit,
  place: ({ resource }) => armPlace(id, parseArmId(resource, services)),
  open: ({ resource }, azure, _outputs, log) => openService(parseArmId(resource, services), azure, log),
})

function openService(service: ArmId, azure: AzureClients, log: Log | undefined): KeyHolder {
  const { subscription, group, name } = service
  let endpoint: string | undefined

  /** The host comes from the service alone: what the vault holds is under test, so it does not say where to send the test. */
  function remember(credential: Credential): Credential {
    endpoint ??= endpointOf(credential)
    return credential
  }

  /** POST CommunicationServices_ListKeys, 2026-03-18. */
  async function read(signal: AbortSignal): Promise<KeyRing> {
    const what = operation('POST', name, '/listKeys', rights.list)
    return withKeys(service, azure, signal, async () => {
      const client = await clientFor(subscription, azure, 'retry')
      const answer = await serviceCall(what, () =>
        client.communicationServices.listKeys(group, name, { abortSignal: signal }),
      )
      return {
        primary: remember(parseAnswer(Primary, answer, what)),
        secondary: remember(parseAnswer(Secondary, answer, what)),
      }
    })
  }

  return {
    read,

    /** POST CommunicationServices_RegenerateKey, 2026-03-18. Answers the one slot. */
    regenerate: async (slot, { signal }) => {
      const what = operation('POST', name, '/regenerateKey', rights.regenerate)
      return withKeys(service, azure, signal, async () => {
        const client = await clientFor(subscription, azure, 'once')
        const keyType = slot === 'primary' ? 'Primary' : 'Secondary'
        const answer = await serviceCall(what, () =>
          client.communicationServices.regenerateKey(group, name, { keyType }, { abortSignal: signal }),
        )
        return { [slot]: remember(parseAnswer(slot === 'primary' ? Primary : Secondary, answer, what)) }
      })
    },

    probe: async (_slot, credential, signal) => {
      const key = keyIn(credential, 'accesskey')
      if (key === undefined) return 'unknown'
      if (endpoint === undefined) await unlessUnanswered(() => read(signal))
      if (endpoint === undefined) return 'unknown'
      const url = keyAddress(endpoint, probePath, hosts[azure.cloud.name], log)
      if (url === undefined) return 'unknown'
      const headers = signedHeaders('GET', url, key, azure.now())
      return verdictOf(
        azure,
        {
          method: 'GET',
          url: url.href,
          headers,
          signal,
          operation: `GET ${url.host}/phoneNumbers`,
        },
        judge,
      )
    },
  }
}

async function clientFor(subscription: string, azure: AzureClients, attempts: Attempts) {
  const { CommunicationServiceManagementClient } = await import('@azure/arm-communication')
  return new CommunicationServiceManagementClient(azure.credential, subscription, {
    ...azure.sdk(attempts),
    apiVersion,
  })
}

function withKeys<Answer>(service: ArmId, azure: AzureClients, signal: AbortSignal, run: () => Promise<Answer>) {
  return orLocalAuthDisabled(
    `the Communication Services resource ${service.id}`,
    () => isDisabled(service, azure, signal),
    run,
  )
}

/** GET CommunicationServices_Get, 2026-03-18. */
async function isDisabled(
  { subscription, group, name }: ArmId,
  azure: AzureClients,
  signal: AbortSignal,
): Promise<boolean> {
  const client = await clientFor(subscription, azure, 'retry')
  const answer = await serviceCall(operation('GET', name, '', rights.read), () =>
    client.communicationServices.get(group, name, { abortSignal: signal }),
  )
  return answer.disableLocalAuth === true
}

function endpointOf({ connectionString }: Credential): string | undefined {
  const endpoint = connectionString && addressIn(connectionString, 'endpoint')
  // Documented samples say http; a signed request goes over https all the same.
  return endpoint?.replace(/^http:/i, 'https:')
}

function operation(method: string, name: string, action: string, permission: string): ServiceOperation {
  return { operation: `${method} …/communicationServices/${name}${action}`, permission }
}
