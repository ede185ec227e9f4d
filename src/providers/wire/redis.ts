// What Redis services of Azure have in common: two access keys in every answer, connection strings, and AUTH as the probe.

import type { KeyRing } from '../../engine/key-ring.ts'
import type { Verdict } from '../../engine/ports.ts'
import type { Secret } from '../../engine/secret.ts'
import type { ProbeCommands } from './arm-key-service.ts'
import type { KeyPair } from './key-pair.ts'

/** Where a database answers. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** The slots, as the services name them. */
export const redisSlots = ['Primary', 'Secondary'] as const

/** Both slots; with the address, each with its connection string in the form of StackExchange.Redis. `tls`: whether its clients use TLS. */
export function redisRing(
  { primaryKey, secondaryKey }: KeyPair,
  address: RedisAddress | undefined,
  tls = true,
): KeyRing {
  const credential = (key: Secret) => {
    if (address === undefined) return { key }
    const { host, port } = address
    const ssl = tls ? 'True' : 'False'
    return {
      key,
      connectionString: key.map((text) => `${host}:${port},password=${text},ssl=${ssl},abortConnect=False`),
    }
  }
  return { Primary: credential(primaryKey), Secondary: credential(secondaryKey) }
}

/** AUTH as the default user, then PING. Only the reply to AUTH counts. */
export async function redisVerdict(
  { host, port }: RedisAddress,
  key: Secret,
  command: (commands: ProbeCommands) => Promise<readonly string[] | undefined>,
): Promise<Verdict> {
  const replies = await command({ host, port, commands: [['AUTH', key], ['PING']] })
  return judgeAuth(replies?.[0])
}

/** A server before Redis 6 says `ERR invalid password`. Any other error (too many clients, loading) says nothing of the key. */
function judgeAuth(reply: string | undefined): Verdict {
  if (reply === '+OK') return 'accepted'
  return /^-(WRONGPASS\b|ERR invalid password)/.test(reply ?? '') ? 'refused' : 'unknown'
}
