// The data plane of Cognitive Services accounts: custom subdomains, regional hosts, Translator.

import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import { type Call, type Operation, Refusal, type Reply } from '../service-operations.ts'
import type { Account, Accounts } from './cognitive-account.ts'
import { translatorHost } from './cognitive-account.ts'

const denied =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active ' +
  'subscription and use a correct regional API endpoint for your resource.'

/** Any path: the gateway checks the key first, and the path only after it. */
export function cognitiveDataPlane(kernel: Kernel, accounts: Accounts): Operation[] {
  const dice = kernel.dice.fork('cognitive tokens')

  function guarded(answer: (call: Call, account: Account) => Reply): Operation['handle'] {
    return (call) => {
      const account = accountFor(call, accounts)
      if (account?.disableLocalAuth) {
        throw call.refuse(403, 'AuthenticationTypeDisabled', 'Key based authentication is disabled for this resource.')
      }
      if (!account?.slots.accepts(keyOf(call))) throw call.refuse(401, '401', denied)
      return answer(call, account)
    }
  }
  const operation = (name: string, method: string, path: string, answer: (call: Call, account: Account) => Reply) => ({
    operation: `cognitive-services/${name}`,
    host: 'cognitive-services' as const,
    method,
    path,
    handle: guarded(answer),
  })
  const serves =
    (kinds: readonly string[], body: object) =>
    (call: Call, { kind }: Account): Reply => {
      // A version is required in the path or in the query: without one the answer is 404.
      const versioned = /\/v\d/.test(call.url.pathname) || call.query.has('api-version')
      return versioned && kinds.includes(kind) ? { status: 200, body } : notFound(call)
    }

  return [
    operation('issueToken', 'POST', '/sts/v1.0/issueToken', (call, account) => {
      // A regional Translator key needs the region's header; without it a valid key is refused.
      if (account.kind === 'TextTranslation' && !namesRegion(call, account)) throw call.refuse(401, '401', denied)
      if (['FormRecognizer', 'ComputerVision'].includes(account.kind)) return notFound(call)
      // Documented with `Content-Length: 0`; a body without a stated length is refused.
      if (call.headers.has('transfer-encoding')) return call.refuse(411, '411', 'Length Required').reply
      const token = `${dice.hex(20)}.${dice.hex(120)}.${dice.hex(64)}`
      kernel.minted.add(token)
      return { status: 200, headers: { 'content-type': 'application/jwt; charset=us-ascii' }, text: token }
    }),
    operation('models', 'GET', '/openai/models', serves(['OpenAI', 'AIServices'], { data: [], object: 'list' })),
    operation('info', 'GET', '/documentintelligence/info', serves(['FormRecognizer', 'AIServices'], documentInfo)),
    operation('visionModels', 'GET', '/vision/v3.2/models', serves(vision, { models: [] })),
    // Retired on 2026-09-13. The status that reports it is unverified.
    ...['1.0', '2.0', '2.1', '3.0', '3.1'].map((version) =>
      operation('retired', 'GET', `/vision/v${version}/*`, (call) => {
        return call.refuse(410, 'ApiVersionRetired', `The API version v${version} has been retired.`).reply
      }),
    ),
    operation(
      'blocklists',
      'GET',
      '/contentsafety/text/blocklists',
      serves(['ContentSafety', 'AIServices'], { value: [] }),
    ),
    operation('projects', 'GET', '/language/authoring/analyze-text/projects', serves(['TextAnalytics'], { value: [] })),
    operation('personGroups', 'GET', '/face/v1.0/largepersongroups', serves(['Face', 'CognitiveServices'], [])),
    // Translator lists its languages without authentication: this answer does not depend on a key.
    { ...operation('languages', 'GET', '/languages', notFound), handle: languages },
    operation('unknownPath', 'GET', '/*', notFound),
    operation('unknownPath', 'POST', '/*', notFound),
  ]
}

const vision = ['ComputerVision', 'CognitiveServices', 'AIServices']
const documentInfo = { customDocumentModels: { count: 0, limit: 500 } }

function keyOf(call: Call): string {
  return call.headers.get('ocp-apim-subscription-key') ?? call.headers.get('api-key') ?? ''
}

/** A regional host has many accounts: the key identifies the account. */
function accountFor(call: Call, accounts: Accounts): Account | undefined {
  const labels = call.host.toLowerCase().split('.')
  const byKey = (region: string) => accounts.inRegion(region).find(({ slots }) => slots.accepts(keyOf(call)))
  if (call.host.toLowerCase() === translatorHost) {
    const message = 'The request is not authorized because credentials are missing or invalid.'
    throw new Refusal({ status: 401, body: { error: { code: 401_000, message } } }, message)
  }
  if (labels[0] === 'api' && labels[1] === 'cognitive') return byKey('global')
  if (labels[1] === 'api' && labels[2] === 'cognitive') return byKey(labels[0]!)
  return accounts.bySubdomain(labels[0]!)
}

function namesRegion(call: Call, { location }: Account): boolean {
  const region = location.toLowerCase()
  return region === 'global' || call.headers.get('ocp-apim-subscription-region')?.toLowerCase() === region
}

function languages(call: Call): Reply {
  if (call.host.toLowerCase() !== translatorHost) return notFound(call)
  return { status: 200, body: { translation: { en: { name: 'English' } } } }
}

function notFound(call: Call): Reply {
  return call.refuse(404, '404', 'Resource not found').reply
}

export const cognitiveDialect: Dialect = {
  audiences: [
    'https://cognitiveservices.azure.com',
    'https://cognitiveservices.azure.us',
    'https://cognitiveservices.azure.cn',
  ],
  body: ({ code, message }) => ({ error: { code, message } }),
  headers: ({ requestId }) => ({ 'apim-request-id': requestId, 'x-ms-region': 'West Europe' }),
  unauthenticated: {
    code: '401',
    message:
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active ' +
      'subscription and use a correct regional API endpoint for your resource.',
  },
  forbidden: () => ({ code: 'PermissionDenied', message: 'The principal lacks the required data action.' }),
  networkDenied: {
    status: 403,
    code: '403',
    message: 'Access denied due to Virtual Network/Firewall rules.',
  },
  throttled: { code: '429', message: 'Requests have exceeded the rate limit of your current tier.' },
}
