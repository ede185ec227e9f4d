// Batch accounts: Azure Resource Manager, and the Batch service, which checks shared keys.
// The answers are checked by test/providers/batch.test.ts.

import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import { type Call, ConnectionLost, Refusal } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmResource, armKeys } from './arm-keys.ts'
import { sentSignature, signedWith, textToSign } from './shared-key.ts'

const type = 'Microsoft.Batch/batchAccounts'
const group = 'batch'
const region = 'westeurope'
const scheme = { prefix: 'ocp-' } as const

export const sample: Sample = {
  add: (cloud, name = 'render') => {
    const allowed = name.toLowerCase().replace(/[^a-z0-9]/g, '')
    const handle = cloud.batchAccounts.add({ name: `${allowed}batch`.slice(0, 24) })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'batch/listKeys',
  regenerate: 'batch/regenerateKeys',
  describes: 'batch/get',
  apiVersions: ['2024-07-01'],
  // Only its description says where an account's endpoint is.
  rotation: ['batch/regenerateKeys', 'batch/get', 'batch/listApplications'],
}

/** Its errors are OData, with a message that has a language. */
const dialect: Dialect = {
  audiences: ['https://batch.core.windows.net'],
  body: ({ code, message }, { requestId, now, host }) => ({
    'odata.metadata': `https://${host}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element`,
    code,
    message: {
      lang: 'en-US',
      value: `${message}\nRequestId:${requestId}\nTime:${new Date(now).toISOString()}`,
    },
  }),
  headers: ({ requestId }) => ({ 'request-id': requestId, server: 'Microsoft-HTTPAPI/2.0', dataserviceversion: '3.0' }),
  unauthenticated: { code: 'AuthenticationFailed', message: 'Server failed to authenticate the request.' },
  forbidden: () => ({ code: 'PermissionDenied', message: 'The principal is not permitted to do this.' }),
  // The text is unverified.
  networkDenied: {
    status: 403,
    code: 'AuthorizationFailure',
    message: 'The request is not allowed from this address.',
  },
  throttled: { code: 'TooManyRequests', message: 'The rate of requests is too high.' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof batchAccounts> {}
}

export const service: SimulatedService = {
  dataPlanes: [{ group, hosts: ['.batch.azure.com', '.batch.usgovcloudapi.net', '.batch.chinacloudapi.cn'], dialect }],
  install: batchAccounts,
}

function batchAccounts(kernel: Kernel) {
  const body = ({ name }: ArmResource, { primary, secondary }: Readonly<Record<string, string>>) => ({
    accountName: name,
    primary,
    secondary,
  })
  const accounts = armKeys(kernel, {
    service: group,
    type,
    apiVersions: ['2018-12-01', '2024-07-01'],
    slots: ['primary', 'secondary'],
    mint: (dice) => dice.bytes(64).toString('base64'),
    list: { action: 'listKeys', permission: `${type}/listkeys/action`, body },
    regenerate: {
      action: 'regenerateKeys',
      permission: `${type}/regeneratekeys/action`,
      slot: slotIn,
      reply: (account, _slot, keys) => ({ status: 200, body: body(account, keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
    // Documented is that both calls fail; how they fail is unverified.
    keysDisabled: (call) =>
      call.refuse(409, 'SharedKeyNotAllowed', 'Shared keys are not among the allowed authentication modes.'),
  })
  kernel.register([
    ...accounts.operations,
    {
      operation: 'batch/listApplications',
      host: group,
      method: 'GET',
      path: '/applications',
      // Documented: a version is supported for two years, deprecated for one, and may be gone then ("Batch API lifecycle").
      apiVersions: ['2024-07-01.20.0', '2025-06-01'],
      handle(call) {
        const account = accounts.byHost(call.host)
        if (account === undefined || !call.host.startsWith(`${account.name}.${region}.`)) {
          throw new ConnectionLost(`${call.host} is no endpoint of an account`)
        }
        if (account.keysDisabled) throw notAuthenticated(call, 'SharedKey is not allowed for this account.')
        if (!accounts.isAccepted(account, signedWith(call, account.name, scheme))) {
          const text = textToSign(call, account.name, scheme)
          const detail = `is not the same as any computed signature. Server used following string to sign: '${text}'.`
          throw notAuthenticated(call, `The MAC signature found in the HTTP request '${sentSignature(call)}' ${detail}`)
        }
        const metadata = `https://${call.host}/$metadata#applications`
        return { status: 200, body: { 'odata.metadata': metadata, value: [] } }
      },
    },
  ])
  return { batchAccounts: { add: accounts.add } }
}

/** The words for another name are unverified. */
function slotIn(call: Call): string {
  const { keyName } = call.json() as { keyName?: unknown }
  if (keyName === 'Primary') return 'primary'
  if (keyName === 'Secondary') return 'secondary'
  throw call.refuse(400, 'InvalidRequestBody', `The key name '${keyName}' is not valid.`)
}

function described({ id, name, keysDisabled }: ArmResource): unknown {
  return {
    id,
    name,
    type,
    location: region,
    properties: {
      accountEndpoint: `${name}.${region}.batch.azure.com`,
      provisioningState: 'Succeeded',
      poolAllocationMode: 'BatchService',
      publicNetworkAccess: 'Enabled',
      dedicatedCoreQuota: 20,
      lowPriorityCoreQuota: 100,
      poolQuota: 100,
      activeJobAndJobScheduleQuota: 300,
      allowedAuthenticationModes: keysDisabled ? ['AAD'] : ['SharedKey', 'AAD', 'TaskAuthenticationToken'],
    },
  }
}

/** The detail stands beside the message, and repeats what was signed. */
function notAuthenticated(call: Call, detail: string): Refusal {
  const message =
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.'
  const { reply } = call.refuse(403, 'AuthenticationFailed', message)
  const body = { ...(reply.body as object), values: [{ key: 'AuthenticationErrorDetail', value: detail }] }
  return new Refusal({ ...reply, body }, message)
}
