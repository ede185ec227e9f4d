// Storage queue triggers: each message reconciles one target.

import { app } from '@azure/functions'

const revocations = 'rekey-revocations'

app.storageQueue('rotate', {
  queueName: 'rekey-requests',
  connection: 'AzureWebJobsStorage',
  handler: async (message, context) => {
    const [{ rotateMessage }, { compose }] = await Promise.all([
      import('./rotate-message.ts'),
      import('../../compose.ts'),
    ])
    await rotateMessage(message, context, compose)
  },
})

// Revokes have a queue and a function of their own, so that the host reads this queue however full the other is.
app.storageQueue('revoke', {
  queueName: revocations,
  connection: 'AzureWebJobsStorage',
  handler: async (message, context) => {
    const [{ rotateMessage }, { compose }] = await Promise.all([
      import('./rotate-message.ts'),
      import('../../compose.ts'),
    ])
    await rotateMessage(message, context, compose, revocations)
  },
})
