// Who calls and what they may do: tokens with an audience, and granted or denied actions.

import { createHash } from 'node:crypto'
import type { Dice } from './dice.ts'

export interface Token {
  /** Scheme and host, without `/.default`. */
  readonly audience: string
  /** The caller's name in the history: the calling process, or the client id of a user-assigned identity. */
  readonly caller: string
  readonly objectId: string
  /** Milliseconds since 1970, on the machine's clock: clients cache tokens by that clock, whatever the simulated time is. */
  readonly expiresAt: number
}

export interface IssuedToken {
  readonly token: string
  readonly expiresOnTimestamp: number
}

export interface Permissions {
  readonly actions: readonly string[]
  readonly notActions: readonly string[]
}

/** A credential keeps its tokens, as the real ones do, and requests a new one only for a claims challenge. */
export interface SimulatedCredential {
  getToken(scopes: string | string[], options?: { readonly claims?: string }): Promise<IssuedToken>
}

export interface Identity {
  /** Wildcards as in role definitions; no scope: everywhere. The last rule that matches wins; at first everything is granted. */
  grant(action: string, scope?: string): void
  deny(action: string, scope?: string): void
  may(action: string, scope: string): boolean
  /** What is granted at a scope, as unions of actions less notActions. */
  permissionsAt(scope: string): readonly Permissions[]
  /** A token for a scope (`https://graph.microsoft.com/.default`) or a resource. */
  issue(scope: string, caller?: string): IssuedToken
  find(token: string): Token | undefined
  /** Has the shape of a TokenCredential. Every process of a test gets its own name, so that a crashed one stays crashed. */
  credential(caller?: string): SimulatedCredential
  readonly tenant: string
  /** What a managed-identity caller must send as X-IDENTITY-HEADER. */
  readonly header: string
}

interface Rule {
  readonly effect: 'grant' | 'deny'
  readonly action: string
  readonly pattern: RegExp
  readonly scope: string
}

const lifetime = 24 * 60 * 60_000
const defaultCaller = 'rekey'

/** `deniedByFaults` are the actions that active faults deny. */
export function simulatedIdentity(
  dice: Dice,
  minted: Set<string>,
  deniedByFaults: () => readonly string[],
  graphRoles: () => readonly string[],
): Identity {
  const rules: Rule[] = [rule('grant', '*')]
  const tokens = new Map<string, Token>()
  const tenant = dice.uuid()
  const effective = (): readonly Rule[] => [...rules, ...deniedByFaults().map((action) => rule('deny', action))]

  const identity: Identity = {
    tenant,
    header: dice.uuid(),
    grant: (action, scope) => void rules.push(rule('grant', action, scope)),
    deny: (action, scope) => void rules.push(rule('deny', action, scope)),
    may: (action, scope) => effective().findLast((r) => covers(r, scope) && r.pattern.test(action))?.effect === 'grant',
    permissionsAt: (scope) => union(effective().filter((r) => covers(r, scope))),
    issue(scope, caller = defaultCaller) {
      const audience = scope.replace(/\/?\.default$/, '').replace(/\/$/, '')
      const objectId = uuidOf(caller)
      const expiresAt = Date.now() + lifetime
      const roles = audience.includes('graph') ? graphRoles().filter((role) => identity.may(role, audience)) : undefined
      const token = jwt(
        { aud: audience, oid: objectId, appid: caller, tid: tenant, exp: Math.floor(expiresAt / 1000), roles },
        dice,
      )
      tokens.set(token, { audience, caller, objectId, expiresAt })
      minted.add(token)
      return { token, expiresOnTimestamp: expiresAt }
    },
    find: (token) => tokens.get(token),
    credential: (caller) => cachingCredential((scope) => identity.issue(scope, caller)),
  }
  return identity
}

function cachingCredential(issue: (scope: string) => IssuedToken): SimulatedCredential {
  const cached = new Map<string, IssuedToken>()
  return {
    async getToken(scopes, { claims } = {}) {
      const scope = typeof scopes === 'string' ? scopes : scopes[0]!
      const known = claims === undefined ? cached.get(scope) : undefined
      const token = known ?? issue(scope)
      cached.set(scope, token)
      return token
    },
  }
}

function rule(effect: Rule['effect'], action: string, scope = ''): Rule {
  const source = action.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return { effect, action, pattern: new RegExp(`^${source}$`, 'i'), scope: scope.toLowerCase() }
}

function covers(rule: Rule, scope: string): boolean {
  return scope.toLowerCase().startsWith(rule.scope)
}

function union(rules: readonly Rule[]): readonly Permissions[] {
  let entries: { actions: string[]; notActions: string[] }[] = []
  for (const { effect, action } of rules) {
    if (effect === 'grant') entries.push({ actions: [action], notActions: [] })
    else if (action === '*') entries = []
    else for (const entry of entries) entry.notActions.push(action)
  }
  return entries
}

function jwt(claims: object, dice: Dice): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${dice.bytes(64).toString('base64url')}`
}

function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
