// The handle tests have on an IoT hub: its policies and devices, and changes an operator makes by hand.

import type { Kernel } from '../kernel.ts'
import { type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Json } from './iot-hub-description.ts'
import { type Device, type Hub, newDevice, type Policy, propertiesOf, settle } from './iot-hub-state.ts'

export interface SwapHandle extends ServiceHandle {
  swapByHand(): void
}

/** Its `resourceId` is the hub's with `/IotHubKeys/<policy>`. */
export interface PolicyHandle extends SwapHandle {
  readonly rights: string
}

/** Its `resourceId` is `<host>/devices/<id>`. */
export interface DeviceHandle extends SwapHandle {
  readonly tag: string
  /** Everything that was written except the keys. */
  properties(): Json
}

export interface HubHandle {
  readonly resourceId: string
  /** `hub1.azure-devices.net` */
  readonly host: string
  readonly tag: string
  /** Names of the current policies. */
  readonly policyNames: readonly string[]
  /** Slots `primary`, `secondary`. Throws TypeError where no policy has this name. */
  policy(name: string): PolicyHandle
  /** Registers the device on first mention. Slots `primary`, `secondary`. */
  device(id: string, options?: { readonly type?: Device['type'] }): DeviceHandle
  /** As stored: secrets not masked. */
  properties(): Json
  /** The whole hub as stored, less what the service fills in: location, sku, tags, identity, properties. */
  document(): Json
  /** An operator's change to the properties, which gives the hub a new etag. */
  changeByHand(properties: Json): void
}

export function hubHandle(kernel: Kernel, hub: Hub, mint: () => Buffer): HubHandle {
  const current = (): Hub => settle(hub, kernel.clock.now())
  return {
    resourceId: hub.id,
    host: hub.host,
    get tag() {
      return current().tag.value()
    },
    get policyNames() {
      return [...current().policies.values()].map(({ name }) => name)
    },
    policy: (name) => kernel.adopt(policyHandle(current, name)),
    device: (id, options = {}) =>
      kernel.adopt(deviceHandle(current, deviceIn(kernel, hub, id, options.type ?? 'sas', mint))),
    properties: () => structuredClone(propertiesOf(current())),
    document: () => structuredClone(current().document),
    changeByHand(properties) {
      const { document, tag } = current()
      hub.document = { ...document, properties: { ...propertiesOf(hub), ...properties } }
      tag.renew()
    },
  }
}

function deviceIn(kernel: Kernel, hub: Hub, id: string, type: Device['type'], mint: () => Buffer): Device {
  const device = hub.devices.get(id) ?? newDevice(kernel, id, type, mint)
  hub.devices.set(id, device)
  return device
}

function policyHandle(current: () => Hub, name: string): PolicyHandle {
  const find = (): Policy | undefined => current().policies.get(name.toLowerCase())
  const first = find()
  if (!first) throw new TypeError(`the hub has no policy ${name}`)
  const { slots } = first
  // A write may remove the policy, and a later one may add a policy of the same name with other keys.
  const usable = (): boolean => find()?.slots === slots && propertiesOf(current())['disableLocalAuth'] !== true
  const changed = (): void => current().tag.renew()
  return {
    ...serviceHandle(`${current().id}/IotHubKeys/${first.name}`, slots, usable),
    get rights() {
      return find()?.rights ?? ''
    },
    keys: () => current() && slots.keys(),
    keyOf: (slot) => current() && slots.keyOf(slot),
    regenerateByHand(slot) {
      changed()
      slots.regenerate(slot)
    },
    swapByHand() {
      changed()
      slots.swap('primary', 'secondary')
    },
  }
}

function deviceHandle(current: () => Hub, device: Device): DeviceHandle {
  return {
    ...serviceHandle(`${current().host}/devices/${device.id}`, device.slots, () => takesKeys(current(), device)),
    get tag() {
      return device.tag.value()
    },
    properties: () => structuredClone(device.document),
    regenerateByHand(slot) {
      device.slots.regenerate(slot)
      device.tag.renew()
    },
    swapByHand() {
      device.slots.swap('primary', 'secondary')
      device.tag.renew()
    },
  }
}

/** Whether the hub accepts the device's keys at all. */
export function takesKeys(hub: Hub, device: Device): boolean {
  const { disableLocalAuth, disableDeviceSAS } = propertiesOf(hub)
  const allowed = disableLocalAuth !== true && disableDeviceSAS !== true
  return allowed && device.type === 'sas' && device.document['status'] === 'enabled'
}
