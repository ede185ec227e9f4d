// What an SDK throws becomes a RekeyError with status, codes and request id, and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { CognitiveServicesManagementClient } from '@azure/arm-cognitiveservices'
import { AuthenticationError } from '@azure/identity'
import { SecretClient } from '@azure/keyvault-secrets'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { rebuild, refusal } from '../../src/azure/service-error.ts'
import { type ErrorCode, RekeyError } from '../../src/engine/rekey-error.ts'
import { anyToken, canned, cut, type Fetch, json, wire } from './wire.ts'

const key = '0123456789abcdef0123456789abcdef'
const requestId = '4f8e2a10-0000-4000-8000-000000000001'

/** What a regenerate at Cognitive Services is rebuilt to when the service answers so. */
async function regenerateAgainst(fetch: Fetch): Promise<RekeyError> {
  const azure = createAzureClients({ cloud: clouds.public, credential: anyToken, httpClient: wire(fetch) })
  const client = new CognitiveServicesManagementClient(anyToken, 'sub', azure.sdk('once'))
  try {
    await client.accounts.regenerateKey('group', 'vision', 'Key1')
  } catch (error) {
    return rebuild(error, 'POST regenerateKey')
  }
  assert.fail('the call went through')
}

function armError(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
  return json(status, { error: { code, message } }, { 'x-ms-request-id': requestId, ...headers })
}

const answers: readonly (readonly [string, () => Response, ErrorCode, Partial<RekeyError['details']>])[] = [
  [
    '400 that names disableLocalAuth',
    armError(400, 'BadRequest', 'Failed. disableLocalAuth is set to be true'),
    'LocalAuthDisabled',
    {},
  ],
  ['400', armError(400, 'InvalidParameter', 'no'), 'ServiceRefused', {}],
  ['403', armError(403, 'AuthorizationFailed', 'no'), 'PermissionDenied', {}],
  ['403 of a firewall', armError(403, 'ForbiddenByFirewall', 'no'), 'FirewallDenied', {}],
  ['404', armError(404, 'ResourceNotFound', 'no'), 'ResourceNotFound', {}],
  ['408', armError(408, 'Timeout', 'no'), 'ServiceUnavailable', { outcomeUnknown: true, retryAfter: 30_000 }],
  ['409 of a lock', armError(409, 'ScopeLocked', 'no'), 'ResourceLocked', {}],
  ['409 of another change', armError(409, 'OperationInProgress', 'no'), 'ServiceBusy', { retryAfter: 60_000 }],
  [
    '409 of a provider that is not registered',
    armError(409, 'MissingSubscriptionRegistration', 'no'),
    'ServiceRefused',
    {},
  ],
  ['423', armError(423, 'Locked', 'no'), 'ServiceBusy', { retryAfter: 60_000 }],
  ['412', armError(412, 'PreconditionFailed', 'no'), 'ServiceChanged', { retryAfter: 1_000 }],
  [
    '429 with Retry-After',
    armError(429, 'TooManyRequests', 'no', { 'retry-after': '17' }),
    'Throttled',
    { retryAfter: 17_000 },
  ],
  [
    '429 with the date of a moment ago',
    armError(429, 'TooManyRequests', 'no', {
      date: 'Sun, 21 Nov 1999 08:00:07 GMT',
      'retry-after': 'Sun, 21 Nov 1999 08:00:00 GMT',
    }),
    'Throttled',
    { retryAfter: 0 },
  ],
  ['429 without', armError(429, 'TooManyRequests', 'no'), 'Throttled', { retryAfter: 30_000 }],
  ['503 with no body', () => new Response(null, { status: 503 }), 'ServiceUnavailable', { outcomeUnknown: true }],
  [
    '502 in HTML',
    () => new Response('<h1>Bad Gateway</h1>', { status: 502 }),
    'ServiceUnavailable',
    { outcomeUnknown: true },
  ],
  ['an undeclared 202', () => new Response(null, { status: 202 }), 'UnexpectedAnswer', { outcomeUnknown: true }],
  ['a cut connection', cut, 'ServiceUnavailable', { outcomeUnknown: true }],
]

for (const [name, answer, code, details] of answers) {
  test(`a regenerate answered by ${name} is ${code}, sent once`, async () => {
    const { fetch, sent } = canned(answer)

    const error = await regenerateAgainst(fetch)

    assert.equal(error.code, code)
    assert.equal(error.details.outcomeUnknown, details.outcomeUnknown)
    assert.equal(error.transient, details.retryAfter !== undefined || details.outcomeUnknown === true)
    if (details.retryAfter !== undefined) assert.equal(error.details.retryAfter, details.retryAfter)
    assert.ok(error.details.remedy, 'it says what to do')
    assert.equal(sent.length, 1)
  })
}

