// What SignalR and Web PubSub have in common: the same two calls on keys, an operation that goes on after the answer, and tokens that a
// key signs.

import * as z from 'zod/mini'
import type { Secret } from '../../engine/secret.ts'
import { hours, type Instant } from '../../engine/target.ts'
import type { KeyProvider, ServiceHosts } from '../provider.ts'
import { secretText } from './answer.ts'
import { armKeyProvider } from './arm-keys.ts'
import { signedWith } from './key-material.ts'
import { judgedBy } from './verdict.ts'

export interface SignalrService extends Pick<KeyProvider, 'id' | 'title' | 'clouds'> {
  /** `Microsoft.SignalRService/SignalR` */
  readonly type: string
  readonly grant: string
  readonly example: string
  readonly hosts: ServiceHosts
  /** api-version of the data plane. */
  readonly dataVersion: string
  /** What a token says that it is for. */
  audience(url: URL): string
}

/** Of a user that does not exist: only the answer to an accepted token says so. */
const probePath = '/api/hubs/rekey/users/rekey'
const tokenLifetime = 300

const Keys = z.object({
  primaryKey: secretText,
  secondaryKey: secretText,
  primaryConnectionString: secretText,
  secondaryConnectionString: secretText,
})
const Description = z.object({
  properties: z.object({
    hostName: z.optional(z.string()),
    disableLocalAuth: z.nullish(z.boolean()),
    provisioningState: z.optional(z.string()),
  }),
})

/** The provider of one of the two services. */
export function signalrProvider(service: SignalrService): KeyProvider {
  const { id, title, clouds, hosts, type, grant, example, dataVersion, audience } = service
  return armKeyProvider({
    id,
    title,
    slots: ['primary', 'secondary'],
    outputs: { key: 'secret', connectionString: 'secret' },
    clouds,
    hosts,
    types: {
      type,
      name: /^(?=.{3,63}$)[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$/,
      rule: '3 to 63 letters, digits or -, beginning with a letter and ending with a letter or digit',
      example,
    },
    apiVersion: '2024-03-01',
    writes: 3,
    grant,
    keyField: 'AccessKey',

    /** POST ListKeys, 2024-03-01. */
    list: { right: `${type}/listkeys/action`, request: () => ({ path: '/listKeys' }), answer: Keys },
    ring: (keys) => ({
      primary: { key: keys.primaryKey, connectionString: keys.primaryConnectionString },
      secondary: { key: keys.secondaryKey, connectionString: keys.secondaryConnectionString },
    }),

    /**
     * POST RegenerateKey, 2024-03-01. Answers 202 with keys that work later, if at all: an operation was seen to succeed without a new key.
     * So nothing of the answer is used but the address of the operation.
     */
    regenerate: {
      right: `${type}/regeneratekey/action`,
      request: (slot) => ({ path: '/regenerateKey', body: { keyType: slot === 'primary' ? 'Primary' : 'Secondary' } }),
      answer: 'nothing',
    },

    /** GET Get, 2024-03-01. */
    describe: {
      right: `${type}/read`,
      why: 'find the host, and see whether a change goes on and whether local authentication is disabled',
      answer: Description,
      isKeyUseDisabled: ({ properties }) => properties.disableLocalAuth === true,
      askedFirst: true,
      operation: {
        isUnderWay: ({ properties: { provisioningState = 'Succeeded' } }) => !ended.test(provisioningState),
        // Recorded: 19 to 74 seconds.
        limit: hours(1),
        status: { right: `${type}/operationStatuses/read`, why: 'see when a regenerate is through' },
      },
    },

    probe: {
      needsDescription: true,
      request: ({ key, description, now }) => {
        const host = description?.properties.hostName
        if (host === undefined) return undefined
        return {
          method: 'HEAD',
          endpoint: `https://${host}/`,
          path: `${probePath}?api-version=${dataVersion}`,
          headers: (url) => ({ Authorization: `Bearer ${signedToken(audience(url), key, now)}` }),
        }
      },
      judge,
    },
  })
}

const ended = /^(Succeeded|Failed|Canceled)$/i

/** 404 accepts the key where it says that the user does not exist; 401 refuses it, unless it says that the token is for another address. */
const judge = judgedBy(
  { status: 404, code: 'Warning.User.NotExisted', is: 'accepted' },
  { status: 401, challenge: /audience is invalid/i, is: 'unknown' },
  { status: 401, is: 'refused' },
)

/** A JSON Web Token for `audience`, signed with the characters of the key, valid for five minutes. */
export function signedToken(audience: string, key: Secret, now: Instant): string {
  const exp = Math.floor(now / 1000) + tokenLifetime
  const text = [
    { alg: 'HS256', typ: 'JWT' },
    { aud: audience, exp },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${Buffer.from(signedWith(key, 'utf8', text), 'base64').toString('base64url')}`
}
