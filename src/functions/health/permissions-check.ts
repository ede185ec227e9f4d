// Health of the identity: compares what each provider's calls need with what the identity may do. Changes nothing.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { KeyProvider, Permission } from '../../providers/provider.ts'
import { atMost } from '../shared/at-most.ts'
import { claimsOf } from '../shared/claims.ts'
import { grantLine, graphGrant, providerGrant, roles, scopes } from './grant.ts'
import { type Check, checked, isRefused, type Round, unseen } from './health-check.ts'

const calls = 8

/** Targets of one provider at one ARM scope; no scope: the kind says how the service is asked. */
interface Group {
  readonly provider: KeyProvider
  readonly scope?: string
  readonly targets: readonly string[]
}

/** What each provider's calls need at each resource, `mostScopes` of them. Says what it did not, or could not, check. */
export async function checkPermissions(round: Round, mostScopes: number): Promise<readonly Check[]> {
  const groups = groupsOf(round.app)
  const asked = groups.slice(0, mostScopes)
  const checks = await atMost(calls, asked, (group) => checkGroup(round, group))
  const rest = groups.length - asked.length
  if (rest === 0) return checks.flat()
  return [
    ...checks.flat(),
    unseen('permissions', `${rest} more resources`, `one call checks ${mostScopes}; npm run doctor checks all`),
  ]
}

function groupsOf(app: App): readonly Group[] {
  const enabled = app.targets.filter((target) => target.enabled)
  const groups = Map.groupBy(enabled, (target) => {
    const { scope } = app.placeOf(target)
    return `${target.provider} ${scope?.toLowerCase() ?? ''}`
  })
  return [...groups.values()].map((targets) => {
    const { scope } = app.placeOf(targets[0]!)
    const names = targets.map(({ name }) => name)
    return { provider: app.providerOf(targets[0]!), targets: names, ...(scope === undefined ? {} : { scope }) }
  })
}

async function checkGroup(round: Round, group: Group): Promise<readonly Check[]> {
  const { app, signal } = round
  const { provider, scope, targets } = group
  const appRoles = provider.actions.filter(({ kind }) => kind === 'appRole')
  const actions = provider.actions.filter(({ kind }) => kind !== 'appRole')
  const check = `permissions: ${provider.id}`
  const checks: Check[] = []
  if (actions.length > 0 && scope === undefined) {
    const what = actions.map(({ name }) => name).join(', ')
    checks.push(unseen(check, targets.join(', '), `the service cannot be asked who may do what; needed: ${what}`))
  }
  if (actions.length > 0 && scope !== undefined) {
    const ask = () => checkActions(app, provider, scope, actions, signal)
    checks.push(
      await checked(round, check, scope, ask, async (error) =>
        isRefused(error) ? grantLine(app, roles.ownPermissions, scopes.id(scope), signal) : undefined,
      ),
    )
  }
  if (appRoles.length > 0) {
    checks.push(await checked(round, check, app.azure.cloud.graph, () => checkRoles(app, appRoles, signal)))
  }
  return checks.map((each) => ({ ...each, targets }))
}

const Permissions = z.object({
  value: z.array(
    z.object({
      actions: z._default(z.array(z.string()), []),
      notActions: z._default(z.array(z.string()), []),
      dataActions: z._default(z.array(z.string()), []),
      notDataActions: z._default(z.array(z.string()), []),
    }),
  ),
})
type Granted = z.output<typeof Permissions>['value']

/** `GET {scope}/providers/Microsoft.Authorization/permissions`, api-version 2022-04-01. */
async function checkActions(
  app: App,
  provider: KeyProvider,
  scope: string,
  needed: readonly Permission[],
  signal: AbortSignal,
): Promise<string> {
  const { resourceManager } = app.azure.cloud
  const answer = await app.azure.send({
    method: 'GET',
    url: `${resourceManager}${scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`,
    scope: `${resourceManager}/.default`,
    attempts: 'retry',
    signal,
    operation: 'GET permissions',
  })
  const granted = Permissions.safeParse(answer.body)
  if (!granted.success) {
    throw new RekeyError('UnexpectedAnswer', {
      message: `GET permissions: the list of permissions at ${scope} cannot be read`,
      remedy: 'Try again later. Rotations do not depend on this check.',
    })
  }
  const missing = needed.filter((permission) => !isGranted(permission, granted.data.value))
  if (missing.length === 0) return `has all ${needed.length} permissions that are needed`
  throw new RekeyError('PermissionDenied', {
    message: `the identity lacks ${missing.map(({ name, why }) => `${name} (to ${why})`).join(', ')}`,
    remedy: await providerGrant(app, provider, { scope }, signal),
  })
}

/** Whether one entry grants the permission: wildcards, and what the entry excludes, as Azure reads them. Exported for its test. */
export function isGranted({ kind, name }: Permission, granted: Granted): boolean {
  return granted.some(({ actions, notActions, dataActions, notDataActions }) => {
    const [allowed, excepted] = kind === 'action' ? [actions, notActions] : [dataActions, notDataActions]
    return allowed.some((pattern) => matches(pattern, name)) && !excepted.some((pattern) => matches(pattern, name))
  })
}

function matches(pattern: string, action: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(action)
}

async function checkRoles(app: App, needed: readonly Permission[], signal: AbortSignal): Promise<string> {
  const { graph } = app.azure.cloud
  const { roles } = await claimsOf(app.azure.credential, `${graph}/.default`, signal)
  const missing = needed.filter(({ name }) => !roles.includes(name))
  if (missing.length === 0) return `has all ${needed.length} permissions that are needed`
  throw new RekeyError('PermissionDenied', {
    message: `the identity lacks the application permission ${missing.map(({ name }) => name).join(', ')} of Microsoft Graph`,
    remedy: graphGrant,
  })
}
