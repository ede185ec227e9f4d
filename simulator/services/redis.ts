// The data plane that Redis services have in common: AUTH and PING over TLS, in RESP.

import type { Dialect } from '../dialects.ts'
import type { Dice } from '../dice.ts'
import { type Call, ConnectionLost, type Operation } from '../service-operations.ts'
import type { ArmKeys } from './arm-keys.ts'

/** Errors are lines. A caller that a network rule denies gets no answer at all. */
export const redisDialect: Dialect = {
  audiences: [],
  onSocket: true,
  body: ({ status, message }) => (status === 403 ? '' : `-ERR ${message}\r\n`),
  headers: () => ({}),
  unauthenticated: { code: 'NOAUTH', message: 'Authentication required.' },
  forbidden: () => ({ code: 'NOPERM', message: 'this user has no permissions' }),
  throttled: { code: 'ERR', message: 'max number of clients reached' },
}

/** 44 characters, as recorded. */
export function mintRedisKey(dice: Dice): string {
  return dice.bytes(32).toString('base64')
}

/** The body of a listing, and of the answer to a regenerate. */
export function redisKeyPair({ Primary, Secondary }: Readonly<Record<string, string>>): unknown {
  return { primaryKey: Primary, secondaryKey: Secondary }
}

/** The slot that a regenerate names. The words for another one are unverified. */
export function redisSlotIn(call: Call): string {
  const { keyType } = call.json() as { keyType?: unknown }
  if (keyType === 'Primary' || keyType === 'Secondary') return keyType
  throw call.refuse(400, 'InvalidRequestBody', 'The value of keyType must be Primary or Secondary.')
}

/** `<service>/auth`: everything that a client says at once. A host that no resource has does not resolve. */
export function redisCommands<Options>(service: string, redis: ArmKeys<Options>): Operation {
  return {
    operation: `${service}/auth`,
    host: service,
    method: 'POST',
    path: '/',
    handle(call) {
      const resource = redis.byHost(call.host)
      if (resource === undefined) throw new ConnectionLost(`${call.host} does not resolve`)
      let isAuthenticated = false
      const replies = commandsIn(call.text).map(([name = '', ...words]) => {
        if (name.toUpperCase() === 'AUTH') {
          const [password, user = 'default'] = words.toReversed()
          const isRight = user === 'default' && redis.isAccepted(resource, (key) => key === password)
          // A wrong password takes away nothing that a right one has given.
          isAuthenticated ||= isRight
          return isRight ? '+OK' : '-WRONGPASS invalid username-password pair or user is disabled.'
        }
        if (!isAuthenticated) return '-NOAUTH Authentication required.'
        return name.toUpperCase() === 'PING' ? '+PONG' : `-ERR unknown command '${name}'`
      })
      return { status: 200, text: replies.map((reply) => `${reply}\r\n`).join('') }
    },
  }
}

/** Arrays of bulk strings, one for each command. What is not in that form ends them, as it ends a connection. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const bytes = Buffer.from(text)
  const commands: string[][] = []
  let at = 0
  const number = (mark: string): number => {
    const end = bytes.indexOf('\r\n', at)
    const line = bytes.subarray(at, end).toString()
    at = end + 2
    return end >= 0 && line.startsWith(mark) && /^\d+$/.test(line.slice(1)) ? Number(line.slice(1)) : Number.NaN
  }
  while (at < bytes.length) {
    const words: string[] = []
    for (let left = number('*'); left > 0; left -= 1) {
      const length = number('$')
      words.push(bytes.subarray(at, at + length).toString())
      at += length + 2
    }
    if (words.length === 0 || Number.isNaN(at)) throw new ConnectionLost('Protocol error')
    commands.push(words)
  }
  return commands
}
