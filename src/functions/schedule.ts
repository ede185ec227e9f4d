// Room: the doorways. Timer: who is due, and today's slice of everybody else.

import { app } from '@azure/functions'
import { scheduleToRegister } from '../settings/schedule.ts'

app.timer('schedule', {
  schedule: scheduleToRegister(process.env),
  handler: async (timer, context) => {
    const [{ tick }, { compose }] = await Promise.all([import('./tick/tick.ts'), import('../compose.ts')])
    await tick(timer, context, compose)
  },
})
