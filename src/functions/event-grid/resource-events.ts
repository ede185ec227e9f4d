// Events of Azure subscriptions about changed keys, from Event Grid or, in private networks, from a storage queue.

import { app, type InvocationContext } from '@azure/functions'

async function handler(event: unknown, context: InvocationContext): Promise<void> {
  const [{ resourceEvent }, { compose }] = await Promise.all([
    import('./resource-event.ts'),
    import('../../compose.ts'),
  ])
  await resourceEvent(event, context, compose)
}

app.eventGrid('resourceEvents', { handler })

// A message that keeps failing ends in the poison queue, and nothing is lost by it: the daily resync compares the same target.
app.storageQueue('resourceEventsQueue', {
  queueName: 'rekey-resource-events',
  connection: 'AzureWebJobsStorage',
  handler,
})
