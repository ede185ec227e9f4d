// The ARM calls about an IoT hub and its policies, in raw JSON, all with one api-version: the typed client drops what it
// does not know, and a PUT replaces everything.

import * as z from 'zod/mini'
import type { AzureClients, RawAnswer, RawRequest } from '../../azure/clients.ts'
import { type Duration, seconds } from '../../engine/target.ts'
import { parseAnswer, type ServiceOperation, serviceCall, unexpected } from './answer.ts'
import type { ArmId } from './arm-id.ts'
import { HubDescription, Policy } from './hub-description.ts'

const apiVersion = '2023-06-30'
/** Less than a call may take: the rest is for reading what became of a write that got no answer. */
const longestAnswer: Duration = seconds(15)
export const hubRights = {
  read: 'Microsoft.Devices/iotHubs/Read',
  write: 'Microsoft.Devices/iotHubs/Write',
  list: 'Microsoft.Devices/iotHubs/listkeys/Action',
  listOne: 'Microsoft.Devices/iotHubs/iotHubKeys/listkeys/Action',
  /** At the subscription: the operation belongs to a location, not to the hub. */
  follow: 'Microsoft.Devices/locations/operationresults/Read',
}
const Page = z.object({ value: z.array(Policy), nextLink: z.nullish(z.string()) })

/** POST IotHubResource_GetKeysForKeyName, 2023-06-30. */
export async function getPolicy(hub: ArmId, name: string, azure: AzureClients, signal: AbortSignal): Promise<Policy> {
  const what = hubOperation('POST', hub, `/IotHubKeys/${name}/listkeys`, hubRights.listOne)
  const url = addressOf(hub, `/IotHubKeys/${encodeURIComponent(name)}/listkeys`, azure)
  const { body } = await send(what, azure, { method: 'POST', url, attempts: 'retry', signal })
  return parseAnswer(Policy, body, what)
}

/** GET IotHubResource_Get, 2023-06-30. */
export async function getHub(hub: ArmId, azure: AzureClients, signal: AbortSignal): Promise<HubDescription> {
  const what = hubOperation('GET', hub, '', hubRights.read)
  const { body } = await send(what, azure, { method: 'GET', url: addressOf(hub, '', azure), attempts: 'retry', signal })
  return parseAnswer(HubDescription, body, what)
}

/** POST IotHubResource_ListKeys, 2023-06-30, all pages: a policy that was left out would be deleted by the write. */
export async function listPolicies(hub: ArmId, azure: AzureClients, signal: AbortSignal): Promise<Policy[]> {
  const what = hubOperation('POST', hub, '/listkeys', hubRights.list)
  const policies: Policy[] = []
  let method: 'POST' | 'GET' = 'POST'
  let url: string | undefined = addressOf(hub, '/listkeys', azure)
  while (url !== undefined) {
    const { body } = await send(what, azure, { method, url, attempts: 'retry', signal })
    const { value, nextLink } = parseAnswer(Page, body, what)
    policies.push(...value)
    // The token goes along, so it goes to ARM only.
    if (nextLink && !URL.parse(nextLink)?.href.startsWith(`${azure.cloud.resourceManager}/`)) {
      throw unexpected(what.operation, "the next page is at a host that is not Resource Manager's")
    }
    // Further pages are asked for as the generated clients do it.
    method = 'GET'
    url = nextLink || undefined
  }
  return policies
}

/**
 * PUT IotHubResource_CreateOrUpdate, 2023-06-30, If-Match. Sent once. Begins a long-running operation. The answer's body
 * echoes the keys of every policy, so it stays here.
 */
export async function putHub(
  hub: ArmId,
  body: unknown,
  etag: string,
  azure: AzureClients,
  signal: AbortSignal,
): Promise<Omit<RawAnswer, 'body'>> {
  const what = hubOperation('PUT', hub, '', hubRights.write)
  const request = { 'If-Match': etag }
  const { status, headers } = await send(what, azure, {
    method: 'PUT',
    url: addressOf(hub, '', azure),
    headers: request,
    body,
    attempts: 'once',
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestAnswer)]),
  })
  return { status, headers }
}

export function hubOperation(method: string, hub: ArmId, path: string, permission: string): ServiceOperation {
  return { operation: `${method} …/IotHubs/${hub.name}${path}`, permission }
}

function send(
  what: ServiceOperation,
  azure: AzureClients,
  request: Omit<RawRequest, 'scope' | 'operation'>,
): Promise<RawAnswer> {
  const scope = `${azure.cloud.resourceManager}/.default`
  return serviceCall(what, () => azure.send({ ...request, scope, operation: what.operation }))
}

function addressOf(hub: ArmId, path: string, azure: AzureClients): string {
  return `${azure.cloud.resourceManager}${encodeURI(hub.id)}${path}?api-version=${apiVersion}`
}
