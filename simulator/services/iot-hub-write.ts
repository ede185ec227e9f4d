// PUT of an IoT hub: everything is replaced by what was sent.

import type { Kernel } from '../kernel.ts'
import { type Call, Refusal } from '../service-operations.ts'
import { isObject, type Json, unmasked, writable } from './iot-hub-description.ts'
import { type Hub, hubKeys, type Policy } from './iot-hub-state.ts'

/** A policy as it was sent. A key of `undefined` or null: the service makes one. */
interface SentPolicy {
  readonly keyName: string
  readonly rights: string
  readonly primaryKey: string | undefined
  readonly secondaryKey: string | undefined
}

/** Rights of the policies that every new hub has, and that one written without policies gets. */
export const defaultPolicies: Readonly<Record<string, string>> = {
  iothubowner: 'RegistryWrite, ServiceConnect, DeviceConnect',
  service: 'ServiceConnect',
  device: 'DeviceConnect',
  registryRead: 'RegistryRead',
  registryReadWrite: 'RegistryWrite',
}

const unnamedPolicies = Object.entries(defaultPolicies).map(([keyName, rights]) => ({ keyName, rights }))
const knownRights = ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect']

/** An error in the shape of Microsoft.Devices: a numeric code, and no `error` around it. */
export function devicesError(call: Call, status: number, code: number, name: string, message: string): Refusal {
  const text =
    `${message} If you contact a support representative please include this correlation identifier: ` +
    `${call.requestId}, timestamp: ${new Date(call.now).toISOString()}, errorcode: IH${code}.`
  return new Refusal({ status, body: { code, httpStatusCode: name, message: text } }, text)
}

/** Checks the If-Match of a write against the hub. Throws 412. */
export function checkTag(call: Call, hub: Hub): void {
  const sent = call.headers.get('if-match')?.replaceAll('"', '')
  if (sent === undefined || sent === '') {
    throw devicesError(call, 412, 412001, 'PreconditionFailed', 'Invalid ETag supplied.')
  }
  if (sent !== '*' && sent !== hub.tag.value()) {
    const message = 'Either bad ETag was supplied or IotHub description was changed.'
    throw devicesError(call, 412, 412002, 'PreconditionFailed', message)
  }
}

/** Parses the body and returns the function that applies it. Throws 400. */
export function replacement(kernel: Kernel, call: Call, hub: Hub, mint: () => Buffer): () => void {
  const body = call.json()
  if (!isObject(body) || typeof body['location'] !== 'string' || !isObject(body['sku'])) {
    throw devicesError(call, 400, 400004, 'BadRequest', 'location and sku are required.')
  }
  if (body['location'] !== hub.document['location']) {
    throw devicesError(call, 400, 400004, 'BadRequest', 'The location of a hub cannot be changed.')
  }
  const properties = isObject(body['properties']) ? body['properties'] : {}
  const policies = sentPolicies(call, properties['authorizationPolicies'] ?? unnamedPolicies)
  return () => {
    hub.document = unmasked(writable(body), hub.document) as Json
    hub.policies = new Map(policies.map((sent) => [sent.keyName.toLowerCase(), written(kernel, hub, sent, mint)]))
  }
}

function sentPolicies(call: Call, sent: unknown): readonly SentPolicy[] {
  const refused = (message: string) => devicesError(call, 400, 400004, 'BadRequest', message)
  if (!Array.isArray(sent)) throw refused('authorizationPolicies must be a list.')
  const policies = sent.map((policy: unknown): SentPolicy => {
    const { keyName, rights, primaryKey, secondaryKey } = isObject(policy) ? policy : {}
    if (typeof keyName !== 'string' || keyName === '') throw refused('A policy has no keyName.')
    if (typeof rights !== 'string' || !rights.split(', ').every((right) => knownRights.includes(right))) {
      throw refused(`The rights of the policy ${keyName} are not known.`)
    }
    const key = (value: unknown): string | undefined => {
      if (value === undefined || value === null) return undefined
      if (typeof value === 'string' && isKey(value)) return value
      throw refused(`A key of the policy ${keyName} is not the base64 of 16 to 64 bytes.`)
    }
    return { keyName, rights, primaryKey: key(primaryKey), secondaryKey: key(secondaryKey) }
  })
  if (new Set(policies.map(({ keyName }) => keyName.toLowerCase())).size < policies.length) {
    throw refused('Two policies have the same name.')
  }
  return policies
}

/** Whether a value is the base64 of 16 to 64 bytes, as the keys of policies and devices are. */
export function isKey(value: string): boolean {
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value && bytes.length >= 16 && bytes.length <= 64
}

function written(kernel: Kernel, hub: Hub, sent: SentPolicy, mint: () => Buffer): Policy {
  const existing = hub.policies.get(sent.keyName.toLowerCase())
  const slots = existing?.slots ?? hubKeys(kernel, mint)
  for (const [slot, key] of [
    ['primary', sent.primaryKey],
    ['secondary', sent.secondaryKey],
  ] as const) {
    if (key !== undefined) slots.set(slot, key)
    else if (existing !== undefined) slots.regenerate(slot)
  }
  return { name: sent.keyName, rights: sent.rights, slots }
}
