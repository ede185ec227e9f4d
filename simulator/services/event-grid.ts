// Event Grid custom topics, and the events published to them.

import type { Kernel } from '../kernel.ts'
import { type Call, ConnectionLost } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armResourceId } from './arm.ts'

export type InputSchema = 'CloudEventSchemaV1_0' | 'EventGridSchema'

export interface SimulatedTopic {
  readonly host: string
  readonly resourceId: string
  readonly endpoint: string
  readonly key: string
  /** The schema it accepts; anything else is a 400. */
  inputSchema: InputSchema
  /** Keys are refused; only Entra tokens are accepted. */
  disableLocalAuth: boolean
  /** Everything received, repeats included, in order. */
  readonly events: readonly Record<string, unknown>[]
}

/** What is published to: a topic or a domain. */
interface Topic {
  readonly resourceId: string
  readonly inputSchema: InputSchema
  readonly events: Record<string, unknown>[]
  /** Whether this key may publish now. */
  accepts(key: string): boolean
}

const topics = new WeakMap<Kernel, Map<string, Topic>>()

/** What can be published to in one cloud, by host. */
export function topicsOf(kernel: Kernel): Map<string, Topic> {
  const known = topics.get(kernel) ?? new Map<string, Topic>()
  topics.set(kernel, known)
  return known
}

const sendAction = 'Microsoft.EventGrid/events/send/action'
const mostEvents = 5000
const required: Readonly<Record<InputSchema, readonly string[]>> = {
  CloudEventSchemaV1_0: ['id', 'source', 'type', 'specversion'],
  EventGridSchema: ['id', 'subject', 'eventType', 'eventTime', 'dataVersion'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof eventGrid> {}
}

export const service: SimulatedService = {
  install: eventGrid,
}

function eventGrid(kernel: Kernel) {
  const topics = topicsOf(kernel)
  const made = new Map<string, SimulatedTopic>()
  const dice = kernel.dice.fork('event-grid')

  kernel.register([
    {
      operation: 'event-grid/publish',
      effect: true,
      checks: [sendAction],
      host: 'event-grid',
      method: 'POST',
      path: '/api/events',
      apiVersions: ['2018-01-01'],
      authenticate(call) {
        const topic = topics.get(call.host)
        // The host name of a topic that does not exist is not in DNS either.
        if (!topic) throw new ConnectionLost(`the host name ${call.host} does not resolve: no topic has it`)
        const key = call.headers.get('aeg-sas-key')
        if (key === null) call.authorize(sendAction, topic.resourceId)
        else if (!topic.accepts(key)) throw unauthorized(call, key)
      },
      handle(call) {
        const topic = topics.get(call.host)!
        topic.events.push(...received(call, topic.inputSchema))
        return { status: 200, text: '' }
      },
    },
  ])

  return {
    /** The topic at a host name such as `rekey.westeurope-1.eventgrid.azure.net`; created on first mention, for CloudEvents. */
    topic(host: string): SimulatedTopic {
      const name = host.toLowerCase()
      const known = made.get(name)
      if (known) return known
      const key = dice.bytes(32).toString('base64')
      kernel.minted.add(key)
      const endpoint = `https://${name}/api/events`
      const resourceId = armResourceId({}, 'Microsoft.EventGrid/topics', name.split('.')[0]!)
      const topic = {
        host: name,
        resourceId,
        endpoint,
        key,
        inputSchema: 'CloudEventSchemaV1_0' as InputSchema,
        disableLocalAuth: false,
        events: [] as Record<string, unknown>[],
        accepts: (shown: string): boolean => shown === key && !topic.disableLocalAuth,
      }
      topics.set(name, topic)
      made.set(name, topic)
      return topic
    },
  }
}

function unauthorized(call: Call, key: string) {
  const why = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(key)
    ? ''
    : ' This is due to the reason: The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters.'
  const message = `The request authorization key is not authorized for ${call.host.toUpperCase()}.${why}`
  return call.refuse(401, 'Unauthorized', message)
}

function received(call: Call, schema: InputSchema): Record<string, unknown>[] {
  if (call.bytes.length > 1024 * 1024) {
    throw call.refuse(413, 'RequestEntityTooLarge', 'The maximum size is 1048576 bytes.')
  }
  const type = call.headers.get('content-type')?.split(';')[0] ?? ''
  const cloudEvents = type.startsWith('application/cloudevents')
  if (cloudEvents !== (schema === 'CloudEventSchemaV1_0')) {
    throw call.refuse(400, 'BadRequest', `This resource is configured to receive events in '${schema}' schema.`)
  }
  const body = call.json()
  const events = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[]
  // What the service answers to more events is not documented.
  if (events.length > mostEvents) throw call.refuse(400, 'BadRequest', `At most ${mostEvents} events are accepted.`)
  for (const event of events) {
    const missing = required[schema].find((field) => typeof event[field] !== 'string')
    if (missing) throw call.refuse(400, 'BadRequest', `The required property '${missing}' is missing.`)
  }
  return events
}
