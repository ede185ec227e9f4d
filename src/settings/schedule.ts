// The schedule of the timer. Loaded when functions are registered: every import here makes each cold start slower.

import { scheduleProblem } from './ncrontab.ts'

export const defaultSchedule = '0 */15 * * * *'

/**
 * The schedule to register the timer with: the setting where it is right, else the default. The host starts no timer
 * with a wrong one, and then nobody would ever say what is wrong.
 */
export function scheduleToRegister(environment: Readonly<Record<string, string | undefined>>): string {
  const set = environment['ROTATION_SCHEDULE']?.trim()
  return set && !scheduleProblem(set) ? set : defaultSchedule
}
