// The data plane that the messaging services have in common: hosts below servicebus.windows.net, which check SAS tokens. Only what a
// namespace lists of itself is here; queues, topics and hubs take no messages.

import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { DataPlane } from '../simulated-service.ts'
import type { ArmResource } from './arm-keys.ts'
import { sasProof } from './signatures.ts'

export type Right = 'Manage' | 'Send' | 'Listen'

interface Rule {
  readonly keys: ArmResource
  readonly rights: readonly Right[]
  readonly badSignature: 'invalid' | 'empty claim'
}

interface Namespace {
  readonly lists: ReadonlySet<string>
  /** Those of the namespace itself, by name in lower case. A token names its rule, and those of a part are not found here. */
  readonly rules: Map<string, Rule>
}

/** A rule of a namespace; without one, the namespace is there and has none of that name. */
export interface NamespaceRule {
  readonly namespace: string
  readonly lists: readonly string[]
  readonly rule?: ArmResource
  readonly rights: readonly Right[]
  readonly badSignature: 'invalid' | 'empty claim'
}

const dialect: Dialect = {
  audiences: ['https://servicebus.azure.net', 'https://eventhubs.azure.net', 'https://relay.azure.net'],
  body: ({ status, message }) => ({ Error: { Code: String(status), Detail: message } }),
  headers: () => ({ server: 'Microsoft-HTTPAPI/2.0', 'strict-transport-security': 'max-age=31536000' }),
  unauthenticated: { code: '401', message: 'MissingToken: The authorization header was not found.' },
  forbidden: () => ({ code: '401', status: 401, message: 'Unauthorized access.' }),
  throttled: { code: '50004', message: 'The request was terminated because the namespace is being throttled.' },
}

/** Exported by each of the services: they share hosts, so the first of them to be loaded declares it. */
export const messagingPlane: DataPlane = {
  group: 'messaging',
  hosts: ['.servicebus.windows.net', '.servicebus.usgovcloudapi.net', '.servicebus.chinacloudapi.cn'],
  dialect,
}

const planes = new WeakMap<Kernel, ReturnType<typeof newPlane>>()

/** The data plane of one cloud, the same for all services. */
export function messagingDataPlane(kernel: Kernel) {
  const known = planes.get(kernel) ?? newPlane(kernel)
  planes.set(kernel, known)
  return known
}

function newPlane(kernel: Kernel) {
  const namespaces = new Map<string, Namespace>()
  kernel.register([
    {
      operation: 'messaging/listEntities',
      host: messagingPlane.group,
      method: 'GET',
      path: '/$Resources/:list',
      handle: (call) => listed(call, namespaces.get(call.host.split('.')[0]!.toLowerCase())),
    },
  ])
  return {
    /** Adds a rule. Returns the host of its namespace. */
    add({ namespace, lists, rule, rights, badSignature }: NamespaceRule): string {
      const name = namespace.toLowerCase()
      const known = namespaces.get(name) ?? { lists: new Set(lists), rules: new Map<string, Rule>() }
      namespaces.set(name, known)
      if (rule) known.rules.set(rule.name.toLowerCase(), { keys: rule, rights, badSignature })
      return `${name}.servicebus.windows.net`
    },
  }
}

/** The order of the checks is unverified, but for the texts of the refusals. */
function listed(call: Call, namespace: Namespace | undefined): Reply {
  if (namespace === undefined) return refused(call, '40400: Endpoint does not exist.', 404)
  if (call.headers.get('authorization') === null)
    return refused(call, 'MissingToken: The authorization header was not found')
  const proof = sasProof(call.headers, call.now, 'utf8')
  if (proof.kind === 'refused') return refused(call, `MalformedToken: ${proof.reason}`)
  if (!covers(proof.resource, call))
    return refused(call, 'InvalidAudience: The authorization header contains a token for another resource')
  const rule = namespace.rules.get(proof.policy?.toLowerCase() ?? '')
  if (rule === undefined) return emptyClaim(call)
  if (rule.keys.keysDisabled) {
    return refused(
      call,
      'LocalAuthDisabled: Authorization failed because SAS authentication has been disabled for the namespace',
    )
  }
  if (!rule.keys.slots.accepted().some(proof.signedWith)) {
    return rule.badSignature === 'empty claim'
      ? emptyClaim(call)
      : refused(call, 'InvalidSignature: The token has an invalid signature')
  }
  if (rule.rights.every((right) => right === 'Listen')) return emptyClaim(call)
  if (!rule.rights.includes('Manage')) return refused(call, 'Manage,EntityRead claims required for this operation')
  const list = call.params['list']!.toLowerCase()
  return namespace.lists.has(list) ? feed(call, list) : refused(call, 'The requested resource does not exist', 404)
}

function emptyClaim(call: Call): Reply {
  return refused(call, 'claim is empty or token is invalid')
}

function refused(call: Call, detail: string, status = 401): Reply {
  const tracked = `${detail}. TrackingId:${call.requestId}_G0, SystemTracker:${call.host}:${call.url.pathname}, Timestamp:${new Date(call.now).toISOString()}`
  return xml(status, `<Error><Code>${status}</Code><Detail>${tracked}</Detail></Error>`)
}

function feed(call: Call, list: string): Reply {
  const at = new Date(call.now).toISOString()
  const name = list.charAt(0).toUpperCase() + list.slice(1)
  return xml(
    200,
    `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">${name}</title><id>${call.url.href.replaceAll('&', '&amp;')}</id><updated>${at}</updated></feed>`,
  )
}

function xml(status: number, text: string): Reply {
  return { status, text, headers: { 'content-type': 'application/xml; charset=utf-8' } }
}

function covers(resource: string, call: Call): boolean {
  const asked = `${call.host}${decodeURIComponent(call.url.pathname)}/`.toLowerCase()
  return asked.startsWith(
    `${resource
      .toLowerCase()
      .replace(/^https?:\/\//, '')
      .replace(/\/$/, '')}/`,
  )
}
