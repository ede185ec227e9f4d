// App Service's authentication with Microsoft Entra in front of the local host, as infra/app/sign-in.bicep configures it: no
// client secret, no token store, 401 for who is not signed in. docs/simulated-azure.md says what of it is unverified.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Answer, header } from './answers.ts'

/** Who can sign in, and with which app roles. */
interface SimulatedUser {
  readonly name: string
  readonly roles: readonly string[]
}

/** One with every role, one that only reads, one with a role that this app does not know. */
const simulatedUsers: readonly SimulatedUser[] = [
  { name: 'anna@contoso.com', roles: ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'] },
  { name: 'rita@contoso.com', roles: ['Rekey.Read'] },
  { name: 'otto@contoso.com', roles: ['Other.Role'] },
]

/** What the platform sets beside the sign-in, and the deployment with it. */
export const signInSettings = {
  WEBSITE_AUTH_ENABLED: 'True',
  ROTATION_SIGN_IN: '99999999-8888-4777-8666-555555555555',
} as const

/** As in infra/app/sign-in.bicep. */
const excludedPaths = ['/runtime/webhooks/EventGrid', '/runtime/webhooks/eventgrid', '/api/page']
const cookieName = 'AppServiceAuthSession'
const callback = '/.auth/login/aad/callback'
/** Stands for login.microsoftonline.com: the local host has one address. */
const authorize = '/simulated-entra/authorize'

type Headers = Readonly<Record<string, string>>

/** Lets a request pass, with the headers that the app sees, or answers it. */
export type Admission = { readonly headers: Headers } | { readonly answer: Answer }

export interface SimulatedSignIn {
  /** Decides over a request before any function sees it. */
  admit(request: IncomingMessage, url: URL, body: Uint8Array): Admission
  /** A token for programs, by user: what `az account get-access-token` gives. */
  readonly tokens: Readonly<Record<string, string>>
}

/** The sign-in with new secrets of its own. */
export function simulatedSignIn(): SimulatedSignIn {
  const secret = () => randomBytes(24).toString('base64url')
  const byToken = new Map(simulatedUsers.map((user) => [secret(), user]))
  const sessions = new Map<string, SimulatedUser>()
  const nonces = new Set<string>()

  function admit(request: IncomingMessage, url: URL, body: Uint8Array): Admission {
    const headers = withoutPrincipal(request)
    const path = url.pathname
    if (path === '/.auth/login/aad') return { answer: toEntra(url) }
    if (path === authorize) return { answer: choice(url) }
    if (path === callback) return { answer: signedIn(body) }
    if (path === '/.auth/logout') return { answer: signedOut(request, url) }
    // Without the token store there is nothing to show.
    if (path.startsWith('/.auth/')) return { answer: { status: 404 } }
    const session = sessionOf(request)
    const user = session ?? byToken.get(/^Bearer (.+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? '')
    if (user === undefined) return excludedPaths.includes(path) ? { headers } : { answer: { status: 401 } }
    if (session && isForged(request, url)) return { answer: { status: 403 } }
    return { headers: { ...headers, ...principalOf(user) } }
  }

  function toEntra(url: URL): Answer {
    const nonce = secret()
    nonces.add(nonce)
    const query = new URLSearchParams({
      response_type: 'id_token',
      response_mode: 'form_post',
      redirect_uri: new URL(callback, url).href,
      nonce,
      state: url.searchParams.get('post_login_redirect_uri') ?? '/',
    })
    return redirect(`${authorize}?${query}`)
  }

  function signedIn(body: Uint8Array): Answer {
    const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
    const { name, nonce } = JSON.parse(form.get('id_token') ?? '{}') as { name?: string; nonce?: string }
    const user = simulatedUsers.find((each) => each.name === name)
    if (user === undefined || nonce === undefined || !nonces.delete(nonce)) return { status: 401 }
    const session = secret()
    sessions.set(session, user)
    // In Azure: Secure and SameSite=None as well, which needs https.
    const cookie = `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Lax`
    return redirect(ownPath(form.get('state')), { 'set-cookie': cookie })
  }

  function signedOut(request: IncomingMessage, url: URL): Answer {
    sessions.delete(cookieOf(request))
    const cookie = `${cookieName}=; Path=/; Max-Age=0`
    return redirect(ownPath(url.searchParams.get('post_logout_redirect_uri')), { 'set-cookie': cookie })
  }

  function sessionOf(request: IncomingMessage): SimulatedUser | undefined {
    return sessions.get(cookieOf(request))
  }

  return { admit, tokens: Object.fromEntries([...byToken].map(([token, { name }]) => [name, token])) }
}

/** The headers of a request without those that only the platform sets. */
function withoutPrincipal({ headers }: IncomingMessage): Headers {
  const own = /^x-ms-(client-principal|token-aad)/
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !own.test(name))
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')]),
  )
}

/** What the app learns of a signed-in caller. */
function principalOf({ name, roles }: SimulatedUser): Headers {
  const nameType = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name'
  const roleType = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'
  const principal = {
    auth_typ: 'aad',
    claims: [{ typ: 'preferred_username', val: name }, ...roles.map((role) => ({ typ: 'roles', val: role }))],
    name_typ: nameType,
    role_typ: roleType,
  }
  return {
    'x-ms-client-principal': Buffer.from(JSON.stringify(principal)).toString('base64'),
    'x-ms-client-principal-name': name,
    'x-ms-client-principal-idp': 'aad',
  }
}

/**
 * A browser's POST with the session's cookie that does not come from this app. Documented are two headers, and not whether one
 * of them is enough: here both must be there.
 */
function isForged(request: IncomingMessage, { origin }: URL): boolean {
  if (request.method !== 'POST' || !/^Mozilla\//.test(header(request, 'user-agent') ?? '')) return false
  const [sentOrigin, referer] = [header(request, 'origin'), header(request, 'referer')]
  return sentOrigin !== origin || referer === undefined || new URL(referer).origin !== origin
}

function cookieOf(request: IncomingMessage): string {
  const cookies = (header(request, 'cookie') ?? '').split(';').map((each) => each.trim())
  return cookies.find((each) => each.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? ''
}

/** Entra's page, where an account is chosen: it sends the ID token to the callback. */
function choice(url: URL): Answer {
  const [nonce, state] = ['nonce', 'state'].map((name) => url.searchParams.get(name) ?? '')
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const forms = simulatedUsers.map(({ name, roles }) => {
    const token = escaped(JSON.stringify({ name, roles, nonce }))
    const fields = `<input type="hidden" name="id_token" value="${token}"><input type="hidden" name="state" value="${escaped(state!)}">`
    return `<form method="post" action="${callback}">${fields}<button>${name}</button> ${roles.join(', ')}</form>`
  })
  const body = `<!doctype html><html lang="en"><title>Simulated Entra</title><h1>Pick an account</h1>${forms.join('')}</html>`
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

function redirect(location: string, headers: Headers = {}): Answer {
  return { status: 302, headers: { location, ...headers } }
}

/** A path of this host; anything else leads to its start. */
function ownPath(given: string | null): string {
  return given !== null && /^\/(?![/\\])/.test(given) ? given : '/'
}
