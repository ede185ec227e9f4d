// What IoT Hub's two providers have in common: the hub's names and the guard against keys that moved meanwhile.

import { passes } from '../../azure/service-error.ts'
import { type KeyRing, slotsChanged } from '../../engine/key-ring.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { Secret } from '../../engine/secret.ts'
import { seconds } from '../../engine/target.ts'
import type { ServiceHosts } from '../provider.ts'

/** Hosts of hubs, by cloud. */
export const hubHosts: ServiceHosts = {
  public: ['azure-devices.net'],
  usgov: ['azure-devices.us'],
  china: ['azure-devices.cn'],
}

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
