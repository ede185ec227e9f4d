// Communication Services: Azure Resource Manager, and the data plane that checks HMAC signatures.
// The answers are checked by test/simulator/conformance/communication-services.conformance.test.ts.

import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import { type KeySlots, keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Sample } from '../sample.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armPath, armResourceId } from './arm.ts'
import { etagOf, platformKey, systemData } from './resource-wire.ts'
import { hmacProof } from './signatures.ts'

export interface CommunicationResource extends ServiceHandle {
  readonly host: string
  /** Switches local authentication off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

export interface CommunicationResourceOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** `random`: the name with random letters and no geography, as in 2022. Default: `<name>.europe.communication.azure.com`. */
  readonly host?: 'random'
  /** `base64`: 88 characters that end in `==`, as until 2023. Default: 84 letters and digits. */
  readonly keys?: 'base64'
  readonly disableLocalAuth?: boolean
}

interface Resource {
  readonly id: string
  readonly immutableId: string
  readonly name: string
  readonly host: string
  /** A purchased number: the one thing in the answer of the data plane that belongs to a customer. */
  readonly phoneNumber: string
  readonly createdAt: number
  readonly slots: KeySlots
  changes: number
  disableLocalAuth: boolean
}

const type = 'Microsoft.Communication/communicationServices'
const numberVersions = ['2021-03-07', '2022-12-01', '2024-03-01', '2025-06-01']
const rights = 'Microsoft.Communication/CommunicationServices'
const apiVersions = ['2023-04-01', '2025-09-01', '2026-03-18']
const pairs: Readonly<Record<string, 'primary' | 'secondary'>> = { primary: 'primary', secondary: 'secondary' }

export const sample: Sample = {
  add: (cloud, name = 'chat') => {
    const handle = cloud.communicationServices.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'communication-services/listKeys',
  regenerate: 'communication-services/regenerateKey',
  describes: 'communication-services/getResource',
  apiVersions: ['2026-03-18'],
  rotation: ['communication-services/regenerateKey', 'communication-services/listPhoneNumbers'],
  estate: ({ cloud, group, due }) => {
    const chat = cloud.communicationServices.add({ ...group, name: 'contoso-chat' })
    const key = chat.keyOf('primary')
    const connection = `endpoint=https://${chat.host}/;accesskey=${key}`
    const values = { 'chat-connection': connection, 'chat-key': key }
    due({ target: 'chat', slot: 'primary', address: chat.resourceId, values })
    // New in targets.json: Rekey adopts the key that the service has.
    const mail = cloud.communicationServices.add({ ...group, name: 'contoso-mail' })
    const secrets = { 'chat-connection': 'connectionString', 'chat-key': 'key' }
    return [
      { name: 'chat', fields: { resource: chat.resourceId }, secrets },
      { name: 'mail', fields: { resource: mail.resourceId }, secrets: { 'mail-key': 'key' } },
    ]
  },
}

const dialect: Dialect = {
  audiences: ['https://communication.azure.com'],
  body: ({ code, message }) => ({ error: { code, message } }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId, 'ms-cv': `${requestId.slice(0, 8)}.0` }),
  unauthenticated: { code: 'Denied', message: 'Denied by the resource provider.' },
  challenge: () => ({ 'www-authenticate': 'HMAC-SHA256, Bearer' }),
  forbidden: () => ({ code: 'Forbidden', message: 'The principal lacks the required role.' }),
  // Recorded for a version that is not known (Azure/Communication#159, 2021). The text for a missing version is
  // ASP.NET's, and unverified here.
  noVersion: () => ({ code: 'ApiVersionUnspecified', message: 'An API version is required, but was not specified.' }),
  unknownVersion: (asked, _known, path) => ({
    code: 'UnsupportedApiVersion',
    message: `The HTTP resource that matches the request URI 'https://10.0.0.1${path}' does not support the API version '${asked}'.`,
  }),
  throttled: { code: 'TooManyRequests', message: 'Too many requests.' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof communicationServices> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group: 'communication-services',
      hosts: ['.communication.azure.com', '.communication.azure.us'],
      dialect: dialect,
    },
  ],
  install: communicationServices,
}

