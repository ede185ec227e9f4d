// Application Insights ingestion: accepts telemetry and keeps it for tests to search.

import { gunzipSync } from 'node:zlib'
import type { Kernel } from '../kernel.ts'
import type { Call, Operation } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof applicationInsights> {}
}

export const service: SimulatedService = {
  install: applicationInsights,
}

function applicationInsights(kernel: Kernel) {
  const telemetry: unknown[] = []
  const track = (call: Call) => {
    const items = itemsOf(call)
    telemetry.push(...items)
    return { status: 200, body: { itemsReceived: items.length, itemsAccepted: items.length, errors: [] } }
  }
  const operation = (name: string, method: string, path: string, handle: Operation['handle']): Operation => ({
    operation: `application-insights/${name}`,
    infrastructure: true,
    host: 'telemetry',
    method,
    path,
    handle,
  })
  // No portal shows live metrics here, and the client keeps its own configuration.
  const notSubscribed = () => ({ status: 200, headers: { 'x-ms-qps-subscribed': 'false' }, body: {} })
  kernel.register([
    operation('track', 'POST', '/v2.1/track', track),
    operation('track', 'POST', '/v2/track', track),
    operation('live', 'POST', '/*', notSubscribed),
    operation('other', 'GET', '/*', () => ({ status: 200, body: {} })),
  ])
  /** Every telemetry item received, parsed, in order. */
  return { telemetry: telemetry as readonly unknown[] }
}

/** One JSON array, or one item per line; may be gzipped. */
function itemsOf(call: Call): unknown[] {
  const zipped = call.headers.get('content-encoding') === 'gzip'
  const text = (zipped ? gunzipSync(call.bytes) : call.bytes).toString('utf8').trim()
  if (text.startsWith('[')) return JSON.parse(text) as unknown[]
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