test('A regenerate answered by 401 is sent once more, with a new token, and then is PermissionDenied', async () => {
  const { fetch, sent } = canned(armError(401, 'InvalidAuthenticationToken', 'no'))

  const error = await regenerateAgainst(fetch)

  assert.deepEqual([error.code, error.transient, sent.length], ['PermissionDenied', false, 2])
})

test('A 401 for a token that has expired, or that Key Vault could not check, passes; any other is a missing permission', () => {
  const refusedWith = (message: string, challenge = 'Bearer authorization="https://login.windows.net/t"') =>
    refusal(
      {
        status: 401,
        header: (name) => (name === 'www-authenticate' ? challenge : undefined),
        body: { error: { code: 'Unauthorized', message } },
      },
      'GET secret',
    )

  const errors = [
    refusedWith("[TokenExpired] Error validating token: 'S2S12086'."),
    refusedWith('AKV10046: Unable to resolve the key used for signature validation.'),
    refusedWith('no', 'Bearer error="insufficient_claims", claims="e30="'),
    refusedWith('AKV10032: Invalid issuer.'),
  ]

  assert.deepEqual(
    errors.map(({ code, transient }) => [code, transient]),
    [...Array(3).fill(['ServiceUnavailable', true]), ['PermissionDenied', false]],
  )
})

test('A secret that is being deleted or purged is busy, one that is deleted is deleted: the first passes by itself', () => {
  const refusedWith = (code: string) =>
    refusal(
      { status: 409, header: () => undefined, body: { error: { code: 'Conflict', innererror: { code } } } },
      'PUT secret',
    )

  const errors = ['ObjectIsBeingDeleted', 'ObjectIsBeingRecovered', 'ObjectIsDeletedButRecoverable'].map(refusedWith)

  assert.deepEqual(
    errors.map(({ code, transient }) => [code, transient]),
    [
      ['ServiceBusy', true],
      ['ServiceBusy', true],
      ['SecretDeleted', false],
    ],
  )
})

test('a body cut in the middle of a new key is an unknown outcome, and the key is nowhere in the error', async () => {
  const cutShort = () =>
    new Response(`{"disableLocalAuth":false,"key1":"${key}","key2":"`, {
      status: 200,
      headers: { 'content-type': 'application/json' },
    })

  const error = await regenerateAgainst(canned(cutShort).fetch)

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.equal(error.details.outcomeUnknown, true)
  assert.equal(error.details.service?.code, undefined)
  assertNothingOf(key, error)
})

test('A body that cannot be parsed as JSON is an unknown outcome, whichever parser failed', () => {
  const error = rebuild(new SyntaxError(`Unexpected token in ${key}`), 'GET hub')

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.equal(error.details.outcomeUnknown, true)
  assertNothingOf(key, error)
})

test('An error keeps status, code and request id, and neither message nor cause nor body of the service', async () => {
  const error = await regenerateAgainst(canned(armError(403, 'AuthorizationFailed', `secret words ${key}`)).fetch)

  assert.deepEqual(error.details.service, {
    operation: 'POST regenerateKey',
    status: 403,
    code: 'AuthorizationFailed',
    requestId,
  })
  assert.equal(error.cause, undefined)
  assertNothingOf('secret words', error)
  assertNothingOf(key, error)
})

test('A code that is prose or might be a key is dropped', async () => {
  const error = await regenerateAgainst(canned(json(400, { error: { code: key, message: 'no' } })).fetch)

  assertNothingOf(key, error)
})

test('A refusal names the action that is missing', async () => {
  const action = 'Microsoft.CognitiveServices/accounts/regenerateKey/action'
  const answer = armError(
    403,
    'AuthorizationFailed',
    `The client 'x' may not perform action '${action}' over scope '/s'.`,
  )

  const error = await regenerateAgainst(canned(answer).fetch)

  assert.match(error.details.remedy ?? '', new RegExp(action))
})

test('A refusal for another reason names no missing action, whatever its text names', async () => {
  const message = "The scope '/s' cannot perform action 'Microsoft.X/y/write' because it is locked."

  const error = await regenerateAgainst(canned(armError(409, 'ScopeLocked', message)).fetch)

  assert.doesNotMatch(error.details.remedy ?? '', /lacks/)
})

