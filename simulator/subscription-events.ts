// The events that a subscription raises for what is done with its resources: POST, PUT, PATCH and DELETE at Resource Manager, by anyone.
// Kept only where somebody subscribes, and only what the filter of the event subscription takes, as Event Grid has it.

import type { SimulatedClock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { FaultSet } from './fault-set.ts'
import type { Call } from './service-operations.ts'

/** An event of `Microsoft.Resources.Subscriptions`, as a CloudEvent. */
export interface ResourceEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly type: string
  readonly source: string
  readonly subject: string
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What Event Grid compares, without case: `includedEventTypes`, and advanced filters on two of the fields of `data`. */
export interface ResourceEventFilter {
  readonly types: readonly string[]
  /** StringContains of data.operationName: one of these is in it. */
  readonly operations: readonly string[]
  /** StringNotIn of data.claims.appid. */
  readonly notFrom?: readonly string[]
}

export interface ResourceEventQueue {
  /** Takes the events whose delivery is due by the cloud's clock. Each comes at least once, in no certain order. */
  take(): ResourceEvent[]
}

/** Who did it: as the token's claims are in the event. */
export interface ChangedBy {
  readonly appId: string
  readonly objectId: string
  /** Of a user; absent for an app and a managed identity. */
  readonly user?: string
}

export interface ResourceEvents {
  /** The events that the filter takes, from now on. */
  subscribe(filter: ResourceEventFilter): ResourceEventQueue
  /** Something was done. `operation` is the name of its right: `Microsoft.Storage/storageAccounts/regenerateKey/action`. */
  raise(change: { readonly operation: string; readonly resource: string; readonly by: ChangedBy }): void
}

interface Waiting {
  readonly event: ResourceEvent
  readonly at: number
}

/** The client id of the Azure portal, and a user who is signed in there. */
export const portalUser: ChangedBy = {
  appId: 'c44b4083-3bb0-49c1-b47d-974e53cbdf3c',
  objectId: '7a1f0c5e-0000-4000-8000-00000000a11c',
  user: 'alice@contoso.com',
}

/** The events of one cloud. `faults` decide how late and how often they are delivered. */
export function resourceEvents(dice: Dice, clock: SimulatedClock, faults: FaultSet, tenant: string): ResourceEvents {
  const subscribed: { readonly filter: ResourceEventFilter; waiting: Waiting[] }[] = []

  function raise({ operation, resource, by }: Parameters<ResourceEvents['raise']>[0]): void {
    const takers = subscribed.filter(({ filter }) => takes(filter, operation, by))
    if (takers.length === 0) return
    const event = eventOf({
      operation,
      resource,
      by,
      id: dice.uuid(),
      correlation: dice.uuid(),
      at: clock.now(),
      tenant,
    })
    for (const taker of takers) {
      for (const late of faults.deliveries()) taker.waiting.push({ event, at: clock.now() + late })
    }
  }

  return {
    raise,
    subscribe(filter) {
      const taker: (typeof subscribed)[number] = { filter, waiting: [] }
      subscribed.push(taker)
      return {
        take() {
          const due = taker.waiting.filter(({ at }) => at <= clock.now())
          taker.waiting = taker.waiting.filter(({ at }) => at > clock.now())
          return due.toSorted((one, other) => one.at - other.at).map(({ event }) => event)
        },
      }
    },
  }
}

/** The event of a call that has succeeded; undefined: it raises none. */
export function changeOf({ method, url, operation, token }: Call): Parameters<ResourceEvents['raise']>[0] | undefined {
  const { permission, host } = operation
  if (host !== 'resource-manager' || method === 'GET' || permission === undefined || token === undefined)
    return undefined
  const [, ...names] = permission.split('/')
  const kinds = names.at(-1)!.toLowerCase() === 'action' ? names.length - 2 : names.length - 1
  // `/subscriptions/s/resourceGroups/g/providers/<namespace>`, and two segments for each kind.
  const resource = decodeURIComponent(url.pathname)
    .split('/')
    .slice(0, 7 + 2 * kinds)
    .join('/')
  return { operation: permission, resource, by: { appId: token.caller, objectId: token.objectId } }
}

function takes({ types, operations, notFrom = [] }: ResourceEventFilter, operation: string, by: ChangedBy): boolean {
  const named = operation.toLowerCase()
  return (
    types.includes(typeOf(operation)) &&
    operations.some((part) => named.includes(part.toLowerCase())) &&
    !notFrom.some((id) => id.toLowerCase() === by.appId.toLowerCase())
  )
}

function typeOf(operation: string): string {
  const verb = operation.split('/').at(-1)!.toLowerCase()
  return `Microsoft.Resources.Resource${verb === 'write' ? 'Write' : verb === 'delete' ? 'Delete' : 'Action'}Success`
}

interface Raised {
  readonly operation: string
  readonly resource: string
  readonly by: ChangedBy
  readonly id: string
  readonly correlation: string
  readonly at: number
  readonly tenant: string
}

/** The fields as Microsoft documents them: a managed identity has `appid` and the object id in its claims, and no name. */
function eventOf({ operation, resource, by, id, correlation, at, tenant }: Raised): ResourceEvent {
  const subscription = resource.split('/')[2]!
  const claims = {
    aud: 'https://management.azure.com',
    iss: `https://sts.windows.net/${tenant}/`,
    appid: by.appId,
    appidacr: '2',
    'http://schemas.microsoft.com/identity/claims/objectidentifier': by.objectId,
    'http://schemas.microsoft.com/identity/claims/tenantid': tenant,
    ver: '1.0',
    ...(by.user === undefined ? {} : { 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn': by.user }),
  }
  return {
    specversion: '1.0',
    id,
    type: typeOf(operation),
    source: `/subscriptions/${subscription}`,
    subject: resource,
    time: new Date(at).toISOString(),
    data: {
      authorization: { scope: resource, action: operation, evidence: { role: 'Contributor' } },
      claims,
      correlationId: correlation,
      resourceProvider: operation.split('/')[0],
      resourceUri: resource,
      operationName: operation,
      status: 'Succeeded',
      subscriptionId: subscription,
      tenantId: tenant,
    },
  }
}
