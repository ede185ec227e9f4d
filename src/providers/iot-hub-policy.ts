// Room: the providers. May import the core, azure/clients, ./provider and ./wire.
// Shared access policies of an IoT hub. No call regenerates one: the whole hub is read and written back, guarded by its
// etag, with null where the service is to make a key. All in raw JSON: the typed client drops what it does not know.

import { z } from 'zod'
import type { AzureClients, RawAnswer, RawRequest } from '../azure/clients.ts'
import { RekeyError } from '../rotation/errors.ts'
import type { KeyRing, KeySlot } from '../rotation/key-ring.ts'
import type { Call, KeyHolder, Verdict } from '../rotation/ports.ts'
import { Secret } from '../rotation/secret.ts'
import { minutes, seconds } from '../rotation/target.ts'
import { defineProvider } from './provider.ts'
import { parseAnswer, type ServiceOperation, serviceCall, undecided, unexpected } from './wire/answer.ts'
import { type ArmId, type ArmType, armPlace, armResource, parseArmId } from './wire/arm-id.ts'
import { keyIn } from './wire/connection-string.ts'
import {
  HubDescription as Hub,
  type HubDescription,
  hubWith,
  isNamed,
  Policy,
  type PolicyToWrite,
  withPolicy,
} from './wire/hub-description.ts'
import { assertUnchanged, connectionString } from './wire/iot-hub.ts'
import { localAuthDisabled } from './wire/local-auth.ts'
import { finished, pause } from './wire/long-running.ts'
import { sharedAccessSignature } from './wire/sas.ts'
import { unlessUnanswered, verdictOf } from './wire/verdict.ts'

const id = 'iot-hub-policy'
const apiVersion = '2023-06-30'
const dataApiVersion = '2021-04-12'
const hubs: ArmType = {
  type: 'Microsoft.Devices/IotHubs',
  name: /^[A-Za-z0-9][A-Za-z0-9-]{1,48}[A-Za-z0-9]$/,
  rule: '3 to 50 letters, digits or -, with a letter or digit at both ends',
}
const rights = {
  read: 'Microsoft.Devices/iotHubs/Read',
  write: 'Microsoft.Devices/iotHubs/Write',
  list: 'Microsoft.Devices/iotHubs/listkeys/Action',
  listOne: 'Microsoft.Devices/iotHubs/iotHubKeys/listkeys/Action',
  follow: 'Microsoft.Devices/iotHubs/operationresults/Read',
}
const Page = z.object({ value: z.array(Policy), nextLink: z.string().nullish() })

/** Reads that tell a good key from a bad one, by the policy's right. They answer counts: a list of devices would hold keys. */
const probes = [
  { right: 'RegistryRead', path: '/statistics/devices' },
  { right: 'ServiceConnect', path: '/statistics/service' },
]

