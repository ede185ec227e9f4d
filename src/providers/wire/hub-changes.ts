// What an IoT hub says of its own changes: whether one is under way, was taken, or is over. Read where no operation can be followed.

import type { AzureClients } from '../../azure/clients.ts'
import type { Call, Operation } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, minutes, seconds } from '../../engine/target.ts'
import { undecided } from './answer.ts'
import type { ArmId } from './arm-id.ts'
import { getHub, hubOperation, hubRights } from './hub-calls.ts'
import { isSettled } from './hub-description.ts'
import { pause } from './long-running.ts'

/** How often a hub is read until it shows a write. */
export const readEvery: Duration = seconds(2)
/** How soon a hub shows that it took a write; an assumption: recorded is only that it has taken one when it answers. */
const taking: Duration = seconds(30)
/** Changes were recorded to take half a minute, and reported to take many. What goes on after this is not ours. */
const longestOperation: Duration = minutes(60)

/** A hub's changes, for the engine: a listing proves nothing while one is under way. `GET` of the hub. */
export function changesOf(hub: ArmId, azure: AzureClients): Operation {
  return { limit: longestOperation, isUnderWay: async (signal) => !isSettled(await getHub(hub, azure, signal)) }
}

/** Whether the hub says of itself that a write which began at `etag` is over. Throws RekeyErrors that do not pass by themselves. */
export async function isWritten(hub: ArmId, etag: string, azure: AzureClients, call: Call): Promise<boolean> {
  const now = await unlessForNow(() => getHub(hub, azure, call.signal))
  return now !== undefined && now.etag !== etag && isSettled(now)
}

/**
 * Whether the hub took a write that began at `etag` and whose answer was lost. It says so soon or not at all; to leave that
 * open would cost another write. False where the call has ended. Throws RekeyErrors that leave open what happened.
 */
export async function isTaken(hub: ArmId, etag: string, azure: AzureClients, call: Call): Promise<boolean> {
  const what = hubOperation('GET', hub, '', hubRights.read)
  try {
    for (const until = azure.now() + taking; azure.now() < until && !call.signal.aborted; ) {
      await pause(readEvery, azure, call, what)
      const now = await unlessForNow(() => getHub(hub, azure, call.signal))
      if (now !== undefined && (now.etag !== etag || !isSettled(now))) return true
    }
    return false
  } catch (error) {
    throw undecided(error)
  }
}

/**
 * For what is read again until it shows a write of ours: undefined where it fails for a passing reason, or the hub is not
 * found, as it may be for a moment after it was written.
 */
export async function unlessForNow<Found>(read: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof RekeyError && (error.transient || error.code === 'ResourceNotFound')) return undefined
    throw error
  }
}
