// Topics and domains of Event Grid in Azure Resource Manager, and their hosts, which accept a key of theirs.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Call, Operation } from '../service-operations.ts'
import { type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'
import { topicsOf } from './event-grid.ts'

export interface EventGridOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** What a regenerate answers: both keys, or of a topic 202 with no body and an operation of ten seconds. Default `keys`. */
  readonly answers?: 'keys' | 'accepted'
}

export interface EventGridHandle extends ArmKeysHandle {
  /** Where events are published. */
  readonly endpoint: string
}

type Kind = 'topic' | 'domain'

/** Installs topics or domains in a cloud; returns what adds one. */
export function eventGridResources(kernel: Kernel, kind: Kind) {
  const type = `Microsoft.EventGrid/${kind}s`
  /** The resources of operations, by the ids of these. */
  const begun = new Map<string, ArmResource<EventGridOptions>>()
  const resources = armKeys<EventGridOptions>(kernel, {
    service: `event-grid-${kind}`,
    type,
    apiVersions: ['2020-10-15-preview', '2022-06-15', '2025-02-15'],
    slots: ['key1', 'key2'],
    mint: (dice) => dice.bytes(32).toString('base64'),
    list: { action: 'listKeys', permission: `${type}/listKeys/action`, body: (_resource, keys) => keys },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regenerateKey/action`,
      slot(call) {
        const { keyName } = call.json() as { keyName?: unknown }
        if (keyName === 'key1' || keyName === 'key2') return keyName
        // The code and the words are unverified.
        throw call.refuse(400, 'InvalidRequest', "The keyName must be 'key1' or 'key2'.")
      },
      takes: ({ options }) => (options.answers === 'accepted' ? 10_000 : undefined),
      busy: (call) => call.refuse(409, 'Conflict', 'Another operation on this resource is in progress.'),
      reply(resource, _slot, keys, call) {
        if (resource.options.answers !== 'accepted') return { status: 200, body: keys }
        begun.set(call.requestId, resource)
        return { status: 202, headers: { 'azure-asyncoperation': operationAddress(call) } }
      },
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register(resources.operations)
  // The specification of domains has no operation.
  if (kind === 'topic') kernel.register([operationStatus(begun)])

  function described(resource: ArmResource<EventGridOptions>): unknown {
    const { id, name, keysDisabled } = resource
    const properties = {
      provisioningState: 'Succeeded',
      endpoint: `https://${hostOf(name)}/api/events`,
      inputSchema: 'CloudEventSchemaV1_0',
      disableLocalAuth: keysDisabled,
      publicNetworkAccess: 'Enabled',
    }
    return { id, name, type, location: 'westeurope', properties }
  }

  return (options: EventGridOptions): EventGridHandle => {
    const handle = resources.add(options)
    const host = hostOf(options.name)
    topicsOf(kernel).set(host, {
      resourceId: handle.resourceId,
      accepts: handle.accepts,
      inputSchema: 'CloudEventSchemaV1_0',
      events: [],
    })
    return Object.assign(handle, { endpoint: `https://${host}/api/events` })
  }
}

/** At the subscription, with the port: as recorded of Event Grid's other operations. */
function operationAddress({ params, requestId }: Call): string {
  return `https://management.azure.com:443/subscriptions/${params['subscription']}/providers/Microsoft.EventGrid/locations/westeurope/operationsStatus/${requestId}?api-version=2022-06-15`
}

function operationStatus(begun: ReadonlyMap<string, ArmResource<EventGridOptions>>): Operation {
  return {
    operation: 'event-grid-topic/getOperation',
    tracks: true,
    permission: 'Microsoft.EventGrid/locations/operationsStatus/read',
    scope: ({ params }) => `/subscriptions/${params['subscription']}`,
    host: 'resource-manager',
    method: 'GET',
    path: '/subscriptions/:subscription/providers/Microsoft.EventGrid/locations/:location/operationsStatus/:id',
    apiVersions: ['2022-06-15'],
    handle(call) {
      const resource = begun.get(call.params['id']!)
      if (resource === undefined) throw call.refuse(404, 'NotFound', 'The operation was not found.')
      const status = resource.underWay ? 'InProgress' : 'Succeeded'
      return { status: 200, body: { id: call.url.pathname, name: call.params['id'], status } }
    },
  }
}

/** What a service of this kind exports as its sample. */
export function eventGridSample(kind: Kind, add: Sample['add']): Sample {
  const service = `event-grid-${kind}`
  return {
    add,
    read: `${service}/listKeys`,
    regenerate: `${service}/regenerateKey`,
    describesFirst: `${service}/get`,
    apiVersions: ['2022-06-15'],
    rotation: [`${service}/get`, `${service}/regenerateKey`],
  }
}

/** A name that topics and domains may have, for any text. */
export function eventGridName(name: string): string {
  return `contoso-${name.replace(/[^A-Za-z0-9]+/g, '-')}`.slice(0, 50)
}

function hostOf(name: string): string {
  return `${name.toLowerCase()}.westeurope-1.eventgrid.azure.net`
}
