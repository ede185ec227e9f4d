// GET /api/page: the page for operators. Static: it has no data and no rights, and calls the routes with those of its reader.

import type { HttpResponseInit } from '@azure/functions'
import { html, policy } from './built-page.ts'

/** The page. With the sign-in on it offers that, otherwise it asks for a key: which of them is all that it is given. */
export function showPage(env: NodeJS.ProcessEnv): HttpResponseInit {
  const signIn = env['WEBSITE_AUTH_ENABLED']?.toLowerCase() === 'true'
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
    body: signIn ? html.replace('data-sign-in="key"', 'data-sign-in="entra"') : html,
  }
}
