// Timer trigger: queues the targets that are due, and today's share of the others.

import { app } from '@azure/functions'
import { scheduleToRegister } from '../../config/schedule-setting.ts'

app.timer('schedule', {
  schedule: scheduleToRegister(process.env),
  handler: async (timer, context) => {
    const [{ tick }, { compose }] = await Promise.all([import('./tick.ts'), import('../../compose.ts')])
    await tick(timer, context, compose)
  },
})
