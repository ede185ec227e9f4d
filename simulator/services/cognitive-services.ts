// Room: the simulator. Cognitive Services accounts: Azure Resource Manager and the data plane that takes their keys. May import simulator files only.

import type { Kernel } from '../kernel.ts'
import { type KeySlots, keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Call, Operation, Reply } from '../operations.ts'
import { armPath, armResourceId } from './arm.ts'

export interface CognitiveAccount extends ServiceHandle {
  readonly endpoint: string
  /** Switches local authentication off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

interface Account {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly slots: KeySlots
  disableLocalAuth: boolean
}

export interface CognitiveAccountOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  readonly kind?: string
  readonly disableLocalAuth?: boolean
}

const type = 'Microsoft.CognitiveServices/accounts'
const apiVersions = ['2023-05-01', '2024-10-01', '2025-06-01', '2025-09-01']

export function cognitiveServices(kernel: Kernel) {
  const accounts = new Map<string, Account>()
  const dice = kernel.dice.fork('cognitive-services')

  const accountOf = (call: Call): Account => {
    const id = armResourceId(call, type, 'account')
    const account = accounts.get(id.toLowerCase())
    if (!account)
      throw call.refuse(404, 'ResourceNotFound', `The Resource '${type}/${call.params['account']}' was not found.`)
    return account
  }
  const needLocalAuth = (call: Call, account: Account, doing: string): void => {
    if (account.disableLocalAuth) {
      throw call.refuse(400, 'BadRequest', `Failed to ${doing} key. disableLocalAuth is set to be true`)
    }
  }

  kernel.register([
    {
      operation: 'cognitive-services/getAccount',
      permission: `${type}/read`,
      host: 'resource-manager',
      method: 'GET',
      path: armPath(type, 'account'),
      apiVersions,
      handle: (call) => ({ status: 200, body: described(accountOf(call)) }),
    },
    {
      operation: 'cognitive-services/listKeys',
      permission: `${type}/listKeys/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'account')}/listKeys`,
      apiVersions,
      handle(call) {
        const account = accountOf(call)
        needLocalAuth(call, account, 'list')
        return { status: 200, body: keyPair(account, call.readAt) }
      },
    },
    {
      operation: 'cognitive-services/regenerateKey',
      effect: true,
      permission: `${type}/regenerateKey/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'account')}/regenerateKey`,
      apiVersions,
      handle(call) {
        const account = accountOf(call)
        needLocalAuth(call, account, 'regenerate')
        const { keyName } = call.json() as { keyName?: unknown }
        if (keyName !== 'Key1' && keyName !== 'Key2') {
          throw call.refuse(400, 'InvalidKeyName', "The key name must be 'Key1' or 'Key2'.")
        }
        account.slots.regenerate(keyName)
        return { status: 200, body: keyPair(account) }
      },
    },
    ...dataPlane((host) => [...accounts.values()].find(({ name }) => name.toLowerCase() === host.split('.')[0])),
  ])

  return {
    cognitiveServices: {
      /** A new account. Defaults: a fixed subscription, resource group `rg`, kind `CognitiveServices`. */
      add(options: CognitiveAccountOptions): CognitiveAccount {
        const id = armResourceId(options, type, options.name)
        const account: Account = {
          id,
          name: options.name,
          kind: options.kind ?? 'CognitiveServices',
          slots: keySlots(kernel, ['Key1', 'Key2'], () => dice.hex(32)),
          disableLocalAuth: options.disableLocalAuth ?? false,
        }
        accounts.set(id.toLowerCase(), account)
        return kernel.adopt({
          ...serviceHandle(id, account.slots, () => !account.disableLocalAuth),
          endpoint: endpointOf(account),
          disableLocalAuth: (disabled) => {
            account.disableLocalAuth = disabled
          },
        })
      },
    },
  }
}

function endpointOf({ name }: Account): string {
  return `https://${name.toLowerCase()}.cognitiveservices.azure.com/`
}

function described(account: Account): unknown {
  return {
    id: account.id,
    name: account.name,
    type,
    kind: account.kind,
    location: 'westeurope',
    sku: { name: 'S0' },
    properties: {
      endpoint: endpointOf(account),
      provisioningState: 'Succeeded',
      customSubDomainName: account.name.toLowerCase(),
      publicNetworkAccess: 'Enabled',
      disableLocalAuth: account.disableLocalAuth,
    },
  }
}

function keyPair(account: Account, at?: number): unknown {
  const { Key1: key1, Key2: key2 } = account.slots.keys(at)
  return { key1, key2 }
}

/** Any path: the key is checked first, as the gateway does; only then is the path looked at. */
function dataPlane(accountAt: (host: string) => Account | undefined): Operation[] {
  const guarded =
    (answer: (call: Call) => Reply) =>
    (call: Call): Reply => {
      const key = call.headers.get('ocp-apim-subscription-key') ?? call.headers.get('api-key') ?? ''
      const account = accountAt(call.host)
      if (account?.disableLocalAuth) {
        throw call.refuse(403, 'AuthenticationTypeDisabled', 'Key based authentication is disabled for this resource.')
      }
      if (!account?.slots.accepts(key)) {
        const message = 'Access denied due to invalid subscription key or wrong API endpoint.'
        throw call.refuse(401, '401', message)
      }
      return answer(call)
    }
  const operation = (name: string, method: string, path: string, answer: (call: Call) => Reply): Operation => ({
    operation: `cognitive-services/${name}`,
    host: 'cognitive-services',
    method,
    path,
    handle: guarded(answer),
  })
  const models = (): Reply => ({ status: 200, body: { models: [], data: [] } })
  return [
    operation('issueToken', 'POST', '/sts/v1.0/issueToken', () => ({
      status: 200,
      headers: { 'content-type': 'application/jwt' },
      text: 'a.short-lived.token',
    })),
    operation('models', 'GET', '/openai/models', models),
    operation('models', 'GET', '/vision/v1.0/models', models),
    operation('probe', 'GET', '/*', (call) => call.refuse(404, '404', 'Resource not found').reply),
  ]
}
