// Cognitive Services accounts in Azure Resource Manager. Their data plane is cognitive-data-plane.ts.
// The answers are checked by test/simulator/conformance/cognitive-services.conformance.test.ts.

import type { Kernel } from '../kernel.ts'
import { keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Sample } from '../sample.ts'
import type { Call } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armPath, armResourceId } from './arm.ts'
import { type Account, accountsOf, endpointOf, endpointsOf } from './cognitive-account.ts'
import { cognitiveDataPlane, cognitiveDialect } from './cognitive-data-plane.ts'
import { cognitiveEstate } from './cognitive-estate.ts'
import { etagOf, platformKey, systemData } from './resource-wire.ts'

export interface CognitiveAccount extends ServiceHandle {
  /** `properties.endpoint` as the control plane shows it. */
  readonly endpoint: string
  /** Switches local authentication off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

export interface CognitiveAccountOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Default `CognitiveServices`: the account with many services. */
  readonly kind?: string
  /** Default `westeurope`; `global` is Translator's location without a region. */
  readonly location?: string
  /** `none`: the account answers at its region's host, as every account did before July 2019. Default: its name, in lower case. */
  readonly customSubdomain?: 'none'
  /** `hex`: 32 hexadecimal digits, as until 2023. Default: 84 letters and digits. */
  readonly keys?: 'hex'
  readonly disableLocalAuth?: boolean
}

const type = 'Microsoft.CognitiveServices/accounts'
const apiVersions = ['2023-05-01', '2024-10-01', '2025-06-01', '2025-09-01']

export const sample: Sample = {
  add: (cloud, name = 'vision') => {
    const handle = cloud.cognitiveServices.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'cognitive-services/listKeys',
  regenerate: 'cognitive-services/regenerateKey',
  describes: 'cognitive-services/getAccount',
  apiVersions: ['2023-05-01'],
  // Where the account's data plane is, only its description says.
  rotation: ['cognitive-services/regenerateKey', 'cognitive-services/getAccount', 'cognitive-services/issueToken'],
  estate: cognitiveEstate,
}

const hosts = [
  '.cognitiveservices.azure.com',
  '.openai.azure.com',
  '.services.ai.azure.com',
  // Regional hosts, and the one without a region.
  'api.cognitive.microsoft.com',
  '.api.cognitive.microsoft.com',
  '.cognitive.microsofttranslator.com',
  '.cognitiveservices.azure.us',
  '.api.cognitive.microsoft.us',
  '.cognitiveservices.azure.cn',
  '.api.cognitive.azure.cn',
]

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof cognitiveServices> {}
}

export const service: SimulatedService = {
  dataPlanes: [{ group: 'cognitive-services', hosts: hosts, dialect: cognitiveDialect }],
  install: cognitiveServices,
}

function cognitiveServices(kernel: Kernel) {
  const accounts = accountsOf()
  const dice = kernel.dice.fork('cognitive-services')

  const accountOf = (call: Call): Account => {
    const account = accounts.byId(armResourceId(call, type, 'account'))
    if (account) return account
    const { account: name, group } = call.params
    throw call.refuse(
      404,
      'ResourceNotFound',
      `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    )
  }
  // That listKeys is refused has been reported often; that regenerateKey is refused in the same way is unverified.
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
      handle(call) {
        const account = accountOf(call)
        return { status: 200, headers: { etag: etagOf(account) }, body: described(account) }
      },
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
          const message = `The key name '${keyName}' is invalid. Valid values are 'Key1' and 'Key2'.`
          throw call.refuse(400, 'BadRequest', message)
        }
        account.slots.regenerate(keyName)
        account.changes += 1
        return { status: 200, body: keyPair(account) }
      },
    },
    ...cognitiveDataPlane(kernel, accounts),
  ])

  return {
    cognitiveServices: {
      /** A new account. Defaults: a fixed subscription, resource group `rg`, kind `CognitiveServices`. */
      add(options: CognitiveAccountOptions): CognitiveAccount {
        const id = armResourceId(options, type, options.name)
        const mint = options.keys === 'hex' ? () => dice.hex(32) : () => platformKey(dice, 'ACOG')
        const account: Account = {
          id,
          name: options.name,
          kind: options.kind ?? 'CognitiveServices',
          location: options.location ?? 'westeurope',
          subdomain: options.customSubdomain === 'none' ? undefined : options.name.toLowerCase(),
          internalId: dice.hex(32),
          createdAt: kernel.clock.now(),
          slots: keySlots(kernel, ['Key1', 'Key2'], mint),
          changes: 0,
          disableLocalAuth: options.disableLocalAuth ?? false,
        }
        accounts.add(account)
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

function described(account: Account): unknown {
  const { id, name, kind, location, subdomain, internalId, createdAt } = account
  return {
    id,
    name,
    type,
    etag: etagOf(account),
    kind,
    location,
    sku: { name: 'S0' },
    properties: {
      endpoint: endpointOf(account),
      provisioningState: 'Succeeded',
      internalId,
      dateCreated: new Date(createdAt).toISOString(),
      // Absent without a custom subdomain.
      ...(subdomain === undefined ? {} : { customSubDomainName: subdomain }),
      isMigrated: false,
      privateEndpointConnections: [],
      publicNetworkAccess: 'Enabled',
      disableLocalAuth: account.disableLocalAuth,
      endpoints: endpointsOf(account),
    },
    // A regenerate changes the etag but not these dates.
    systemData: systemData(createdAt),
  }
}

function keyPair(account: Account, at?: number): unknown {
  const { Key1: key1, Key2: key2 } = account.slots.keys(at)
  return { key1, key2 }
}
