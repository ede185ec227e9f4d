// The commands that grant the identity what it lacks, ready to be pasted into a shell.

import { vaultActions } from '../../azure/key-vault.ts'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { KeyProvider, Place } from '../../providers/provider.ts'
import { claimsOf } from '../shared/claims.ts'

/** What the identity needs to read its own permissions: `permissions.ts` does so. */
export const ownPermissions = 'Microsoft.Authorization/permissions/read'

/** What may be granted, as the argument of `--role`. */
type Role = string

export const roles = {
  sender: '"EventGrid Data Sender"',
  blobs: '"Storage Blob Data Owner"',
  queues: '"Storage Queue Data Contributor"',
  vault: customRole('dataActions', vaultActions.publish),
  ownPermissions: customRole('actions', ownPermissions),
} as const satisfies Readonly<Record<string, Role>>

/** Where, as the argument of `--scope`. */
export const scopes = {
  id: (id: string) => (/^[\w./-]+$/.test(id) ? id : `"${id}"`),
  vault: (url: string) => `"$(az keyvault show --name ${labelOf(url)} --query id -o tsv)"`,
  topic: (url: string) => `"$(az eventgrid topic list --query "[?name=='${labelOf(url)}'].id" -o tsv)"`,
  storage: (url: string) => `"$(az storage account show --name ${labelOf(url)} --query id -o tsv)"`,
  shown: (command: string) => `"$(${command} --query id -o tsv)"`,
}

/** The command that assigns the app's identity a role. Never throws: an identity that cannot be determined is left blank. */
export async function grantLine(app: App, role: Role, scope: string, signal: AbortSignal): Promise<string> {
  const { oid, type } = await grantee(app, signal)
  return `az role assignment create --assignee-object-id ${oid} --assignee-principal-type ${type} --scope ${scope} --role ${role}`
}

/** The command that lets the identity rotate a resource of this provider; for Microsoft Graph, the script that does. */
export async function providerGrant(
  app: App,
  provider: KeyProvider,
  { scope, shownBy = '' }: Pick<Place, 'scope' | 'shownBy'>,
  signal: AbortSignal,
): Promise<string> {
  const action = provider.actions.find(({ kind }) => kind !== 'appRole')
  if (action === undefined) return graphGrant
  const role = customRole(action.kind === 'dataAction' ? 'dataActions' : 'actions', action.name)
  return grantLine(app, role, scope === undefined ? scopes.shown(shownBy) : scopes.id(scope), signal)
}

export const graphGrant =
  'Run infra/scripts/graph-permission.sh as an administrator; a token with the permission is issued within a day, or after a restart.'

async function grantee(app: App, signal: AbortSignal): Promise<{ readonly oid: string; readonly type: string }> {
  try {
    const { oid, scp } = await claimsOf(app.azure.credential, `${app.azure.cloud.resourceManager}/.default`, signal)
    return { oid, type: scp === undefined ? 'ServicePrincipal' : 'User' }
  } catch (error) {
    // The check of the identity reports this failure.
    if (error instanceof RekeyError) return { oid: '<object id of the identity>', type: 'ServicePrincipal' }
    throw error
  }
}

/**
 * Rekey's custom role is found by what it allows: its name ends with that of the environment that deployed it, which is not
 * known here. Another environment's role allows the same; a role that was not created by Rekey may allow more.
 */
function customRole(list: 'actions' | 'dataActions', action: string): Role {
  return `"$(az role definition list --custom-role-only --query "[?starts_with(roleName, 'Rekey: ') && contains(permissions[0].${list}, '${action}')].name | [0]" -o tsv)"`
}

function labelOf(url: string): string {
  return new URL(url).host.split('.')[0]!
}