test('A host that does not exist got no request: the outcome is known', () => {
  const error = rebuild(Object.assign(new Error('getaddrinfo'), { name: 'RestError', code: 'ENOTFOUND' }), 'GET hub')

  assert.equal(error.code, 'ServiceUnavailable')
  assert.equal(error.details.outcomeUnknown, undefined)
  assert.equal(error.transient, true)
})

test('Errors in a header or in words of the service’s own are understood where the call says so, without its text', () => {
  const body = { error: { code: 'InvalidParameter', message: 'colour value must equal primaryRed or secondaryBlue' } }
  const header = (name: string) => (name === 'x-own-code' ? 'TooGreen' : undefined)
  const inWords = { texts: [[/colour value must/i, 'ColourRequired']] as const }

  const usual = refusal({ status: 400, header, body }, 'POST paint')
  const words = refusal({ status: 400, header, body }, 'POST paint', inWords)
  const named = refusal({ status: 401, header, body: undefined }, 'POST paint', { header: 'x-own-code' })

  assert.equal(usual.details.service?.code, 'InvalidParameter')
  assert.equal(words.details.service?.code, 'ColourRequired')
  assert.equal(named.details.service?.code, 'TooGreen')
  assertNothingOf('primaryRed', words)
})

test('Numeric codes of IoT Hub and codes inside its text are read', () => {
  const header = () => undefined

  const numeric = refusal(
    { status: 412, header, body: { code: 412001, httpStatusCode: 'PreconditionFailed' } },
    'PUT hub',
  )
  const inText = refusal({ status: 404, header, body: { Message: 'ErrorCode:DeviceNotFound;a b' } }, 'GET device')
  const inList = refusal({ status: 400, header, body: { errors: [{ id: 'a', errorCode: 'DeviceNotFound' }] } }, 'POST')

  assert.equal(numeric.details.service?.code, '412001')
  assert.equal(inText.details.service?.code, 'DeviceNotFound')
  assert.equal(inList.details.service?.code, 'DeviceNotFound')
})

test('the TypeError that the Key Vault client makes of an empty error is an unknown outcome', async () => {
  const { fetch } = canned(
    () =>
      new Response(null, {
        status: 401,
        headers: {
          'www-authenticate': 'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"',
        },
      }),
    () => new Response(null, { status: 502, headers: { 'content-type': 'application/json' } }),
  )
  const azure = createAzureClients({ cloud: clouds.public, credential: anyToken, httpClient: wire(fetch) })
  const { endpoint: _, ...options } = azure.sdk('once')

  const thrown = await new SecretClient('https://kv.vault.azure.net', anyToken, options)
    .setSecret('a', key)
    .catch((e) => e)
  const error = rebuild(thrown, 'PUT secret')

  assert.ok(thrown instanceof TypeError, 'the client still has this bug')
  assert.equal(error.details.outcomeUnknown, true)
  assert.equal(error.transient, true)
})

test('A call that timed out or was ended by its caller has no code: codes of exceptions are not the service’s', () => {
  const messages = ['TimeoutError', 'AbortError'].map(
    (name) => rebuild(new DOMException('The operation was aborted', name), 'GET hub').message,
  )

  assert.deepEqual(messages, ['GET hub: the service gave no answer', 'GET hub: the service gave no answer'])
})

test('A token that cannot be had is an error in a whole sentence', () => {
  const thrown = Object.assign(new Error('no'), { name: 'CredentialUnavailableError' })

  const { code, message } = rebuild(thrown, 'access token for https://vault.azure.net/.default')

  assert.equal(code, 'PermissionDenied')
  assert.equal(message, 'access token for https://vault.azure.net/.default: the service gave no access token')
})

test('A sign-in that is unavailable is tried again; one that refuses us is not', () => {
  const codeOf = (status: number) => {
    const thrown = new AuthenticationError(status, { error: 'some_error', error_description: 'words of Entra' })
    const { code, transient } = rebuild(thrown, 'access token')
    return [code, transient]
  }

  assert.deepEqual([503, 429, 401].map(codeOf), [
    ['ServiceUnavailable', true],
    ['ServiceUnavailable', true],
    ['PermissionDenied', false],
  ])
})

test('A RekeyError passes unchanged', () => {
  const ours = new RekeyError('Busy', { message: 'busy' })

  assert.equal(rebuild(ours, 'anything'), ours)
})

function assertNothingOf(text: string, error: RekeyError): void {
  const all = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error.details) + String(error.stack)
  assert.ok(!all.includes(text), `"${text}" is in the error`)
}
