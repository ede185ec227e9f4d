// GET /api/page: the page for operators. Static: it has no data and no rights, and calls the routes with those of its reader.

import type { HttpResponseInit } from '@azure/functions'
import { isKeyless, signInIsOn } from '../sign-in.ts'
import { html, policy } from './built-page.ts'

/** The page. All that it is given is how its reader gets in: the sign-in, a key, or both where the deployment wants both locks. */
export function showPage(env: NodeJS.ProcessEnv): HttpResponseInit {
  const locks = isKeyless(env) ? 'entra' : signInIsOn(env) ? 'both' : 'key'
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
      // Not no-referrer: the sign-in of App Service refuses a browser's POST that names neither its origin nor its page.
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
    body: html.replace('data-sign-in="key"', `data-sign-in="${locks}"`),
  }
}