export const iotHubPolicy = defineProvider({
  id,
  title: 'IoT Hub shared access policy',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  resource: z.strictObject({
    resource: armResource(hubs),
    policy: z
      .string()
      .regex(
        /^[^\s/\\?#;=]{1,64}$/,
        'the name of a policy is 1 to 64 characters, none of them a space, /, \\, ?, #, ; or =',
      )
      .meta({ description: 'Name of the shared access policy', examples: ['service'] }),
  }),
  actions: [
    { kind: 'action', name: rights.listOne, why: "read the policy's keys" },
    { kind: 'action', name: rights.list, why: 'carry the keys of the other policies through a write' },
    { kind: 'action', name: rights.read, why: 'carry everything else of the hub through a write' },
    { kind: 'action', name: rights.write, why: 'make a new key: there is no narrower right for it' },
    { kind: 'action', name: rights.follow, why: 'see when the write is through' },
  ],
  clouds: ['public', 'usgov', 'china'],
  longRunning: true,
  can: { swap: true, probe: true },
  writes: 4,
  place: ({ resource, policy }) => {
    const hub = armPlace(id, parseArmId(resource, hubs))
    return {
      ...hub,
      address: `${hub.address}/IotHubKeys/${policy}`,
      credential: `${hub.credential}/iothubkeys/${policy.toLowerCase()}`,
    }
  },
  open: ({ resource, policy }, azure) => openPolicy(parseArmId(resource, hubs), policy, azure),
})

function openPolicy(hub: ArmId, name: string, azure: AzureClients): KeyHolder {
  const host = hostOf(hub, azure)
  let seen: { readonly ring: KeyRing; readonly policy: Policy } | undefined

  function remember(policy: Policy): KeyRing {
    seen = { ring: ringOf(policy, host), policy }
    return seen.ring
  }

  async function write(change: (policy: Policy) => PolicyToWrite, call: Call): Promise<KeyRing> {
    const written = await writePolicy(hub, name, azure, call, seen?.ring, change)
    return remember(written)
  }

  return {
    read: async (signal) => remember(await getPolicy(hub, name, azure, signal)),

    regenerate: async (slot, call) => {
      const before = { slot, key: undefined as string | undefined }
      const ring = await write((policy) => {
        before.key = policy[keyName(slot)]
        return { ...policy, [keyName(slot)]: null }
      }, call)
      if (ring[slot]!['key']!.equals(Secret.of(before.key!))) {
        throw unexpected(`PUT IoT hub ${hub.name}`, 'the hub took the change, but does not show the new key yet')
      }
      return ring
    },

    swap: (call) =>
      write((policy) => ({ ...policy, primaryKey: policy.secondaryKey, secondaryKey: policy.primaryKey }), call),

    probe: async (_slot, credential, signal) => {
      const key = keyIn(credential, 'SharedAccessKey')
      const policy = seen?.policy ?? (await unlessUnanswered(() => getPolicy(hub, name, azure, signal)))
      return key === undefined || policy === undefined ? 'unknown' : probeKey(host, policy, key, azure, signal)
    },
  }
}

/** POST IotHubResource_GetKeysForKeyName, 2023-06-30. */
async function getPolicy(hub: ArmId, name: string, azure: AzureClients, signal: AbortSignal): Promise<Policy> {
  const what = operation('POST', hub, `/IotHubKeys/${name}/listkeys`, rights.listOne)
  const path = `/IotHubKeys/${encodeURIComponent(name)}/listkeys`
  const { body } = await send(what, azure, {
    method: 'POST',
    url: addressOf(hub, path, azure),
    attempts: 'retry',
    signal,
  })
  return parseAnswer(Policy, body, what)
}

/** Reads the hub and all its policies, writes it back with one policy changed, waits until that is done, reads the policy. */
async function writePolicy(
  hub: ArmId,
  name: string,
  azure: AzureClients,
  call: Call,
  seen: KeyRing | undefined,
  change: (policy: Policy) => PolicyToWrite,
): Promise<Policy> {
  // In this order: the etag is the older of the two, so a policy changed in between fails the write.
  const description = await getHub(hub, azure, call.signal)
  const policies = await listPolicies(hub, azure, call.signal)
  const what = operation('PUT', hub, '', rights.write)
  const current = policies.find((policy) => isNamed(policy, name))
  if (current === undefined) throw noSuchPolicy(hub, name)
  assertUnchanged(seen, ringOf(current, hostOf(hub, azure)), what.operation)

  await call.keepLease()
  const body = hubWith(description, withPolicy(policies, name, change))
  const answer = await putHub(hub, body, description.etag, azure, call.signal)
  try {
    await finished(answer, azure, call, { ...what, permission: rights.follow })
    return await policyAfterWrite(hub, name, azure, call)
  } catch (error) {
    throw undecided(error)
  }
}

/** GET IotHubResource_Get, 2023-06-30. Throws `LocalAuthDisabled` where no key of the hub can authenticate. */
async function getHub(hub: ArmId, azure: AzureClients, signal: AbortSignal): Promise<HubDescription> {
  const what = operation('GET', hub, '', rights.read)
  const { body } = await send(what, azure, { method: 'GET', url: addressOf(hub, '', azure), attempts: 'retry', signal })
  const description = parseAnswer(Hub, body, what)
  if (description.properties.disableLocalAuth === true) throw localAuthDisabled(`the IoT hub ${hub.id}`)
  return description
}

/** POST IotHubResource_ListKeys, 2023-06-30, all pages: a policy that were left out would be deleted by the write. */
async function listPolicies(hub: ArmId, azure: AzureClients, signal: AbortSignal): Promise<Policy[]> {
  const what = operation('POST', hub, '/listkeys', rights.list)
  const policies: Policy[] = []
  let url: string | undefined = addressOf(hub, '/listkeys', azure)
  while (url !== undefined) {
    const { body } = await send(what, azure, { method: 'POST', url, attempts: 'retry', signal })
    const { value, nextLink } = parseAnswer(Page, body, what)
    policies.push(...value)
    // The token goes along, so it goes to ARM only.
    if (nextLink && new URL(nextLink, azure.cloud.resourceManager).origin !== azure.cloud.resourceManager) {
      throw unexpected(what.operation, 'the next page is at a strange address')
    }
    url = nextLink || undefined
  }
  return policies
}

/** PUT IotHubResource_CreateOrUpdate, 2023-06-30, If-Match. Sent once. */
async function putHub(
  hub: ArmId,
  body: unknown,
  etag: string,
  azure: AzureClients,
  signal: AbortSignal,
): Promise<RawAnswer> {
  const what = operation('PUT', hub, '', rights.write)
  const headers = { 'If-Match': etag }
  return send(what, azure, { method: 'PUT', url: addressOf(hub, '', azure), headers, body, attempts: 'once', signal })
}

/** The policy once the hub is written. A hub that has just been written is not found for a moment. */
async function policyAfterWrite(hub: ArmId, name: string, azure: AzureClients, call: Call): Promise<Policy> {
  const what = operation('POST', hub, `/IotHubKeys/${name}/listkeys`, rights.listOne)
  for (let tries = 1; ; tries++) {
    try {
      return await getPolicy(hub, name, azure, call.signal)
    } catch (error) {
      if (!(error instanceof RekeyError) || error.code !== 'ResourceNotFound' || tries === 5) throw error
    }
    await pause(seconds(2), azure, call, what)
  }
}

async function probeKey(
  host: string,
  policy: Policy,
  key: Secret,
  azure: AzureClients,
  signal: AbortSignal,
): Promise<Verdict> {
  const granted = policy.rights.split(',').map((right) => right.trim())
  const probe = probes.find(({ right }) => granted.includes(right))
  if (probe === undefined) return 'unknown'
  return verdictOf(azure, {
    method: 'GET',
    url: `https://${host}${probe.path}?api-version=${dataApiVersion}`,
    headers: { Authorization: sharedAccessSignature(host, policy.keyName, key, azure.now() + minutes(5)) },
    signal,
    operation: `GET ${host}${probe.path}`,
  })
}

function send(
  what: ServiceOperation,
  azure: AzureClients,
  request: Omit<RawRequest, 'scope' | 'operation'>,
): Promise<RawAnswer> {
  const scope = `${azure.cloud.resourceManager}/.default`
  return serviceCall(what, () => azure.send({ ...request, scope, operation: what.operation }))
}

function ringOf({ keyName: policy, primaryKey, secondaryKey }: Policy, host: string): KeyRing {
  const credential = (value: string) => {
    const key = Secret.of(value)
    return { key, connectionString: connectionString(host, `SharedAccessKeyName=${policy}`, key) }
  }
  return { primary: credential(primaryKey), secondary: credential(secondaryKey) }
}

function keyName(slot: KeySlot): 'primaryKey' | 'secondaryKey' {
  return slot === 'primary' ? 'primaryKey' : 'secondaryKey'
}

function hostOf(hub: ArmId, azure: AzureClients): string {
  return `${hub.name}.${azure.cloud.iotHubSuffix}`
}

function addressOf(hub: ArmId, path: string, azure: AzureClients): string {
  return `${azure.cloud.resourceManager}${encodeURI(hub.id)}${path}?api-version=${apiVersion}`
}

function operation(method: string, hub: ArmId, path: string, permission: string): ServiceOperation {
  return { operation: `${method} …/IotHubs/${hub.name}${path}`, permission }
}

function noSuchPolicy(hub: ArmId, name: string): RekeyError {
  return new RekeyError('ResourceNotFound', {
    message: `the IoT hub ${hub.id} has no policy "${name}"`,
    remedy: 'Check the name of the policy in targets.json.',
  })
}
