// Log Analytics workspaces: two shared keys. The documented regenerate names no key, and services in use refuse it; the query
// parameter `keyType`, which the documentation lacks, works. Both keys are answered; what changed is for the engine to see.

import * as z from 'zod/mini'
import type { Attempts, AzureClients } from '../azure/clients.ts'
import type { KeyRing, KeySlot } from '../engine/key-ring.ts'
import type { KeyHolder } from '../engine/ports.ts'
import type { Secret } from '../engine/secret.ts'
import { defineProvider } from './provider.ts'
import { parseAnswer, type ServiceOperation, secretText, serviceCall } from './wire/answer.ts'
import { localAuthDiscovery } from './wire/arm-discovery.ts'
import { type ArmId, type ArmType, armAllowance, armLimit, armPlace, armResource, parseArmId } from './wire/arm-id.ts'
import { orLocalAuthDisabled } from './wire/local-auth.ts'

const id = 'log-analytics'
const apiVersion = '2025-07-01'
const workspaces: ArmType = {
  type: 'Microsoft.OperationalInsights/workspaces',
  name: /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
  rule: '4 to 63 letters, digits or -, with a letter or digit at both ends',
}
const rights = {
  read: 'Microsoft.OperationalInsights/workspaces/read',
  list: 'Microsoft.OperationalInsights/workspaces/sharedKeys/action',
  regenerate: 'Microsoft.OperationalInsights/workspaces/regenerateSharedKey/action',
}

const SharedKeys = z.object({ primarySharedKey: secretText, secondarySharedKey: secretText })
type SharedKeys = z.output<typeof SharedKeys>
const Workspace = z.object({ customerId: secretText })

export const logAnalytics = defineProvider({
  id,
  title: 'Log Analytics workspace',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', workspaceId: 'constant' },
  resource: z.strictObject({ resource: armResource(workspaces) }),
  actions: [
    { kind: 'action', name: rights.list, why: 'read the keys' },
    { kind: 'action', name: rights.regenerate, why: 'make a new key' },
    { kind: 'action', name: rights.read, why: 'read the workspace id, and whether local authentication is disabled' },
  ],
  grant: { title: 'Log Analytics workspace keys', resourceType: 'Microsoft.OperationalInsights/workspaces' },
  discovery: localAuthDiscovery(workspaces.type, { within: 'features' }),
  clouds: ['public', 'usgov', 'china'],
  can: {},
  writes: 2,
  allowance: armAllowance,
  limit: armLimit,
  place: ({ resource }) => armPlace(id, parseArmId(resource, workspaces)),
  open: ({ resource }, azure, outputs) =>
    openWorkspace(
      parseArmId(resource, workspaces),
      azure,
      outputs?.includes('workspaceId') === false ? 'key only' : 'with id',
    ),
})

function openWorkspace(workspace: ArmId, azure: AzureClients, wanted: 'key only' | 'with id'): KeyHolder {
  const { subscription, group, name } = workspace
  let workspaceId: Secret | undefined

  /** The id never changes, so it is asked for once, and only where a secret wants it. */
  async function identify(signal: AbortSignal): Promise<Secret | undefined> {
    if (wanted === 'with id') workspaceId ??= await customerId(workspace, azure, signal)
    return workspaceId
  }

  return {
    /** POST SharedKeys_GetSharedKeys, 2025-07-01. */
    read: async (signal) => {
      const what = operation('POST', name, '/sharedKeys', rights.list)
      const [keys, known] = await Promise.all([
        withKeys(workspace, azure, signal, async () => {
          const client = await clientFor(subscription, azure, 'retry')
          const answer = await serviceCall(what, () =>
            client.sharedKeys.getSharedKeys(group, name, { abortSignal: signal }),
          )
          return parseAnswer(SharedKeys, answer, what)
        }),
        identify(signal),
      ])
      return ringOf(keys, known)
    },

    regenerate: async (slot, { signal }) => {
      const known = await identify(signal)
      const keys = await withKeys(workspace, azure, signal, () => regenerate(workspace, slot, azure, signal))
      return ringOf(keys, known)
    },
  }
}

/**
 * POST SharedKeys_Regenerate, 2025-07-01, with `keyType`. The documented form is not sent instead where this one is refused: it
 * names no key, and might change both.
 */
async function regenerate(
  workspace: ArmId,
  slot: KeySlot,
  azure: AzureClients,
  signal: AbortSignal,
): Promise<SharedKeys> {
  const { name, id: path } = workspace
  const what = operation('POST', name, '/regenerateSharedKey', rights.regenerate)
  const keyType = slot === 'primary' ? 'primarySharedKey' : 'secondarySharedKey'
  const answer = await serviceCall(what, () =>
    azure.send({
      method: 'POST',
      url: `${azure.cloud.resourceManager}${encodeURI(path)}/regenerateSharedKey?api-version=${apiVersion}&keyType=${keyType}`,
      scope: `${azure.cloud.resourceManager}/.default`,
      attempts: 'once',
      signal,
      operation: what.operation,
      // The query that the documentation leaves out is asked for in words only.
      errorCodes: { texts: [[/keyType value must/i, 'KeyTypeRequired']] },
    }),
  )
  return parseAnswer(SharedKeys, answer.body, what)
}

async function clientFor(subscription: string, azure: AzureClients, attempts: Attempts) {
  const { OperationalInsightsManagementClient } = await import('@azure/arm-operationalinsights')
  return new OperationalInsightsManagementClient(azure.credential, subscription, { ...azure.sdk(attempts), apiVersion })
}

/** GET Workspaces_Get, 2025-07-01. */
async function getWorkspace({ subscription, group, name }: ArmId, azure: AzureClients, signal: AbortSignal) {
  const client = await clientFor(subscription, azure, 'retry')
  return serviceCall(operation('GET', name, '', rights.read), () =>
    client.workspaces.get(group, name, { abortSignal: signal }),
  )
}

async function customerId(workspace: ArmId, azure: AzureClients, signal: AbortSignal): Promise<Secret> {
  const answer = await getWorkspace(workspace, azure, signal)
  return parseAnswer(Workspace, answer, operation('GET', workspace.name, '', rights.read)).customerId
}

function withKeys<Answer>(workspace: ArmId, azure: AzureClients, signal: AbortSignal, run: () => Promise<Answer>) {
  const isDisabled = async () => (await getWorkspace(workspace, azure, signal)).features?.disableLocalAuth === true
  return orLocalAuthDisabled(`the workspace ${workspace.id}`, isDisabled, run)
}

function ringOf({ primarySharedKey, secondarySharedKey }: SharedKeys, workspaceId: Secret | undefined): KeyRing {
  const constant = workspaceId === undefined ? {} : { workspaceId }
  return { primary: { key: primarySharedKey, ...constant }, secondary: { key: secondarySharedKey, ...constant } }
}

function operation(method: string, name: string, action: string, permission: string): ServiceOperation {
  return { operation: `${method} …/workspaces/${name}${action}`, permission }
}
