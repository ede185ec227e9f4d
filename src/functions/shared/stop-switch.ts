// The setting that stops everything that changes anything, and the message that says so.

import type { App } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'

export const stopSetting = 'ROTATION_STOPPED'

/** Whether an operator has stopped everything that changes anything. */
export function isStopped({ settings }: Pick<App, 'settings'>): boolean {
  return settings.stopped
}

/** Why a command is refused, and why health is unhealthy. */
export function asStopped(): RekeyError {
  return new RekeyError('Stopped', {
    message: `the setting ${stopSetting} stops everything that changes anything`,
    remedy: `Set ${stopSetting} to false in the app's settings. The app restarts with that, and what is queued goes on.`,
  })
}
