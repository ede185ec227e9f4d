// An IoT hub's state: its description, its policies, its devices, and the write that is under way.

import type { Kernel } from '../kernel.ts'
import { type KeySlots, keySlots } from '../keys.ts'
import { type EntityTag, entityTag } from './etag.ts'
import type { Json } from './iot-hub-description.ts'

export interface Policy {
  readonly name: string
  /** As the service writes them: `RegistryRead, ServiceConnect`. */
  readonly rights: string
  readonly slots: KeySlots
}

export interface Device {
  readonly id: string
  readonly generationId: string
  readonly type: 'sas' | 'selfSigned' | 'certificateAuthority'
  readonly slots: KeySlots
  readonly tag: EntityTag
  /** Everything else that was written: status, capabilities, and fields of later api-versions. */
  document: Json
}

/** A write that was accepted and has not finished yet. */
export interface Pending {
  readonly id: string
  readonly endsAt: number
  readonly fails: boolean
  /** Applies the change. */
  apply(): void
}

export interface Hub {
  readonly id: string
  readonly name: string
  readonly host: string
  readonly createdAt: number
  readonly tag: EntityTag
  /** As written, secrets included. */
  document: Json
  /** By lower-case name, in the order they were written. */
  policies: Map<string, Policy>
  readonly devices: Map<string, Device>
  pending: Pending | undefined
  /** How the finished operations ended. */
  readonly finished: Map<string, 'Succeeded' | 'Failed'>
  readonly pageSize: number
  /** Whether a failed operation has changed the hub nevertheless. */
  readonly afterFailure: 'changed' | 'unchanged'
}

export const hubSlots = ['primary', 'secondary'] as const

/** Two keys as IoT Hub makes them: 32 bytes in base64. */
export function hubKeys(kernel: Kernel, mint: () => Buffer): KeySlots {
  return keySlots(kernel, hubSlots, () => mint().toString('base64'))
}

export function propertiesOf(hub: Hub): Json {
  return hub.document['properties'] as Json
}

/** Finishes the write that is under way if it is due. Every operation on a hub calls this first. */
export function settle(hub: Hub, now: number): Hub {
  const { pending } = hub
  if (pending === undefined || now < pending.endsAt) return hub
  hub.pending = undefined
  if (!pending.fails || hub.afterFailure === 'changed') {
    pending.apply()
    hub.tag.renew()
  }
  hub.finished.set(pending.id, pending.fails ? 'Failed' : 'Succeeded')
  return hub
}

export function newDevice(kernel: Kernel, id: string, type: Device['type'], mint: () => Buffer): Device {
  return {
    id,
    generationId: String(kernel.clock.now()),
    type,
    slots: hubKeys(kernel, mint),
    tag: entityTag(kernel, `device ${id}`),
    document: { status: 'enabled', capabilities: { iotEdge: false } },
  }
}
