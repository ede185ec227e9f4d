// Log Analytics workspaces: Azure Resource Manager, and the HTTP Data Collector that checks shared keys.
// The answers are checked by test/simulator/conformance/log-analytics.conformance.test.ts.

import { plainDialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import { type KeySlots, keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Sample } from '../sample.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armPath, armResourceId } from './arm.ts'
import { sharedKeyProof } from './signatures.ts'

/** `both`: as documented, the bare POST changes both keys. `keyType`: as reported, it requires the undocumented query parameter. */
export type RegenerateBehaviour = 'both' | 'keyType'

export interface Workspace extends ServiceHandle {
  /** The workspace's GUID. */
  readonly customerId: string
  behave(behaviour: RegenerateBehaviour): void
  /** Switches local authentication off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

export interface WorkspaceOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Default `keyType`. */
  readonly behaviour?: RegenerateBehaviour
  readonly disableLocalAuth?: boolean
}

interface State {
  readonly id: string
  readonly name: string
  readonly customerId: string
  readonly createdAt: number
  readonly slots: KeySlots
  behaviour: RegenerateBehaviour
  disableLocalAuth: boolean
}

const type = 'Microsoft.OperationalInsights/workspaces'
const apiVersions = ['2020-08-01', '2025-02-01', '2025-07-01']
const slotOf: Readonly<Record<string, string>> = { primarySharedKey: 'primary', secondarySharedKey: 'secondary' }

export const sample: Sample = {
  add: (cloud, name = 'logs') => {
    const handle = cloud.logAnalytics.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'log-analytics/sharedKeys',
  regenerate: 'log-analytics/regenerateSharedKey',
  describes: 'log-analytics/getWorkspace',
  apiVersions: ['2025-07-01'],
  rotation: ['log-analytics/regenerateSharedKey'],
  estate: ({ cloud, group, due }) => {
    const logs = cloud.logAnalytics.add({ ...group, name: 'contoso-logs', behaviour: 'keyType' })
    const values = { 'logs-key': logs.keyOf('primary'), 'logs-workspace': logs.customerId }
    due({ target: 'logs', slot: 'primary', address: logs.resourceId, values })
    const secrets = { 'logs-key': 'key', 'logs-workspace': 'workspaceId' }
    return [{ name: 'logs', fields: { resource: logs.resourceId }, secrets }]
  },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof logAnalytics> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group: 'log-ingestion',
      hosts: ['.ods.opinsights.azure.com', '.ods.opinsights.azure.us', '.ods.opinsights.azure.cn'],
      dialect: plainDialect,
    },
  ],
  install: logAnalytics,
}

function logAnalytics(kernel: Kernel) {
  const workspaces = new Map<string, State>()
  const byCustomerId = new Map<string, State>()
  const dice = kernel.dice.fork('log-analytics')

  const workspaceOf = (call: Call): State => {
    const found = workspaces.get(armResourceId(call, type, 'workspace').toLowerCase())
    if (!found)
      throw call.refuse(404, 'ResourceNotFound', `The Resource '${type}/${call.params['workspace']}' was not found.`)
    return found
  }
  // The real answer is not documented; the simulator refuses as Cognitive Services does.
  const withLocalAuth = (call: Call): State => {
    const workspace = workspaceOf(call)
    if (workspace.disableLocalAuth)
      throw call.refuse(400, 'BadRequest', 'Shared keys are disabled: disableLocalAuth is set to be true')
    return workspace
  }

  kernel.register([
    {
      operation: 'log-analytics/getWorkspace',
      permission: `${type}/read`,
      host: 'resource-manager',
      method: 'GET',
      path: armPath(type, 'workspace'),
      apiVersions,
      handle: (call) => ({ status: 200, body: described(workspaceOf(call)) }),
    },
    {
      operation: 'log-analytics/sharedKeys',
      permission: `${type}/sharedKeys/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'workspace')}/sharedKeys`,
      apiVersions,
      handle: (call) => ({ status: 200, body: keyPair(withLocalAuth(call), call.readAt) }),
    },
    {
      operation: 'log-analytics/regenerateSharedKey',
      effect: true,
      permission: `${type}/regenerateSharedKey/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${armPath(type, 'workspace')}/regenerateSharedKey`,
      apiVersions,
      handle(call) {
        const workspace = withLocalAuth(call)
        // The body is ignored: a keyType in the body is reported to get the same refusal.
        for (const slot of slotsToRegenerate(call, workspace.behaviour)) workspace.slots.regenerate(slot)
        return { status: 200, body: keyPair(workspace) }
      },
    },
    {
      operation: 'log-analytics/postLogs',
      host: 'log-ingestion',
      method: 'POST',
      path: '/api/logs',
      apiVersions: ['2016-04-01'],
      handle: (call) => collect(call, byCustomerId.get(call.host.split('.')[0]!.toLowerCase())),
    },
  ])

  return {
    logAnalytics: {
      /** A new workspace. Defaults: a fixed subscription, resource group `rg`. Slots: `primary`, `secondary`. */
      add(options: WorkspaceOptions): Workspace {
        const id = armResourceId(options, type, options.name)
        const workspace: State = {
          id,
          name: options.name,
          customerId: dice.uuid(),
          createdAt: kernel.clock.now(),
          slots: keySlots(kernel, ['primary', 'secondary'], () => dice.bytes(64).toString('base64')),
          behaviour: options.behaviour ?? 'keyType',
          disableLocalAuth: options.disableLocalAuth ?? false,
        }
        workspaces.set(id.toLowerCase(), workspace)
        byCustomerId.set(workspace.customerId, workspace)
        return kernel.adopt({
          ...serviceHandle(id, workspace.slots, () => !workspace.disableLocalAuth),
          customerId: workspace.customerId,
          behave: (behaviour) => {
            workspace.behaviour = behaviour
          },
          disableLocalAuth: (disabled) => {
            workspace.disableLocalAuth = disabled
          },
        })
      },
    },
  }
}

