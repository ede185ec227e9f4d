// Shared access policies of an IoT hub. No call regenerates one: the whole hub is read and written back, guarded by its
// etag, without the key that the service is to make.

import * as z from 'zod/mini'
import type { AzureClients } from '../azure/clients.ts'
import { passes } from '../azure/service-error.ts'
import type { KeyRing, KeySlot } from '../engine/key-ring.ts'
import type { Call, KeyHolder, Log, Verdict } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import { Secret } from '../engine/secret.ts'
import { type Instant, minutes } from '../engine/target.ts'
import { defineProvider } from './provider.ts'
import { assertUnchanged, undecided, unexpected } from './wire/answer.ts'
import { localAuthDiscovery } from './wire/arm-discovery.ts'
import { type ArmId, type ArmType, armAllowance, armLimit, armPlace, armResource, parseArmId } from './wire/arm-id.ts'
import { keyIn } from './wire/connection-string.ts'
import { getHub, getPolicy, hubOperation, hubRights, listPolicies, putHub } from './wire/hub-calls.ts'
import { changesOf, isTaken, isWritten, readEvery, unlessForNow } from './wire/hub-changes.ts'
import {
  type HubDescription,
  hubWith,
  isNamed,
  isSettled,
  type Policy,
  type PolicyToWrite,
  withPolicy,
} from './wire/hub-description.ts'
import { assertListingCurrent, lastWriteOf, noteWrite, noteWriteIfPossible } from './wire/hub-record.ts'
import { connectionString, hubHosts } from './wire/iot-hub.ts'
import { localAuthDisabled } from './wire/local-auth.ts'
import { finished, longestChange, pause } from './wire/long-running.ts'
import { sharedAccessSignature } from './wire/sas.ts'
import { refusedBy, unlessUnanswered, verdictOf } from './wire/verdict.ts'

