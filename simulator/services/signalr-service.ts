// What SignalR and Web PubSub have in common: Azure Resource Manager, where a regenerate is an operation, and a data plane that takes
// tokens which a key signs.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Call, Operation, Reply } from '../service-operations.ts'
import { type ArmKeys, type ArmKeysHandle, type ArmResource, type ArmResourceOptions, armKeys } from './arm-keys.ts'
import { platformKey } from './resource-wire.ts'

export interface SignalrOptions extends ArmResourceOptions {
  /** As reported in 2021: the operation of a regenerate succeeds, and its key never comes. */
  readonly losesKeys?: true
}

export interface SignalrDeclaration {
  /** Begins the names of its operations, and is the group of its hosts. */
  readonly service: string
  /** `SignalR`: its type, as answers spell it. */
  readonly kind: 'SignalR' | 'WebPubSub'
  /** `service.signalr.net` */
  readonly suffix: string
  /** Of the data plane. */
  readonly dataVersions: readonly string[]
  /** What a token must be for. */
  audience(url: URL): string
}

type Resource = ArmResource<SignalrOptions>

/** How long a regenerate takes. Recorded: 19 to 74 seconds. */
const usually = 20_000

export const signalrDialect: Dialect = {
  audiences: ['https://signalr.azure.com', 'https://webpubsub.azure.com'],
  body: ({ code, message }) => ({ code, message }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId }),
  unauthenticated: { code: 'Unauthorized', message: 'Unauthorized' },
  forbidden: () => ({ code: 'Forbidden', message: 'Forbidden' }),
  throttled: { code: 'TooManyRequests', message: 'Too many requests.' },
  // A gateway's page: its body has `nginx`.
  networkDenied: { status: 403, code: 'Forbidden', message: '<center>nginx</center>' },
}

/** What a service exports as `sample`, but for adding a resource. */
export function signalrSample(service: string): Omit<Sample, 'add'> {
  return {
    read: `${service}/listKeys`,
    regenerate: `${service}/regenerateKey`,
    answersNewKey: `${service}/listKeys`,
    describesFirst: `${service}/get`,
    apiVersions: ['2024-03-01'],
    rotation: [
      `${service}/get`,
      `${service}/regenerateKey`,
      // Twenty seconds, at 2, 6, 14 and 24.
      ...Array.from({ length: 4 }, () => `${service}/operationStatus`),
      `${service}/listKeys`,
      `${service}/userExists`,
    ],
  }
}