function slotsToRegenerate(call: Call, behaviour: RegenerateBehaviour): readonly string[] {
  if (behaviour === 'both') return Object.values(slotOf)
  const slot = slotOf[call.query.get('keyType') ?? '']
  if (!slot) {
    // Two codes are reported with the same message.
    const message = 'keyType value must equal primarySharedKey or secondarySharedKey'
    throw call.refuse(400, call.query.has('keyType') ? 'InvalidParameter' : 'BadArgumentError', message)
  }
  return [slot]
}

/** The id comes back in a different case than in the request, and dates have a different format than elsewhere. */
function described(workspace: State): unknown {
  const [subscription, group, name] = workspace.id.split('/').filter((_, index) => [2, 4, 8].includes(index))
  const made = new Date(workspace.createdAt).toUTCString()
  return {
    properties: {
      source: 'Azure',
      customerId: workspace.customerId,
      provisioningState: 'Succeeded',
      sku: { name: 'pergb2018', lastSkuUpdate: made },
      retentionInDays: 30,
      features: {
        legacy: 0,
        searchVersion: 1,
        enableLogAccessUsingOnlyResourcePermissions: true,
        // Absent until it is set.
        ...(workspace.disableLocalAuth ? { disableLocalAuth: true } : {}),
      },
      publicNetworkAccessForIngestion: 'Enabled',
      publicNetworkAccessForQuery: 'Enabled',
      createdDate: made,
      modifiedDate: made,
    },
    id: `/subscriptions/${subscription}/resourcegroups/${group}/providers/microsoft.operationalinsights/workspaces/${name}`,
    name: workspace.name,
    type,
    location: 'westeurope',
  }
}

function keyPair(workspace: State, at?: number): unknown {
  const { primary: primarySharedKey, secondary: secondarySharedKey } = workspace.slots.keys(at)
  return { primarySharedKey, secondarySharedKey }
}

/** The HTTP Data Collector checks the signature first, then the headers. */
function collect(call: Call, workspace: State | undefined): Reply {
  if (!workspace) return call.refuse(400, 'InvalidCustomerId', 'The specified customer ID is invalid.').reply
  const { method, url, headers, text } = call
  const proof = sharedKeyProof({ method, url, headers, body: text }, workspace.customerId, call.now)
  const usable = proof.kind === 'signed' && !workspace.disableLocalAuth
  if (!usable || !workspace.slots.accepted().some(proof.signedWith)) {
    const why = proof.kind === 'refused' ? proof.reason : 'An invalid authorization was specified in the request.'
    return call.refuse(403, 'InvalidAuthorization', why).reply
  }
  if (!/^\w{1,100}$/.test(headers.get('log-type') ?? '')) {
    return call.refuse(400, 'InvalidLogType', 'The specified custom log type is invalid.').reply
  }
  call.json()
  return { status: 200 }
}
