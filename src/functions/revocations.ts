// Storage queue trigger for revokes: a function of its own, so that the host reads this queue however full the other is.

import { app } from '@azure/functions'

const queueName = 'rekey-revocations'

app.storageQueue('revoke', {
  queueName,
  connection: 'AzureWebJobsStorage',
  handler: async (message, context) => {
    const [{ rotateMessage }, { compose }] = await Promise.all([
      import('./messages/rotate.ts'),
      import('../compose.ts'),
    ])
    await rotateMessage(message, context, compose, queueName)
  },
})
