// Azure Batch accounts: two keys; both are in every answer.

import * as z from 'zod/mini'
import type { Secret } from '../engine/secret.ts'
import type { Instant } from '../engine/target.ts'
import { secretText } from './wire/answer.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { signedWith } from './wire/key-material.ts'
import { judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.Batch/batchAccounts/${name}`
const serviceVersion = '2024-07-01.20.0'

const Account = z.object({
  properties: z.object({
    accountEndpoint: z.optional(z.string()),
    allowedAuthenticationModes: z.nullish(z.array(z.string())),
  }),
})

export const batch = armKeyProvider({
  id: 'batch',
  title: 'Batch account',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts: { public: ['batch.azure.com'], usgov: ['batch.usgovcloudapi.net'], china: ['batch.chinacloudapi.cn'] },
  types: {
    type: 'Microsoft.Batch/batchAccounts',
    name: /^[a-z0-9]{3,24}$/,
    rule: '3 to 24 lower-case letters or digits',
    example: 'mybatch',
  },
  apiVersion: '2024-07-01',
  grant: 'Batch account keys',

  /** POST BatchAccount_GetKeys, 2024-07-01. */
  list: {
    right: right('listkeys/action'),
    request: () => ({ path: '/listKeys' }),
    answer: z.object({ primary: secretText, secondary: secretText }),
  },
  ring: ({ primary, secondary }) => ({ primary: { key: primary }, secondary: { key: secondary } }),

  /** POST BatchAccount_RegenerateKey, 2024-07-01. Answers both keys. */
  regenerate: {
    right: right('regeneratekeys/action'),
    request: (slot) => ({
      path: '/regenerateKeys',
      body: { keyName: slot === 'primary' ? 'Primary' : 'Secondary' },
    }),
    answer: 'listing',
  },

  /** GET BatchAccount_Get, 2024-07-01. */
  describe: {
    right: right('read'),
    why: 'find the endpoint, which has the region in its name, and see whether shared keys are allowed',
    answer: Account,
    // Absent or null: all are allowed.
    isKeyUseDisabled: ({ properties }) => properties.allowedAuthenticationModes?.includes('SharedKey') === false,
    enabledBy: 'allowedAuthenticationModes: SharedKey',
  },

  probe: {
    needsDescription: true,
    // Lists the applications of the account, one at most: a read that changes nothing. Its answer is dropped.
    request: ({ key, target, description, now }) =>
      description?.properties.accountEndpoint === undefined
        ? undefined
        : {
            method: 'GET',
            endpoint: `https://${description.properties.accountEndpoint}/`,
            path: `/applications?api-version=${serviceVersion}&maxresults=1`,
            headers: (url) => batchSharedKeyHeaders(url, target.id.name, key, now),
          },
    // The same status and code say that shared keys are not allowed: only the detail distinguishes them.
    judge: judgedBy({ status: 403, code: 'AuthenticationFailed', text: /MAC signature found/i, is: 'refused' }),
  },
})

/**
 * SharedKey over a GET without a body: eleven empty headers, `ocp-date`, the account's name, and the query sorted by name. `now` must be
 * within 15 minutes of the service's clock.
 */
export function batchSharedKeyHeaders(
  url: URL,
  account: string,
  key: Secret,
  now: Instant,
): Readonly<Record<string, string>> {
  const date = new Date(now).toUTCString()
  const query = [...url.searchParams]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`)
  const text = `GET${'\n'.repeat(12)}ocp-date:${date}\n/${account}${url.pathname}${query.join('')}`
  return { 'ocp-date': date, Authorization: `SharedKey ${account}:${signedWith(key, 'base64', text)}` }
}
