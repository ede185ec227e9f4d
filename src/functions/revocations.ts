// Room: the doorways. Storage queue: revokes. A function of its own, so that the host reads this queue whatever waits in the other.

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