/** The operations of one of the two services, and how a resource is added. */
export function signalrService(kernel: Kernel, declared: SignalrDeclaration) {
  const { service, kind, suffix } = declared
  const type = `Microsoft.SignalRService/${kind}`
  const dice = kernel.dice.fork(`${service} keys`)
  /** The key that a call has begun to make. */
  const begun = new WeakMap<Call, string>()
  const hostOf = ({ name }: Resource) => `${name.toLowerCase()}.${suffix}`
  const body = (resource: Resource, { primary, secondary }: Readonly<Record<string, string>>) => {
    const connection = (key: string | undefined) => `Endpoint=https://${hostOf(resource)};AccessKey=${key};Version=1.0;`
    return {
      primaryKey: primary,
      secondaryKey: secondary,
      primaryConnectionString: connection(primary),
      secondaryConnectionString: connection(secondary),
    }
  }
  const resources: ArmKeys<SignalrOptions> = armKeys<SignalrOptions>(kernel, {
    service,
    type,
    apiVersions: ['2022-02-01', '2023-02-01', '2024-03-01'],
    slots: ['primary', 'secondary'],
    mint: (dice) => platformKey(dice, kind === 'SignalR' ? 'ASRS' : 'AWPS'),
    list: { action: 'listKeys', permission: `${type}/listkeys/action`, body },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regeneratekey/action`,
      slot: slotIn,
      takes: usually,
      given(call) {
        const found = resources.find(call.url.pathname.replace(/\/regenerateKey\/?$/i, ''))!
        const slot = slotIn(call)
        const key = platformKey(dice, kind === 'SignalR' ? 'ASRS' : 'AWPS')
        kernel.minted.add(key)
        begun.set(call, key)
        return found.options.losesKeys ? found.slots.keyOf(slot) : key
      },
      busy: (call) => call.refuse(409, 'Conflict', 'Service must be active state'),
      // The answer has the new key at once; the service takes it later.
      reply: (resource, slot, keys, call) => ({
        status: 202,
        headers: addressesOf(resource, call),
        body: body(resource, { ...keys, [slot]: begun.get(call)! }),
      }),
    },
    describe: { permission: `${type}/read`, body: (resource) => described(resource, type, hostOf(resource)) },
  })
  kernel.register([...resources.operations, ...operationsOf(service, type, resources), userExists(declared, resources)])
  return {
    /** A new resource. Defaults: a fixed subscription, resource group `rg`. Slots: `primary`, `secondary`. */
    add: (options: SignalrOptions): ArmKeysHandle => resources.add(options),
  }
}

/** Compared without case. The words for another slot are unverified. */
function slotIn(call: Call): string {
  const slot = String((call.json() as { keyType?: unknown }).keyType).toLowerCase()
  if (slot === 'primary' || slot === 'secondary') return slot
  throw call.refuse(400, 'InvalidKeyType', 'The value of keyType must be Primary, Secondary or Salt.')
}

/** Below the resource, and signed. */
function addressesOf({ id }: Resource, { requestId }: Call): Record<string, string> {
  const at = (what: string) =>
    `https://management.azure.com${id}/${what}/${requestId}?api-version=2024-03-01&t=1&c=certificate&s=signature&h=hash`
  return { 'azure-asyncoperation': at('operationStatuses'), location: at('operationResults') }
}

/** The status is `Running`, then `Succeeded`; its result is empty. */
function operationsOf(service: string, type: string, resources: ArmKeys<SignalrOptions>): Operation[] {
  const operation = (name: string, part: string, answer: (call: Call, resource: Resource) => Reply): Operation => ({
    operation: `${service}/${name}`,
    permission: `${type}/${part}/read`,
    host: 'resource-manager',
    method: 'GET',
    path: `/subscriptions/:subscription/resourceGroups/:group/providers/${type}/:name/${part}/:id`,
    tracks: true,
    handle(call) {
      const resource = resources.find(call.url.pathname.replace(new RegExp(`/${part}/.*$`, 'i'), ''))
      if (resource === undefined) throw call.refuse(404, 'ResourceNotFound', 'The operation was not found.')
      return answer(call, resource)
    },
  })
  return [
    operation('operationStatus', 'operationStatuses', (call, { underWay }) => {
      const at = new Date(call.now).toISOString()
      const common = { id: call.url.pathname, name: call.params['id'], startTime: at }
      return {
        status: 200,
        body: { ...common, ...(underWay ? { status: 'Running' } : { status: 'Succeeded', endTime: at }) },
      }
    }),
    operation('operationResult', 'operationResults', (_call, { underWay }) => ({ status: underWay ? 202 : 200 })),
  ]
}

/** HEAD of a user: 404 with a code of its own where no user of that name is connected. */
function userExists(
  { service, dataVersions, audience }: SignalrDeclaration,
  resources: ArmKeys<SignalrOptions>,
): Operation {
  return {
    operation: `${service}/userExists`,
    host: service,
    method: 'HEAD',
    path: '/api/hubs/:hub/users/:user',
    apiVersions: dataVersions,
    handle(call) {
      const token = /^Bearer (\S+)$/.exec(call.headers.get('authorization') ?? '')?.[1] ?? ''
      const resource = resources.byHost(call.host)
      const why = refusalOf(token, audience(call.url), call.now)
      if (why !== undefined) return unauthorized(why)
      if (resource === undefined || !resources.isAccepted(resource, (key) => isSignedWith(token, key))) {
        return unauthorized('The signature is invalid')
      }
      return { status: 404, headers: { 'x-ms-error-code': 'Warning.User.NotExisted' } }
    },
  }
}

/** The words but those for the audience are unverified. */
function unauthorized(why: string): Reply {
  return {
    status: 401,
    headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="${why}"` },
  }
}

/** What is wrong with the claims of a token. */
function refusalOf(token: string, audience: string, now: number): string | undefined {
  const claims = claimsOf(token)
  if (claims === undefined) return 'The token is malformed'
  if (claims.aud !== audience) return 'The audience is invalid'
  return typeof claims.exp === 'number' && claims.exp * 1000 > now ? undefined : 'The token expired'
}

function claimsOf(token: string): { readonly aud?: unknown; readonly exp?: unknown } | undefined {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}

function isSignedWith(token: string, key: string): boolean {
  const [header, claims, signature = ''] = token.split('.')
  const expected = createHmac('sha256', key).update(`${header}.${claims}`).digest()
  const given = Buffer.from(signature, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function described({ id, name, keysDisabled, underWay }: Resource, type: string, hostName: string): unknown {
  return {
    id,
    name,
    type,
    location: 'westeurope',
    sku: { name: 'Standard_S1', tier: 'Standard', capacity: 1 },
    properties: {
      provisioningState: underWay ? 'Updating' : 'Succeeded',
      externalIP: '203.0.113.10',
      hostName,
      publicPort: 443,
      serverPort: 443,
      version: '1.0',
      publicNetworkAccess: 'Enabled',
      disableLocalAuth: keysDisabled,
      disableAadAuth: false,
    },
  }
}
