// Azure Container Registry: the two passwords of the registry's admin user; both are in every answer.

import * as z from 'zod/mini'
import { secretText } from './wire/answer.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { basicAuthorization } from './wire/key-material.ts'
import { judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.ContainerRegistry/registries/${name}`

const Credentials = z.pipe(
  z.object({ username: secretText, passwords: z.array(z.object({ name: z.string(), value: secretText })) }),
  z.transform(({ username, passwords }, { issues }) => {
    const named = (slot: string) => passwords.find(({ name }) => name === slot)?.value
    const [password, password2] = [named('password'), named('password2')]
    if (password !== undefined && password2 !== undefined) return { username, password, password2 }
    issues.push({ code: 'custom', path: ['passwords'], message: 'a password is missing', input: passwords })
    return z.NEVER
  }),
)
const Registry = z.object({
  name: z.string(),
  properties: z.object({ loginServer: z.string(), adminUserEnabled: z.optional(z.boolean()) }),
})

export const containerRegistry = armKeyProvider({
  id: 'container-registry',
  title: 'Container Registry admin user',
  slots: ['password', 'password2'],
  outputs: { key: 'secret', username: 'constant' },
  clouds: ['public', 'usgov', 'china'],
  hosts: { public: ['azurecr.io'], usgov: ['azurecr.us'], china: ['azurecr.cn'] },
  types: {
    type: 'Microsoft.ContainerRegistry/registries',
    name: /^[a-z0-9]{5,50}$/i,
    rule: '5 to 50 letters or digits',
    example: 'myregistry',
  },
  apiVersion: '2023-07-01',
  grant: 'Container Registry passwords',

  /** POST Registries_ListCredentials, 2023-07-01. */
  list: {
    right: right('listCredentials/action'),
    request: () => ({ path: '/listCredentials' }),
    answer: Credentials,
  },
  ring: ({ username, password, password2 }) => ({
    password: { key: password, username },
    password2: { key: password2, username },
  }),

  /** POST Registries_RegenerateCredential, 2023-07-01. Answers both passwords. */
  regenerate: {
    right: right('regenerateCredential/action'),
    request: (slot) => ({ path: '/regenerateCredential', body: { name: slot } }),
    answer: 'listing',
  },

  /** GET Registries_Get, 2023-07-01. */
  describe: {
    right: right('read'),
    why: 'find the login server, and see whether the admin user is enabled',
    answer: Registry,
    isKeyUseDisabled: ({ properties }) => properties.adminUserEnabled === false,
    enabledBy: 'adminUserEnabled: true',
  },

  probe: {
    needsDescription: true,
    request: ({ key, description }) =>
      description && {
        method: 'GET',
        endpoint: `https://${description.properties.loginServer}/`,
        path: '/v2/',
        // The admin user has the registry's name.
        headers: () => ({ Authorization: basicAuthorization(description.name, key) }),
      },
    judge: judgedBy(
      // The user name is not the admin's: that says nothing of the password.
      { status: 401, text: /not registered with AAD/i, is: 'unknown' },
      { status: 401, is: 'refused' },
    ),
  },
})
