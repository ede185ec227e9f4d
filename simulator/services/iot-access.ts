// Decides who may do what on an IoT hub's own host: a policy's SAS, a device's SAS, or an Entra token.

import type { Call } from '../service-operations.ts'
import { takesKeys } from './iot-hub-handle.ts'
import { type Device, type Hub, propertiesOf } from './iot-hub-state.ts'
import { sasProof } from './signatures.ts'

export type Right = 'RegistryRead' | 'RegistryWrite' | 'ServiceConnect'

/** Accepts an Entra identity that may do `action`, or a policy that has the right. Throws 401, whatever the reason. */
export function admit(call: Call, hub: Hub, right: Right, action: string): void {
  checkNetwork(call, hub)
  if (call.headers.get('authorization')?.startsWith('Bearer ')) {
    call.authorize(action, hub.id)
    return
  }
  const proof = sasProof(call.headers, call.now)
  if (proof.kind === 'refused') throw unauthorized(call, proof.reason)
  const policy = hub.policies.get(proof.policy?.toLowerCase() ?? '')
  const usable = policy !== undefined && propertiesOf(hub)['disableLocalAuth'] !== true
  if (!usable || !covers(proof.resource, call) || !policy.slots.accepted().some(proof.signedWith)) {
    throw unauthorized(call, 'Unauthorized')
  }
  if (!has(policy.rights, right)) {
    throw unauthorized(call, 'Unauthorized')
  }
}

/** Accepts the device itself, by its own SAS, which names no policy. Throws 401. */
export function admitDevice(call: Call, hub: Hub, device: Device): void {
  checkNetwork(call, hub)
  const proof = sasProof(call.headers, call.now)
  if (proof.kind === 'refused') throw unauthorized(call, proof.reason)
  const own = proof.policy === undefined && proof.resource === `${hub.host}/devices/${device.id}`
  if (!own || !takesKeys(hub, device) || !device.slots.accepted().some(proof.signedWith)) {
    throw unauthorized(call, 'Authentication failed for this device, renew token or certificate and reconnect')
  }
}

/** A hub without public network access answers as it does to an invalid key. */
function checkNetwork(call: Call, hub: Hub): void {
  if (propertiesOf(hub)['publicNetworkAccess'] === 'Disabled') throw unauthorized(call, 'Unauthorized')
}

function unauthorized(call: Call, message: string) {
  const headers = { 'iothub-errorcode': 'IotHubUnauthorizedAccess' }
  return call.refuse(401, 'IotHubUnauthorizedAccess', message, { headers })
}

function covers(resource: string, call: Call): boolean {
  const asked = `${call.host}${decodeURIComponent(call.url.pathname)}/`.toLowerCase()
  return asked.startsWith(`${resource.toLowerCase()}/`)
}

/** The right to write the registry includes the right to read it. */
function has(rights: string, right: Right): boolean {
  const held = rights.split(', ')
  return held.includes(right) || (right === 'RegistryRead' && held.includes('RegistryWrite'))
}
