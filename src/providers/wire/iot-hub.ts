// What IoT Hub's two providers have in common: the hub's names and the guard against keys that moved meanwhile.

import { passes } from '../../azure/errors.ts'
import { RekeyError } from '../../rotation/errors.ts'

import { type KeyRing, slotsChanged } from '../../rotation/key-ring.ts'
import type { Secret } from '../../rotation/secret.ts'
import { seconds } from '../../rotation/target.ts'

/** `HostName=…;<fields>;SharedAccessKey=…` */
export function connectionString(host: string, fields: string, key: Secret): Secret {
  return key.map((value) => `HostName=${host};${fields};SharedAccessKey=${value}`)
}

/**
 * A write that carries keys back must carry those that were looked at when it was decided on. Throws `ServiceChanged`
 * when the ring has changed since `seen`; where nothing has been seen yet, there is nothing to compare.
 */
export function assertUnchanged(seen: KeyRing | undefined, now: KeyRing, operation: string): void {
  if (seen === undefined || slotsChanged(seen, now).length === 0) return
  throw new RekeyError('ServiceChanged', {
    message: `${operation}: the keys were changed by somebody else meanwhile`,
    remedy: passes,
    service: { operation },
    retryAfter: seconds(1),
  })
}
