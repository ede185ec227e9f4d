// Storage queue trigger: reconciles one target.

import { app } from '@azure/functions'

app.storageQueue('rotate', {
  queueName: 'rekey-requests',
  connection: 'AzureWebJobsStorage',
  handler: async (message, context) => {
    const [{ rotateMessage }, { compose }] = await Promise.all([
      import('./messages/rotate.ts'),
      import('../compose.ts'),
    ])
    await rotateMessage(message, context, compose)
  },
})
