// The webhook through which Event Grid calls functions, in both of its schemas.

import type { IncomingMessage } from 'node:http'
import { type Answer, header, json, parseJson } from './answers.ts'
import type { HttpHost } from './http-triggers.ts'

/**
 * `POST /runtime/webhooks/EventGrid?functionName=…`: one run for each event. All must succeed, otherwise Event Grid tries
 * again. Answers the validation handshakes of both schemas.
 */
export async function receiveEvents(
  host: HttpHost,
  request: IncomingMessage,
  functionName: string,
  body: Uint8Array,
): Promise<Answer> {
  const fn = host.functions.find(
    ({ name, trigger }) =>
      name.toLowerCase() === functionName.toLowerCase() && trigger.type.toLowerCase() === 'eventgridtrigger',
  )
  if (fn === undefined) return { status: 404 }
  if (request.method === 'OPTIONS') {
    const origin = header(request, 'webhook-request-origin') ?? '*'
    return { status: 200, headers: { 'webhook-allowed-origin': origin } }
  }
  const parsed = parseJson(body)
  if (parsed === undefined) return { status: 400 }
  const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  if (header(request, 'aeg-event-type') === 'SubscriptionValidation') {
    const [first] = events as { readonly data?: { readonly validationCode?: string } }[]
    return json(200, { validationResponse: first?.data?.validationCode })
  }
  const runs = events.map((event) =>
    host.invoker.invoke(fn.name, 'EventGrid trigger fired', { trigger: { json: JSON.stringify(event) } }),
  )
  const results = await Promise.allSettled(runs)
  return { status: results.every(({ status }) => status === 'fulfilled') ? 202 : 500 }
}
