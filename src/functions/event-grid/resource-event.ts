// Handles the events of Azure subscriptions about changed keys: an operator regenerated one in the portal, or another client did.
// Such an event only causes comparisons with the service, so it may arrive twice, late, or from an untrusted sender.

import type { InvocationContext } from '@azure/functions'
import { type App, type Compose, mayChangeKeys } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import type { Log } from '../../engine/ports.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { clockBound, type Duration, days, type Instant, minutes, settle, type Target } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { resyncLife } from '../shared/requests.ts'
import { isOwnCaller } from './event-caller.ts'
import { type ReceivedEvent, receiveEvent } from './received-event.ts'
import { targetsOf } from './targets-of-resource.ts'

/** The types of event that are handled; the subscriptions in infra/ ask for these. */
export const resourceEventTypes: readonly string[] = [
  'Microsoft.Resources.ResourceActionSuccess',
  'Microsoft.Resources.ResourceWriteSuccess',
]

/** How long after a change every listing of the service must show it. */
const listedAfter: Duration = settle + clockBound
/** Over how long the second repairs of many targets are spread. */
const spread: Duration = minutes(1)
/** How many messages are under way at once. */
const sends = 16

/** What an event says, checked. */
interface KeyChange {
  readonly operation: string
  /** ARM ids, in lower case: one, unless the event's two places for it disagree. */
  readonly resources: readonly string[]
}

/**
 * Queues two repairs of each target of the resource that the event names: now, and when every listing must show the change. Any other event
 * is acknowledged, and logged. Throws where the event should be delivered again: an invalid configuration, a queue that cannot be reached.
 */
export async function resourceEvent(event: unknown, context: InvocationContext, compose: Compose): Promise<void> {
  await receiveEvent(event, context, compose, handle)
}

async function handle(event: ReceivedEvent | undefined, app: App, log: Log): Promise<void> {
  const change = changeIn(event)
  if (event === undefined || typeof change === 'string') return log('warn', 'event ignored', { why: change })
  const about = { type: event.type, ...change }
  const ofResources = new Set(change.resources.flatMap((resource) => targetsOf(app, resource)))
  const targets = [...ofResources].filter((target) => mayChangeKeys(app.providerOf(target), change.operation))
  // A subscription holds much that is not ours: no line for each, which would only repeat the activity log.
  if (targets.length === 0) return
  if (await isOwnCaller(event.data, app, log)) return log('info', 'event ignored', { ...about, why: 'our own change' })
  const enabled = targets.filter((target) => target.enabled)
  if (enabled.length === 0) return log('info', 'event ignored', { ...about, why: 'disabled' })
  await atMost(sends, enabled, (target) => queueRepairs(target, event, app))
  log('info', 'repairs queued', {
    ...about,
    targets: enabled.slice(0, 20).map(({ name }) => name),
    count: enabled.length,
  })
}

/**
 * The ids are the same for a day: a failure that lasts is announced once, however many events there are. What an event asks for is a
 * comparison after a moment: the worker drops the request where one has come between, so duplicates end in one comparison.
 */
async function queueRepairs(target: Target, event: ReceivedEvent, app: App): Promise<void> {
  const now = app.clock.now()
  const changedAt = momentOf(event, now)
  const listedAt = changedAt + listedAfter
  const request: Omit<RotationRequest, 'comparedAfter'> = {
    id: `resource-event/${target.name}/${iso(now).slice(0, 10)}`,
    target: target.name,
    actor: 'resource-event',
    byEvent: true,
    expiresAt: Math.max(listedAt, now) + resyncLife,
  }
  if (now < listedAt) await app.queue.send({ ...request, comparedAfter: changedAt }, 0)
  await app.queue.send({ ...request, comparedAfter: listedAt }, Math.max(listedAt - now, 0) + spread * Math.random())
}

/** Event Grid delivers for a day. */
const oldest: Duration = days(2)

/** When the keys changed. A sender's clock may be ahead: then now. What is older than any event can be is taken to be as old as one can be. */
function momentOf({ time = '' }: ReceivedEvent, now: Instant): Instant {
  const at = Date.parse(time)
  return Number.isNaN(at) ? now : Math.min(Math.max(at, now - oldest), now)
}

// What Resource Manager allows is shorter. What is checked here is only compared, and logged.
const longestId = 4096
const operationName = /^[a-z0-9.]{1,128}(\/[a-z0-9]{1,128}){1,16}$/i
const resourceId =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[^/\p{C}]{1,128}\/providers\/[a-z0-9.]{1,128}(\/[^/\p{C}]{1,260}){2,16}$/u

/** What the event says of a change of keys, or why it is ignored. */
function changeIn(event: ReceivedEvent | undefined): KeyChange | string {
  if (event === undefined) return 'it is not an event of a known schema'
  if (!resourceEventTypes.includes(event.type)) return 'it is of another type'
  const operation = event.data['operationName']
  if (typeof operation !== 'string' || !operationName.test(operation)) return 'it names no operation'
  // The events of a subscription are about its own resources, those of a resource group too.
  const resources = resourcesIn(event).filter((id) => subscriptionOf(id) === subscriptionOf(event.source.toLowerCase()))
  return resources.length === 0 ? 'it names no resource of its source' : { operation, resources }
}

function subscriptionOf(id: string): string {
  return id.split('/', 3).join('/')
}

/** The resource's id in lower case. Microsoft documents two places for it, with the same id in both. */
function resourcesIn({ subject, data }: ReceivedEvent): readonly string[] {
  const given = [subject, data['resourceUri']].filter((id) => typeof id === 'string')
  const ids = given.map((id) => id.slice(0, longestId).trim().replace(/\/+$/, '').toLowerCase())
  return [...new Set(ids)].filter((id) => resourceId.test(id))
}
