// Identifies the caller for the audit log, and checks whether their app role allows the call.

import type { HttpRequest } from '@azure/functions'
import { RekeyError } from '../../engine/rekey-error.ts'
import { printable } from './body.ts'
import { signInIsOn } from './sign-in.ts'

/** The app roles that App Service authentication puts into a caller's token. */
export type Role = 'Rekey.Read' | 'Rekey.Rotate' | 'Rekey.Revoke'

/** The roles that may call a route which only reads. */
export const readers: readonly Role[] = ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke']

const actorLength = 64

/**
 * The caller: the name that the platform's sign-in gives; without one `http`, because the runtime does not say which key was
 * used. Where the sign-in is off, any caller can send that header, and the name is marked as unverified.
 */
export function actorOf(request: HttpRequest, env: NodeJS.ProcessEnv): string {
  const name = printable(request.headers.get('x-ms-client-principal-name') ?? '', actorLength)
  if (name === '') return 'http'
  const unverified = ' (unverified)'
  return signInIsOn(env) ? name : name.slice(0, actorLength - unverified.length) + unverified
}

/**
 * Lets every caller through when the sign-in is off: the host has checked the function key by then. With the sign-in on, the
 * caller needs one of `roles`, and no function key. The platform then sends a principal; where it sends none, it let an anonymous
 * call pass. Throws RekeyError `Forbidden`.
 */
export function checkRole(request: HttpRequest, env: NodeJS.ProcessEnv, roles: readonly Role[]): void {
  if (!signInIsOn(env)) return
  const principal = request.headers.get('x-ms-client-principal')
  if (principal === null) throw notSignedIn()
  if (rolesOf(principal).some((role) => (roles as readonly string[]).includes(role))) return
  throw new RekeyError('Forbidden', {
    message: `the caller lacks the app role ${roles.join(' or ')}`,
    remedy: `Have ${roles[0]} assigned to you on the app registration in front of this app, and sign in again.`,
  })
}

function notSignedIn(): RekeyError {
  return new RekeyError('Forbidden', {
    message: 'the caller has not signed in: the sign-in is on, and a function key is not enough',
    remedy: 'Send an access token for the app registration in front of this app, as docs/security.md says.',
  })
}

function rolesOf(principal: string): readonly string[] {
  const parsed = decode(principal)
  const claims = (parsed as { claims?: unknown } | undefined)?.claims
  if (!Array.isArray(claims)) return []
  const roleTypes = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role']
  return claims.flatMap((claim: { typ?: unknown; val?: unknown }) =>
    roleTypes.includes(String(claim?.typ)) ? [String(claim.val)] : [],
  )
}

function decode(principal: string): unknown {
  try {
    return JSON.parse(Buffer.from(principal, 'base64').toString('utf8'))
  } catch {
    throw new RekeyError('BadRequest', {
      message: 'the header x-ms-client-principal cannot be read',
      remedy: 'Remove the header from the request: the platform sends it.',
    })
  }
}
