// Storage accounts: Azure Resource Manager, and the blob and queue services that check shared keys.
// The answers are checked by test/providers/storage-account.test.ts.

import { createHmac } from 'node:crypto'
import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import { type Call, ConnectionLost, type Operation, type Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeys, type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'
import { sentSignature, signedWith, textToSign } from './shared-key.ts'

interface Options {
  /** The services that the account has. Default: all. A premium account of block blobs has no queues. */
  readonly services?: readonly ('blob' | 'file' | 'queue' | 'table')[]
  /** How old the owner lets a key become. Default: no policy. */
  readonly keyPolicyDays?: number
  /** How long ago it was made, with its first keys, in milliseconds. Default: now. */
  readonly age?: number
}

const type = 'Microsoft.Storage/storageAccounts'
const group = 'storage-account'
const everyService = ['blob', 'file', 'queue', 'table'] as const
const scheme = { prefix: 'x-ms-', omitsZero: true } as const

/** Its errors are XML, and a header has the code. The body of a 403 repeats what was signed. */
const dialect: Dialect = {
  audiences: ['https://storage.azure.com'],
  body: ({ code, message }, { requestId, now }) =>
    `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}\nRequestId:${requestId}\nTime:${new Date(now).toISOString()}</Message></Error>`,
  errorHeaders: ({ code }) => ({ 'content-type': 'application/xml', 'x-ms-error-code': code }),
  headers: ({ requestId }) => ({
    'x-ms-request-id': requestId,
    'x-ms-version': '2021-12-02',
    server: 'Windows-Azure-Queue/1.0 Microsoft-HTTPAPI/2.0',
  }),
  unauthenticated: {
    code: 'NoAuthenticationInformation',
    message:
      'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  },
  forbidden: () => ({
    code: 'AuthorizationPermissionMismatch',
    message: 'This request is not authorized to perform this operation using this permission.',
  }),
  networkDenied: {
    status: 403,
    code: 'AuthorizationFailure',
    message: 'This request is not authorized to perform this operation.',
  },
  throttled: { code: 'ServerBusy', message: 'The server is busy.' },
}

export const sample: Sample = {
  add: (cloud, name = 'store') => {
    const handle = cloud.storageAccounts.add({
      name: name
        .toLowerCase()
        .replace(/[^a-z0-9]/g, '')
        .slice(0, 24),
    })
    const sas = { sasServices: 'bq', sasResourceTypes: 'sco', sasPermissions: 'rl', sasLifetime: 'P120D' }
    return { fields: { resource: handle.resourceId, ...sas }, handle }
  },
  read: 'storage-account/listKeys',
  regenerate: 'storage-account/regenerateKey',
  apiVersions: ['2024-01-01'],
  // Keys are listed and made although the account refuses them.
  describesFirst: 'storage-account/get',
  refusesWith: [],
  rotation: ['storage-account/get', 'storage-account/regenerateKey', 'storage-account/serviceProperties'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof storageAccounts> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group,
      hosts: ['.core.windows.net', '.storage.azure.net', '.core.usgovcloudapi.net', '.core.chinacloudapi.cn'],
      dialect,
    },
  ],
  install: storageAccounts,
}

function storageAccounts(kernel: Kernel) {
  const accounts = armKeys<Options>(kernel, {
    service: 'storage-account',
    type,
    apiVersions: ['2022-05-01', '2023-01-01', '2024-01-01'],
    slots: ['key1', 'key2'],
    // 64 bytes; keys of newer accounts carry the service's mark near the end.
    mint: (dice) => {
      const text = dice.bytes(64).toString('base64')
      return `${text.slice(0, 76)}+ASt${text.slice(80)}`
    },
    list: { action: 'listKeys', permission: `${type}/listkeys/action`, body: listing },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regeneratekey/action`,
      slot: (call) => {
        const { keyName } = call.json() as { keyName?: unknown }
        if (keyName === 'key1' || keyName === 'key2') return keyName
        // The code and the words are unverified.
        throw call.refuse(400, 'InvalidRequestPropertyValue', `The value '${keyName}' is not a valid key name.`)
      },
      reply: (account, _slot, keys) => ({ status: 200, body: listing(account, keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([...accounts.operations, properties('GET', accounts)])
  return {
    storageAccounts: {
      /** Its handle accepts what the account's services do: keys, and the query string of an account SAS. */
      add: (options: Parameters<typeof accounts.add>[0]): ArmKeysHandle => {
        const handle = accounts.add(options)
        const { accepts } = handle
        const account = accounts.find(handle.resourceId)!
        const acceptsSas = (sas: string) => accounts.isAccepted(account, sasSignedWith(sas, account.name, kernel.clock))
        return Object.assign(handle, { accepts: (value: string) => accepts(value) || acceptsSas(value) })
      },
    },
  }
}

/**
 * Which key signed an account SAS that is valid now: none where it is none, or another account's. As "Create an account SAS" describes it
 * for versions from 2020-12-06 on. A start that is still to come refuses it, by the second.
 */
function sasSignedWith(sas: string, account: string, clock: Kernel['clock']): (key: string) => boolean {
  const query = new URLSearchParams(sas)
  const value = (name: string) => query.get(name) ?? ''
  const [start, end] = [value('st') === '' ? 0 : Date.parse(value('st')), Date.parse(value('se'))]
  if (!(start <= clock.now() && clock.now() < end)) return () => false
  const text = [account, ...['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv', 'ses'].map(value), ''].join('\n')
  return (key) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64') === value('sig')
}

/** Recorded: the moment is a second later than the `Date` of the answer that made the key. */
function creationTime({ slots, createdAt, options }: ArmResource<Options>, key: string): string {
  const at = slots.madeAt(key)!
  return new Date(at + 1000 - (at <= createdAt ? (options.age ?? 0) : 0)).toISOString()
}

function listing(account: ArmResource<Options>, keys: Readonly<Record<string, string>>): unknown {
  return {
    keys: Object.entries(keys).map(([keyName, value]) => ({
      creationTime: creationTime(account, value),
      keyName,
      value,
      permissions: 'FULL',
    })),
  }
}

function described(account: ArmResource<Options>): unknown {
  const { id, name, options, slots, createdAt, keysDisabled } = account
  const made = (slot: string) => creationTime(account, slots.keyOf(slot))
  const services = options.services ?? everyService
  return {
    sku: { name: 'Standard_LRS', tier: 'Standard' },
    kind: 'StorageV2',
    id,
    name,
    type,
    location: 'westeurope',
    tags: {},
    properties: {
      keyCreationTime: { key1: made('key1'), key2: made('key2') },
      ...(options.keyPolicyDays === undefined
        ? {}
        : { keyPolicy: { keyExpirationPeriodInDays: options.keyPolicyDays } }),
      allowSharedKeyAccess: !keysDisabled,
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
      provisioningState: 'Succeeded',
      creationTime: new Date(createdAt - (options.age ?? 0)).toISOString(),
      primaryEndpoints: Object.fromEntries(services.map((each) => [each, `https://${name}.${each}.core.windows.net/`])),
      primaryLocation: 'westeurope',
      statusOfPrimary: 'available',
    },
  }
}

/** Settings of a service (`restype=service`), or what kind of account it is (`restype=account`, blobs only). */
function properties(method: string, accounts: ArmKeys<Options>): Operation {
  return {
    operation: 'storage-account/serviceProperties',
    host: group,
    method,
    path: '/',
    handle(call) {
      const account = accounts.byHost(call.host)
      const asked = call.host.split('.')[1]!
      if (account === undefined || !(account.options.services ?? everyService).some((each) => each === asked)) {
        throw new ConnectionLost(`${call.host} is no host of an account`)
      }
      if (account.keysDisabled) {
        const message = 'Key based authentication is not permitted on this storage account.'
        throw call.refuse(403, 'KeyBasedAuthenticationNotPermitted', message)
      }
      const proof = signedWith(call, account.name, scheme)
      if (!accounts.isAccepted(account, proof)) throw notAuthenticated(call, account.name)
      if (call.query.get('comp') !== 'properties')
        throw call.refuse(400, 'InvalidQueryParameterValue', 'comp is invalid.')
      return answered(call)
    },
  }
}

function answered(call: Call): Reply {
  if (call.query.get('restype') === 'account') {
    return { status: 200, headers: { 'x-ms-sku-name': 'Standard_LRS', 'x-ms-account-kind': 'StorageV2' } }
  }
  const text = '<?xml version="1.0" encoding="utf-8"?><StorageServiceProperties><Cors /></StorageServiceProperties>'
  return { status: 200, headers: { 'content-type': 'application/xml' }, text }
}

function notAuthenticated(call: Call, account: string): Error {
  if (!call.headers.has('authorization')) {
    return call.refuse(401, 'NoAuthenticationInformation', dialect.unauthenticated.message)
  }
  const message =
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.'
  const detail = `The MAC signature found in the HTTP request '${sentSignature(call)}' is not the same as any computed signature. Server used following string to sign: '${textToSign(call, account, scheme)}'.`
  return call.refuse(403, 'AuthenticationFailed', `${message}\n${detail}`)
}
