// Azure AI Search: Azure Resource Manager, and the data plane that takes admin keys in the header `api-key`.
// The answers are checked by test/providers/ai-search.test.ts.

import { type Dialect, plainDialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'

export interface SearchServiceOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** With `http401WithBearerChallenge`, what fails to authenticate gets 401 instead of 403. Whether a wrong key does is unverified. */
  readonly authFailureMode?: 'http403' | 'http401WithBearerChallenge'
}

type Service = ArmResource<SearchServiceOptions>

const type = 'Microsoft.Search/searchServices'
const apiVersions = ['2022-09-01', '2023-11-01', '2025-05-01']
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const group = 'ai-search'

export const sample: Sample = {
  add: (cloud, name = 'contoso-search') => {
    const handle = cloud.aiSearch.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'ai-search/listAdminKeys',
  regenerate: 'ai-search/regenerateAdminKey',
  describesFirst: 'ai-search/get',
  apiVersions: ['2025-05-01'],
  rotation: ['ai-search/get', 'ai-search/regenerateAdminKey', 'ai-search/serviceStatistics'],
}

/** The words of a refusal are unverified: a wrong key, a firewall and disabled local authentication all get a bare 403. */
const dialect: Dialect = {
  ...plainDialect,
  audiences: ['https://search.azure.com', 'https://search.azure.us', 'https://search.azure.cn'],
  body: ({ code, message }) => ({ error: { code, message } }),
  headers: ({ requestId }) => ({ 'request-id': requestId, 'elapsed-time': '7' }),
  networkDenied: { status: 403, code: '', message: '' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof aiSearch> {}
}

export const service: SimulatedService = {
  dataPlanes: [{ group, hosts: ['.search.windows.net', '.search.azure.us', '.search.azure.cn'], dialect }],
  install: aiSearch,
}

function aiSearch(kernel: Kernel) {
  const search = armKeys<SearchServiceOptions>(kernel, {
    service: 'ai-search',
    type,
    apiVersions,
    slots: ['primary', 'secondary'],
    mint: (dice) => Array.from({ length: 52 }, () => alphabet[Math.floor(dice.next() * alphabet.length)]).join(''),
    list: { action: 'listAdminKeys', permission: `${type}/listAdminKeys/action`, body: (_service, keys) => pair(keys) },
    regenerate: {
      action: 'regenerateAdminKey/:keyKind',
      permission: `${type}/regenerateAdminKey/action`,
      slot: slotIn,
      reply: (_service, _slot, keys) => ({ status: 200, body: pair(keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([
    ...search.operations,
    {
      operation: 'ai-search/serviceStatistics',
      host: group,
      method: 'GET',
      path: '/servicestats',
      apiVersions: ['2023-11-01', '2024-07-01', '2025-09-01'],
      handle: (call) => refused(call) ?? { status: 200, body: statistics },
    },
    {
      operation: 'ai-search/unknownPath',
      host: group,
      method: 'GET',
      path: '/*',
      handle: (call) => refused(call) ?? { status: 404 },
    },
  ])

  /** What a request without an accepted admin key gets. A name that no service has does not resolve. */
  function refused(call: Call): Reply | undefined {
    const found = search.byHost(call.host)
    const key = call.headers.get('api-key')
    if (found && search.isAccepted(found, (known) => known === key)) return undefined
    if (found?.options.authFailureMode !== 'http401WithBearerChallenge') return { status: 403 }
    return {
      status: 401,
      headers: { 'www-authenticate': 'Bearer authorization_uri="https://login.microsoftonline.com"' },
    }
  }

  return {
    aiSearch: {
      /** A new service. Defaults: a fixed subscription, resource group `rg`. Slots: `primary`, `secondary`. */
      add: (options: SearchServiceOptions): ArmKeysHandle => search.add(options),
    },
  }
}

/** The words for another slot are unverified. */
function slotIn(call: Call): string {
  const slot = call.params['keyKind']!.toLowerCase()
  if (slot === 'primary' || slot === 'secondary') return slot
  throw call.refuse(400, 'BadRequest', "The key kind must be 'primary' or 'secondary'.")
}

function pair({ primary, secondary }: Readonly<Record<string, string>>): unknown {
  return { primaryKey: primary, secondaryKey: secondary }
}

function described({ id, name, keysDisabled, options }: Service): unknown {
  const { authFailureMode } = options
  const authOptions =
    authFailureMode === undefined ? { apiKeyOnly: {} } : { aadOrApiKey: { aadAuthFailureMode: authFailureMode } }
  return {
    id,
    name,
    type,
    location: 'West Europe',
    sku: { name: 'standard' },
    properties: {
      replicaCount: 1,
      partitionCount: 1,
      hostingMode: 'default',
      publicNetworkAccess: 'Enabled',
      networkRuleSet: { ipRules: [] },
      status: 'running',
      statusDetails: '',
      provisioningState: 'succeeded',
      endpoint: `https://${name}.search.windows.net`,
      privateEndpointConnections: [],
      sharedPrivateLinkResources: [],
      disableLocalAuth: keysDisabled,
      // It cannot be set together with disableLocalAuth.
      authOptions: keysDisabled ? null : authOptions,
    },
  }
}

const statistics = {
  counters: {
    documentCount: { usage: 0, quota: null },
    indexesCount: { usage: 0, quota: 50 },
    indexersCount: { usage: 0, quota: 50 },
    dataSourcesCount: { usage: 0, quota: 50 },
    storageSize: { usage: 0, quota: 26_843_545_600 },
  },
  limits: { maxFieldsPerIndex: 1000, maxFieldNestingDepthPerIndex: 10 },
}
