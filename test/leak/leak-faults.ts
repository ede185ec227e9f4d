// What goes wrong between the app and a service while keys are on the wire.

import {
  type Fault,
  type FaultHooks,
  lostAnswer,
  missingPermission,
  serverError,
  throttle,
  truncatedBody,
} from '../../simulator/faults.ts'
import type { Sample } from '../../simulator/sample.ts'

type Reply = Parameters<NonNullable<FaultHooks['after']>>[1]
type Call = Parameters<NonNullable<FaultHooks['after']>>[0]

export interface Named {
  readonly name: string
  readonly fault: Fault
  /** The keys are in headers: the SDKs' own log shows those of answers as they come, and only what we make of them is ours. */
  readonly inHeaders?: true
}

/** Where an answer holds keys beside those of the services: at the vault. */
const ofVault = ['key-vault/getSecret', 'key-vault/setSecret']

/** What such an answer may turn into once the effect has happened: every way in which a client may come to quote it. */
const quoting: readonly (readonly [name: string, change: (body: string, reply: Reply) => Reply])[] = [
  ['is garbage with the keys in it', (body) => text(200, `<<<${body}>>>`)],
  ['is HTML with the keys in it', (body) => text(200, `<html>${body}</html>`, 'text/html')],
  ['has its keys in the wrong places', (body) => ({ status: 200, body: misplaced(body) })],
  ['is an undeclared success', (_, reply) => ({ ...reply, status: 206 })],
  ...[400, 403, 409, 500].map(
    (status) => [`is a ${status} that quotes the keys`, (body: string) => refusal(status, body)] as const,
  ),
]

const headers: typeof quoting = [
  ['sends us on to an address with the keys', (body) => ({ status: 302, headers: { location: elsewhere(body) } })],
  ['names the keys as its error', (body) => ({ ...refusal(400, body), headers: named(body) })],
]

/** Everything that befalls a provider's calls, given the operations that make and read its keys. */
export function faultsOf({ regenerate, read, rotation, answersNothing, answersNewKey }: Sample): readonly Named[] {
  const answersKeys = (answersNothing && answersNewKey) || regenerate
  const keyed = [read, regenerate, ...rotation, ...ofVault]
  const simple = (name: string, fault: Fault): Named => ({ name, fault })
  return [
    ...quoting.map(([what, change]) =>
      simple(`an answer ${what}`, { name: what, install: () => ({ after: changing(keyed, change) }) }),
    ),
    ...headers.map(([what, change]) => ({
      ...simple(`an answer ${what}`, { name: what, install: () => ({ after: changing(keyed, change) }) }),
      inHeaders: true as const,
    })),
    simple('whoever is asked sends back what we sent', { name: 'echo', install: () => ({ after: echo }) }),
    simple('the answer to a regenerate is lost', lostAnswer({ operation: regenerate })),
    simple('the answer to a regenerate is cut short', truncatedBody({ operation: answersKeys })),
    simple('a gateway answers a regenerate', gateway(regenerate, 'html')),
    simple('a regenerate fails without a word', gateway(regenerate, 'empty')),
    simple('every read is cut short', truncatedBody({ operation: read })),
    simple('the answer to a write of the vault is lost', lostAnswer({ operation: 'key-vault/setSecret' })),
    simple('the answers of the vault are cut short', truncatedBody({ operation: 'key-vault' })),
    simple('the vault fails without a word', gateway('key-vault', 'empty')),
    simple('the topic fails', gateway('event-grid', 'json')),
    simple('everything is throttled', throttle({ capacity: 2, perSecond: 0.1, retryAfter: 60 })),
    simple('nothing is permitted', missingPermission({ action: '*' })),
  ]
}

/** Successful answers of these operations are no JSON, and have everything in them. */
export function garbageFrom(operations: readonly string[]): Fault {
  const [name, change] = quoting[0]!
  return { name, install: () => ({ after: changing(operations, change) }) }
}

function gateway(operation: string, body: 'html' | 'empty' | 'json'): Fault {
  return serverError({ operation, when: 'after', status: 504, body })
}

function changing(operations: readonly string[], change: (body: string, reply: Reply) => Reply) {
  return (call: Call, reply: Reply) =>
    operations.includes(call.operation.operation) && reply.status < 300 ? change(bodyOf(reply), reply) : undefined
}

function echo(call: Call, reply: Reply): Reply | undefined {
  if (call.operation.operation.startsWith('entra/')) return undefined
  return refusal(400, `${JSON.stringify(Object.fromEntries(call.headers))} ${call.text} ${bodyOf(reply)}`)
}

function bodyOf({ body, text: written }: Reply): string {
  return written ?? JSON.stringify(body) ?? ''
}

/** Keys where codes, ids and numbers are expected, and objects where keys are. */
function misplaced(body: string): object {
  const keys = { value: { is: body }, id: body, key: { is: body } }
  return { ...keys, key1: 1, key2: [body], primaryKey: [body], primarySharedKey: { is: body }, error: { code: body } }
}

function text(status: number, written: string, type = 'application/json'): Reply {
  return { status, headers: { 'content-type': type }, text: written }
}

/** As a service that wants to be helpful, wherever it can. */
function refusal(status: number, quoted: string): Reply {
  const error = { code: quoted, message: quoted, target: quoted, details: [{ code: quoted, message: quoted }] }
  return {
    status,
    body: { error: { ...error, innererror: { code: quoted } }, code: quoted, message: quoted, Message: quoted },
  }
}

/** The headers in which services name their errors. */
function named(body: string): Record<string, string> {
  const name = body.replace(/[^\x20-\x7e]/g, '').slice(0, 4000)
  return { 'x-ms-error-code': name, 'x-ms-error-message': name, 'iothub-errorcode': name, 'retry-after': name }
}

function elsewhere(body: string): string {
  return `https://elsewhere.vault.azure.net/?${encodeURIComponent(body)}`
}
