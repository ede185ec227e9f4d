// Azure Container Registry: Azure Resource Manager, and the registry, which takes the admin user's passwords as basic authentication.
// The answers are checked by test/providers/container-registry.test.ts.

import { type Dialect, plainDialect } from '../dialects.ts'
import type { Dice } from '../dice.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import { type Call, ConnectionLost, type Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'

export interface RegistryOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Of a registry with a domain name label: `<name>-<hash>.azurecr.io`. */
  readonly hash?: string
}

type Registry = ArmResource<RegistryOptions>

const type = 'Microsoft.ContainerRegistry/registries'
const group = 'container-registry'
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/='

export const sample: Sample = {
  add: (cloud, name = 'contosoregistry') => {
    const allowed = `${name.replace(/[^A-Za-z0-9]/g, '')}registry`.slice(0, 50)
    const handle = cloud.containerRegistries.add({ name: allowed })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'container-registry/listCredentials',
  regenerate: 'container-registry/regenerateCredential',
  describes: 'container-registry/get',
  apiVersions: ['2023-07-01'],
  rotation: ['container-registry/regenerateCredential', 'container-registry/get', 'container-registry/v2'],
}

const dialect: Dialect = {
  ...plainDialect,
  body: ({ code, message }) => ({ errors: [{ code, message }] }),
  headers: () => ({ 'docker-distribution-api-version': 'registry/2.0', server: 'AzureContainerRegistry' }),
  networkDenied: {
    status: 403,
    code: 'DENIED',
    message: "client with IP '192.0.2.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
  },
  throttled: { code: 'TOOMANYREQUESTS', message: 'too many requests' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof containerRegistries> {}
}

export const service: SimulatedService = {
  dataPlanes: [{ group, hosts: ['.azurecr.io', '.azurecr.us', '.azurecr.cn'], dialect }],
  install: containerRegistries,
}

function containerRegistries(kernel: Kernel) {
  const registries = armKeys<RegistryOptions>(kernel, {
    service: 'container-registry',
    type,
    apiVersions: ['2019-05-01', '2023-07-01', '2025-11-01'],
    slots: ['password', 'password2'],
    mint,
    list: { action: 'listCredentials', permission: `${type}/listCredentials/action`, body: credentials },
    regenerate: {
      action: 'regenerateCredential',
      permission: `${type}/regenerateCredential/action`,
      slot: slotIn,
      reply: (registry, _slot, keys) => ({ status: 200, body: credentials(registry, keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
    keysDisabled: (call, { id }) =>
      call.refuse(
        400,
        'UnAuthorizedForCredentialOperations',
        `Cannot perform credential operations for ${id} as admin user is disabled. Kindly enable admin user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/container-registry-authentication#admin-account`,
      ),
  })
  kernel.register([
    ...registries.operations,
    {
      operation: 'container-registry/v2',
      host: group,
      method: 'GET',
      path: '/v2/',
      handle: (call) => {
        const registry = registries.byHost(call.host.split(/[-.]/)[0]!)
        if (registry === undefined || !loginServer(registry).startsWith(`${call.host.split('.')[0]}.`)) {
          throw new ConnectionLost(`${call.host} is no login server`)
        }
        return refused(call, registry) ?? { status: 200, body: {} }
      },
    },
  ])

  function refused(call: Call, registry: Registry): Reply | undefined {
    const [, encoded = ''] = /^Basic (\S+)$/.exec(call.headers.get('authorization') ?? '') ?? []
    const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
    const isAdmin = user?.toLowerCase() === registry.name.toLowerCase()
    if (isAdmin && registries.isAccepted(registry, (known) => known === password)) return undefined
    const message =
      isAdmin || user === undefined
        ? 'authentication required, visit https://aka.ms/acr/authorization for more information.'
        : 'Application not registered with AAD.'
    return {
      status: 401,
      headers: {
        'www-authenticate': `Bearer realm="https://${call.host}/oauth2/token",service="${call.host}"`,
      },
      body: { errors: [{ code: 'UNAUTHORIZED', message }] },
    }
  }

  return {
    containerRegistries: {
      /** A new registry. Defaults: a fixed subscription, resource group `rg`. Slots: `password`, `password2`. */
      add: (options: RegistryOptions): ArmKeysHandle => registries.add(options),
    },
  }
}

/** 32 characters that look like base64 and are not: `=` may be in the middle. */
function mint(dice: Dice): string {
  return Array.from({ length: 32 }, () => alphabet[Math.floor(dice.next() * alphabet.length)]).join('')
}

/** The words for another name are unverified. */
function slotIn(call: Call): string {
  const { name } = call.json() as { name?: unknown }
  if (name === 'password' || name === 'password2') return name
  throw call.refuse(400, 'InvalidPasswordName', `The password name '${name}' is not valid.`)
}

function credentials({ name }: Registry, keys: Readonly<Record<string, string>>): unknown {
  const passwords = Object.entries(keys).map(([slot, value]) => ({ name: slot, value }))
  return { username: name, passwords }
}

function loginServer({ name, options: { hash } }: Registry): string {
  return `${name.toLowerCase()}${hash === undefined ? '' : `-${hash}`}.azurecr.io`
}

function described(registry: Registry): unknown {
  const { id, name, keysDisabled } = registry
  return {
    id,
    name,
    type,
    location: 'westeurope',
    tags: {},
    sku: { name: 'Premium', tier: 'Premium' },
    properties: {
      loginServer: loginServer(registry),
      provisioningState: 'Succeeded',
      adminUserEnabled: !keysDisabled,
      publicNetworkAccess: 'Enabled',
      networkRuleBypassOptions: 'AzureServices',
      anonymousPullEnabled: false,
    },
  }
}
