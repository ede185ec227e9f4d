// Sends events to Event Grid through @azure/eventgrid, which is loaded with the first event.

import { iso } from '../engine/duration.ts'
import type { RekeyEvent } from '../engine/events.ts'
import type { Announcer, Log } from '../engine/ports.ts'
import type { Secret } from '../engine/secret.ts'
import type { AzureClients } from './clients.ts'
import { lazily } from './lazily.ts'
import { rebuild } from './service-error.ts'

export type EventSchema = 'CloudEvent' | 'EventGrid'

export interface Topic {
  /** `https://<topic>.<region>.eventgrid.azure.net`, with or without `/api/events`. */
  readonly endpoint: string
  /** Must be the topic's own input schema: otherwise every event is refused. */
  readonly schema: EventSchema
  /** Absent: the app's identity is used. */
  readonly key?: Secret
  /** The CloudEvents `source`: which app sends the events. */
  readonly source: string
}

/** Event Grid's limits for one request: 5,000 events and 1 MB, less a little for the envelope. */
const mostEvents = 5000
const mostBytes = 1_000_000
/** What an event gains on the wire: names of its schema, `source`, times as text. */
const envelopeBytes = 1024

/**
 * Announces to a custom topic. `POST /api/events`, api-version 2018-01-01; retried with the same ids, so that consumers can
 * recognize a repeat. Throws RekeyError.
 */
export function createAnnouncer(topic: Topic, azure: AzureClients): Announcer {
  const endpoint = eventsUrl(topic.endpoint)
  const operation = `POST events to ${new URL(endpoint).host}`
  const loaded = lazily(() => load({ ...topic, endpoint }, azure))
  return {
    announce: async (events, signal) => {
      try {
        const send = await loaded()
        for (const batch of batches(events)) await send(batch, signal)
      } catch (error) {
        throw rebuild(error, operation)
      }
    },
  }
}

/** Splits events, in order, into as few batches as the limits allow. An event that is too large is sent by itself. */
function batches(events: readonly RekeyEvent[]): readonly (readonly RekeyEvent[])[] {
  const made: RekeyEvent[][] = []
  let bytes = 0
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event)) + envelopeBytes
    const last = made.at(-1)
    if (last === undefined || last.length === mostEvents || bytes + size > mostBytes) {
      made.push([event])
      bytes = size
    } else {
      last.push(event)
      bytes += size
    }
  }
  return made
}

/** Without a topic, the event is written to the log. */
export function logAnnouncer(log: Log): Announcer {
  return {
    announce: async (events) => {
      for (const { time, ...event } of events) log('info', 'event', { ...event, time: iso(time) })
    },
  }
}

type Send = (events: readonly RekeyEvent[], signal: AbortSignal) => Promise<void>

async function load({ endpoint, schema, key, source }: Topic, azure: AzureClients): Promise<Send> {
  const { AzureKeyCredential, EventGridPublisherClient } = await import('@azure/eventgrid')
  const who = key === undefined ? azure.credential : new AzureKeyCredential(key.reveal())
  // `endpoint` is the resource manager's, its scopes too: this client knows its own.
  const { endpoint: _, credentialScopes: __, credentials: ___, ...options } = azure.sdk('retry')

  if (schema === 'EventGrid') {
    const client = new EventGridPublisherClient(endpoint, 'EventGrid', who, options)
    return (events, abortSignal) => client.send(events.map(eventGridEvent), { abortSignal })
  }
  const client = new EventGridPublisherClient(endpoint, 'CloudEvent', who, options)
  return (events, abortSignal) =>
    client.send(
      events.map((event) => cloudEvent(event, source)),
      { abortSignal },
    )
}

function cloudEvent({ id, type, subject, time, data }: RekeyEvent, source: string) {
  return { id, type, source, subject, time: new Date(time), data: { ...data } }
}

function eventGridEvent({ id, type, subject, time, data }: RekeyEvent) {
  return { id, eventType: type, subject, eventTime: new Date(time), dataVersion: '1.0', data: { ...data } }
}

function eventsUrl(endpoint: string): string {
  const url = new URL(endpoint)
  if (url.pathname === '/') url.pathname = '/api/events'
  return url.href
}