function communicationServices(kernel: Kernel) {
  const resources = new Map<string, Resource>()
  const byHost = new Map<string, Resource>()
  const dice = kernel.dice.fork('communication-services')

  const resourceOf = (call: Call): Resource => {
    const found = resources.get(armResourceId(call, type, 'resource').toLowerCase())
    if (!found)
      throw call.refuse(404, 'ResourceNotFound', `The Resource '${type}/${call.params['resource']}' was not found.`)
    return found
  }
  // The real answer is not documented; the simulator refuses as Cognitive Services does.
  const withLocalAuth = (call: Call): Resource => {
    const resource = resourceOf(call)
    if (resource.disableLocalAuth)
      throw call.refuse(400, 'BadRequest', 'Access keys are disabled: disableLocalAuth is set to be true')
    return resource
  }

  kernel.register([
    {
      operation: 'communication-services/getResource',
      permission: `${rights}/Read`,
      host: 'resource-manager',
      method: 'GET',
      path: armPath(type, 'resource'),
      apiVersions,
      handle(call) {
        const resource = resourceOf(call)
        return { status: 200, headers: { etag: etagOf(resource) }, body: described(resource) }
      },
    },
    {
      operation: 'communication-services/listKeys',
      permission: `${rights}/ListKeys/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'resource')}/listKeys`,
      apiVersions,
      handle(call) {
        const resource = withLocalAuth(call)
        const { readAt } = call
        return {
          status: 200,
          body: { ...pairOf(resource, 'primary', readAt), ...pairOf(resource, 'secondary', readAt) },
        }
      },
    },
    {
      operation: 'communication-services/regenerateKey',
      effect: true,
      permission: `${rights}/RegenerateKey/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'resource')}/regenerateKey`,
      apiVersions,
      handle(call) {
        const resource = withLocalAuth(call)
        const { keyType } = call.json() as { keyType?: unknown }
        const slot = pairs[String(keyType).toLowerCase()]
        if (!slot) throw call.refuse(400, 'BadRequest', "The keyType must be 'Primary' or 'Secondary'.")
        resource.slots.regenerate(slot)
        resource.changes += 1
        return { status: 200, body: pairOf(resource, slot) }
      },
    },
    {
      operation: 'communication-services/listPhoneNumbers',
      host: 'communication-services',
      method: 'GET',
      path: '/phoneNumbers',
      apiVersions: numberVersions,
      handle(call) {
        const resource = byHost.get(call.host.toLowerCase())
        return signedBy(call, resource) ?? { status: 200, headers: versionsHeader, body: numbersOf(resource!, call) }
      },
    },
    {
      operation: 'communication-services/unknownPath',
      host: 'communication-services',
      method: 'GET',
      path: '/*',
      handle: (call) =>
        signedBy(call, byHost.get(call.host.toLowerCase())) ??
        call.refuse(404, 'NotFound', 'The path does not exist.').reply,
    },
  ])

  return {
    communicationServices: {
      /** A new resource. Defaults: a fixed subscription, resource group `rg`. Slots: `primary`, `secondary`. */
      add(options: CommunicationResourceOptions): CommunicationResource {
        const id = armResourceId(options, type, options.name)
        const name = options.name.toLowerCase()
        const label = options.host === 'random' ? `${name.slice(0, 12)}${dice.hex(12)}` : `${name}.europe`
        const mint =
          options.keys === 'base64' ? () => dice.bytes(64).toString('base64') : () => platformKey(dice, 'AZCS')
        const phoneNumber = `+1888${String(Math.floor(dice.next() * 1e7)).padStart(7, '0')}`
        const resource: Resource = {
          id,
          immutableId: dice.uuid(),
          name: options.name,
          host: `${label}.communication.azure.com`,
          phoneNumber,
          createdAt: kernel.clock.now(),
          slots: keySlots(kernel, ['primary', 'secondary'], mint),
          changes: 0,
          disableLocalAuth: options.disableLocalAuth ?? false,
        }
        resources.set(id.toLowerCase(), resource)
        byHost.set(resource.host, resource)
        return kernel.adopt({
          ...serviceHandle(id, resource.slots, () => !resource.disableLocalAuth),
          host: resource.host,
          disableLocalAuth: (disabled) => {
            resource.disableLocalAuth = disabled
          },
        })
      },
    },
  }
}

const versionsHeader = { 'api-supported-versions': numberVersions.join(', ') }

function numbersOf({ phoneNumber }: Resource, call: Call): unknown {
  const number = {
    id: phoneNumber.slice(1),
    phoneNumber,
    countryCode: 'US',
    phoneNumberType: 'tollFree',
    capabilities: { calling: 'inbound', sms: 'inbound+outbound' },
    assignmentType: 'application',
  }
  return { phoneNumbers: call.query.get('top') === '0' ? [] : [number] }
}

/** The refusal of a request that was not signed with an accepted key; undefined for one that was. */
function signedBy(call: Call, resource: Resource | undefined): Reply | undefined {
  const { method, url, headers, text } = call
  const proof = hmacProof({ method, url, headers, body: text }, call.now)
  if (proof.kind === 'signed' && resource && !resource.disableLocalAuth) {
    if (resource.slots.accepted().some(proof.signedWith)) return undefined
  }
  const why = proof.kind === 'refused' ? proof.reason : 'Denied by the resource provider.'
  return call.refuse(401, 'Denied', why, { headers: { 'www-authenticate': 'HMAC-SHA256, Bearer' } }).reply
}

function described(resource: Resource): unknown {
  return {
    id: resource.id,
    name: resource.name,
    type: 'microsoft.communication/communicationservices',
    location: 'Global',
    systemData: systemData(resource.createdAt),
    properties: {
      provisioningState: 'Succeeded',
      hostName: resource.host,
      dataLocation: 'Europe',
      immutableResourceId: resource.immutableId,
      disableLocalAuth: resource.disableLocalAuth,
    },
  }
}

function pairOf(resource: Resource, slot: 'primary' | 'secondary', at?: number): Record<string, string> {
  const key = resource.slots.keyOf(slot, at)
  return { [`${slot}Key`]: key, [`${slot}ConnectionString`]: `endpoint=https://${resource.host}/;accesskey=${key}` }
}
