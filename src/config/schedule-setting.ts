// The schedule of the timer. Loaded when functions are registered: every import here makes each cold start slower.

import { scheduleProblem } from './ncrontab.ts'

export const defaultSchedule = '0 */15 * * * *'

/**
 * The schedule to register the timer with: the setting where it is valid, otherwise the default. The host does not start a
 * timer with an invalid one, and then the problem would never be reported.
 */
export function scheduleToRegister(environment: Readonly<Record<string, string | undefined>>): string {
  const set = environment['ROTATION_SCHEDULE']?.trim()
  return set && !scheduleProblem(set) ? set : defaultSchedule
}