const id = 'iot-hub-policy'
const dataApiVersion = '2021-04-12'
const hubs: ArmType = {
  type: 'Microsoft.Devices/IotHubs',
  name: /^[A-Za-z0-9][A-Za-z0-9-]{1,48}[A-Za-z0-9]$/,
  rule: '3 to 50 letters, digits or -, with a letter or digit at both ends',
}
const policyName = z
  .string()
  .check(
    z.regex(
      /^[^\s/\\?#;=]{1,64}$/,
      'the name of a policy is 1 to 64 characters, none of them a space, /, \\, ?, #, ; or =',
    ),
  )
  .register(z.globalRegistry, { description: 'Name of the shared access policy', examples: ['service'] })

/**
 * Reads that accept a valid key and refuse any other, by the policy's rights; RegistryWrite includes the reading, and hubs then do
 * not name RegistryRead. They answer counts: a list of devices would hold keys.
 */
const probes = [
  { rights: ['RegistryRead', 'RegistryWrite'], path: '/statistics/devices' },
  { rights: ['ServiceConnect'], path: '/statistics/service' },
]

export const iotHubPolicy = defineProvider({
  id,
  title: 'IoT Hub shared access policy',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  resource: z.strictObject({ resource: armResource(hubs), policy: policyName }),
  actions: [
    { kind: 'action', name: hubRights.listOne, why: "read the policy's keys" },
    { kind: 'action', name: hubRights.list, why: 'carry the keys of the other policies through a write' },
    { kind: 'action', name: hubRights.read, why: 'carry everything else of the hub through a write' },
    { kind: 'action', name: hubRights.write, why: 'make a new key: there is no narrower right for it' },
  ],
  optional: [
    {
      kind: 'action',
      name: hubRights.follow,
      why: 'at the subscription: see when the write is through; without it the hub itself is asked',
    },
  ],
  grant: {
    title: 'IoT Hub policy keys',
    resourceType: 'Microsoft.Devices/IotHubs',
    caution:
      "**That includes writing the whole hub:** Azure has no narrower right to renew a policy's key. Grant it on the one hub.",
  },
  discovery: localAuthDiscovery(hubs.type, {
    fields: (resource) => ({ resource, policy: 'service' }),
    note: 'Every hub is made with this policy. Name the policy that your consumers use: each policy is a target of its own.',
  }),
  // A policy's keys change by a write of the hub alone.
  keyWrites: [hubRights.write],
  clouds: ['public', 'usgov', 'china'],
  hosts: hubHosts,
  longRunning: true,
  can: { swap: true, probe: true },
  // A revoke waits between its two writes of the hub, and lists the keys again after that.
  writes: 5,
  allowance: armAllowance,
  limit: armLimit,
  place: ({ resource, policy }) => {
    const hub = armPlace(id, parseArmId(resource, hubs))
    return {
      ...hub,
      address: `${hub.address}/IotHubKeys/${policy}`,
      credential: `${hub.credential}/iothubkeys/${policy.toLowerCase()}`,
    }
  },
  open: ({ resource, policy }, azure, _outputs, log) =>
    openPolicy({ hub: parseArmId(resource, hubs), name: policy, log }, azure),
})

/** Whether a listing shows what was written. */
type Shows = (now: Policy, before: Policy) => boolean

interface PolicyOfHub {
  readonly hub: ArmId
  readonly name: string
  readonly log?: Log | undefined
}

function openPolicy(place: PolicyOfHub, azure: AzureClients): KeyHolder {
  const host = hostOf(place, azure)
  let seen: Policy | undefined
  /** When a write of this holder was last seen in the listing: then the listing shows everything before it, too. */
  let shownAt = Number.NEGATIVE_INFINITY

  async function read(signal: AbortSignal): Promise<KeyRing> {
    seen = await getPolicy(place.hub, place.name, azure, signal)
    return ringOf(seen, host)
  }

  async function write(change: (policy: Policy) => PolicyToWrite, call: Call, shows: Shows): Promise<Policy> {
    const known = { ring: seen && ringOf(seen, host), shownAt }
    seen = await writePolicy(place, azure, call, known, change, shows)
    shownAt = azure.now()
    await noteWriteIfPossible(call, shownAt)
    return seen
  }

  return {
    read,
    operation: changesOf(place.hub, azure),

    regenerate: async (slot, call) => {
      const name = keyName(slot)
      const change = ({ [name]: _, ...kept }: Policy) => kept
      const after = await write(change, call, (now, before) => now[name] !== before[name])
      return ringOf(after, host)
    },

    swap: async (call) => {
      const exchanged = ({ primaryKey, secondaryKey, ...rest }: Policy) => ({
        ...rest,
        primaryKey: secondaryKey,
        secondaryKey: primaryKey,
      })
      const after = await write(exchanged, call, (now, before) => now.primaryKey === before.secondaryKey)
      return ringOf(after, host)
    },

    probe: async (_slot, credential, signal) => {
      const key = keyIn(credential, 'SharedAccessKey')
      if (seen === undefined) await unlessUnanswered(() => read(signal))
      return key === undefined || seen === undefined ? 'unknown' : probeKey(host, seen, key, azure, signal)
    },
  }
}

/**
 * Reads the hub and all its policies, writes it back with one policy changed, waits until that is done, reads the policy.
 * Throws `ServiceChanged` where the keys are not those that are known, or the hub changed on the way, and `ServiceBusy`
 * where it was written a moment ago, or is being written.
 */
async function writePolicy(
  { hub, name, log }: PolicyOfHub,
  azure: AzureClients,
  call: Call,
  known: { readonly ring: KeyRing | undefined; readonly shownAt: Instant },
  change: (policy: Policy) => PolicyToWrite,
  shows: Shows,
): Promise<Policy> {
  const lastWrite = await lastWriteOf(call, azure.now())
  if (lastWrite > known.shownAt) assertListingCurrent(hub.id, lastWrite, azure.now())
  // In this order: the etag is the older of the two, so a policy changed in between fails the write.
  const description = await getHub(hub, azure, call.signal)
  assertWritable(hub, description)
  const policies = await listPolicies(hub, azure, call.signal)
  const before = policies.find((policy) => isNamed(policy, name))
  if (before === undefined) throw noSuchPolicy(hub, name)
  const what = hubOperation('PUT', hub, '', hubRights.write)
  assertUnchanged(known.ring, ringOf(before, hostOf({ hub }, azure)), what.operation)

  const until = azure.now() + longestChange
  const body = hubWith(description, withPolicy(policies, name, change))
  const answer = await putNoted(hub, { body, etag: description.etag, lastWrite, until }, azure, call)
  try {
    const isOver = () => isWritten(hub, description.etag, azure, call)
    await finished({ answer, what, until, isOver, log }, azure, call)
    return await policyAfterWrite({ hub, name }, azure, call, until, (now) => shows(now, before))
  } catch (error) {
    throw undecided(error)
  }
}

/**
 * Writes the hub, noted before. A write that was refused has not happened: its note is taken back, for nothing has to wait for it. One
 * without an answer may have been taken: that the hub itself says.
 */
async function putNoted(
  hub: ArmId,
  write: { readonly body: unknown; readonly etag: string; readonly lastWrite: Instant; readonly until: Instant },
  azure: AzureClients,
  call: Call,
) {
  await noteWrite(call, write.until)
  await call.keepLease()
  try {
    return await putHub(hub, write.body, write.etag, azure, call.signal)
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    if (!error.details.outcomeUnknown) await noteWriteIfPossible(call, write.lastWrite)
    else if (await isTaken(hub, write.etag, azure, call)) return { status: 202, headers: {} }
    throw error
  }
}

/** Throws `LocalAuthDisabled` where no key of the hub can authenticate, `ServiceBusy` where the hub is being changed. */
function assertWritable({ id: hub }: ArmId, description: HubDescription): void {
  if (description.properties.disableLocalAuth === true) throw localAuthDisabled(`the IoT hub ${hub}`)
  if (isSettled(description)) return
  throw new RekeyError('ServiceBusy', {
    message: `the IoT hub ${hub} is being changed: its state is ${named(description.properties.state)}`,
    remedy: passes,
    retryAfter: minutes(1),
  })
}

/** A state as the service names it. Anything else might be prose. */
function named(state: string | null | undefined): string {
  return /^[A-Za-z]{1,40}$/.test(state ?? '') ? state! : 'unknown'
}

/**
 * The policy once the hub is written and its listing shows it. A listing that lags shows the keys from before: not to wait
 * for it would leave the outcome open, and so cost another write.
 */
async function policyAfterWrite(
  { hub, name }: PolicyOfHub,
  azure: AzureClients,
  call: Call,
  until: Instant,
  shows: (policy: Policy) => boolean,
): Promise<Policy> {
  const what = hubOperation('POST', hub, `/IotHubKeys/${name}/listkeys`, hubRights.listOne)
  for (;;) {
    const policy = await unlessForNow(() => getPolicy(hub, name, azure, call.signal))
    if (policy && shows(policy)) return policy
    if (azure.now() >= until) {
      throw unexpected(what.operation, 'the hub took the change, but its listing does not show it')
    }
    await pause(readEvery, azure, call, what)
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
  const probe = probes.find(({ rights }) => rights.some((right) => granted.includes(right)))
  if (probe === undefined) return 'unknown'
  return verdictOf(
    azure,
    {
      method: 'GET',
      url: `https://${host}${probe.path}?api-version=${dataApiVersion}`,
      headers: {
        Authorization: sharedAccessSignature(
          { resource: host, policy: policy.keyName, key, bytes: 'base64' },
          azure.now() + minutes(5),
        ),
      },
      signal,
      operation: `GET ${host}${probe.path}`,
    },
    refusedBy(401),
  )
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

function hostOf({ hub }: Pick<PolicyOfHub, 'hub'>, azure: AzureClients): string {
  return `${hub.name}.${hubHosts[azure.cloud.name][0]}`
}

function noSuchPolicy(hub: ArmId, name: string): RekeyError {
  return new RekeyError('ResourceNotFound', {
    message: `the IoT hub ${hub.id} has no policy "${name}"`,
    remedy: 'Check the name of the policy in targets.json.',
  })
}
