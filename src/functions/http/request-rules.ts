// What every request must keep to, whatever its route: its API version, its content type, its origin.

import type { HttpRequest } from '@azure/functions'
import { RekeyError } from '../../engine/rekey-error.ts'
import { signInIsOn } from './sign-in.ts'

/** The one version of the API. */
export const apiVersion = '2026-12-01'
/** The query parameter that may name it. */
export const apiVersionParameter = 'api-version'

/**
 * A call may name the version, and needs not: it is the caller's own app.
 * Throws RekeyError `UnsupportedApiVersionValue` for any other version.
 */
export function checkApiVersion({ url }: HttpRequest): void {
  const asked = new URL(url).searchParams.getAll(apiVersionParameter)
  if (asked.every((version) => version === apiVersion)) return
  throw new RekeyError('UnsupportedApiVersionValue', {
    message: `this app does not have the version that ?${apiVersionParameter}= names`,
    remedy: `Send ${apiVersionParameter}=${apiVersion}, or leave the parameter out.`,
  })
}

/** `path` below the app's address, absolute, on the host that the caller used, with the version that the caller named. */
export function addressOf({ url }: HttpRequest, path: string): string {
  const address = new URL(path, url)
  if (new URL(url).searchParams.has(apiVersionParameter)) address.searchParams.set(apiVersionParameter, apiVersion)
  return address.href
}

/**
 * A request that may change something must say that it is JSON, with or without a body: no page of another site can send that
 * without asking first (CORS), which this app does not allow. Throws RekeyError `UnsupportedMediaType`.
 */
export function checkIsJson({ headers }: HttpRequest): void {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').split(';').map((part) => part.trim())
  const isUtf8 = parameters.every((each) => each === '' || /^charset="?utf-8"?$/i.test(each))
  if (type.toLowerCase() === 'application/json' && isUtf8) return
  throw new RekeyError('UnsupportedMediaType', {
    message: 'the request does not say that it is JSON in UTF-8',
    remedy: 'Send the header "Content-Type: application/json", also where there is no body.',
  })
}

/**
 * With the sign-in on a browser sends its cookie from any page: a request that a browser says comes from another site is refused.
 * Programs send no `Sec-Fetch-Site`. Throws RekeyError `CrossSite`.
 */
export function checkSite({ headers }: HttpRequest, env: NodeJS.ProcessEnv): void {
  const site = headers.get('sec-fetch-site')
  if (!signInIsOn(env) || site === null || site === 'same-origin' || site === 'none') return
  throw new RekeyError('CrossSite', {
    message: 'the request comes from a page of another site',
    remedy: 'Use the page of this app, or call the API from a program.',
  })
}
