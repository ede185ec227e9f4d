// Key Vault's events about expiring secrets, from Event Grid or, in private networks, from a storage queue.

import { app, type InvocationContext } from '@azure/functions'

async function handler(event: unknown, context: InvocationContext): Promise<void> {
  const [{ nearExpiryEvent }, { compose }] = await Promise.all([
    import('./near-expiry-event.ts'),
    import('../../compose.ts'),
  ])
  await nearExpiryEvent(event, context, compose)
}

app.eventGrid('nearExpiry', { handler })

// Event Grid cannot push to a function that is not on the public internet. A message that keeps failing ends in the
// poison queue, and nothing is lost by it: the schedule finds the same secret due.
app.storageQueue('nearExpiryQueue', {
  queueName: 'rekey-near-expiry',
  connection: 'AzureWebJobsStorage',
  handler,
})
