// What Azure Resource Manager itself was recorded or documented to answer, whichever provider is behind it, fact by
// fact, each with its public source.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { type Fault, simulatedCloud } from '../../../simulator/cloud.ts'
import { throttle } from '../../../simulator/faults.ts'
import { expiringTokens, skewedDate } from '../../../simulator/wire-faults.ts'
import { anonymousCaller, arm, caller } from '../raw-caller.ts'

const noon = Date.parse('2026-01-01T12:00:00Z')

function world(...faults: Fault[]) {
  const clock = virtualClock(noon)
  const cloud = simulatedCloud({ clock, faults })
  const { resourceId } = cloud.cognitiveServices.add({ name: 'vision' })
  const call = caller(cloud)
  return {
    clock,
    cloud,
    get: () => call('GET', arm(resourceId)),
    list: () => call('POST', arm(`${resourceId}/listKeys`)),
    bare: () => anonymousCaller(cloud)('GET', arm(resourceId)),
    unversioned: () => call('GET', `https://management.azure.com${resourceId}`),
    withToken: (token: string) =>
      anonymousCaller(cloud)('GET', arm(resourceId), undefined, { authorization: `Bearer ${token}` }),
  }
}

// MicrosoftDocs, azure-resource-manager/management/request-limits-and-throttling: buckets of 250 reads and 200 writes, 15 times that
// for a subscription as a whole. Azure/azure-cli recordings show the headers on every answer, and that a POST such as listKeys
// counts as a write (iot/tests/latest/recordings/test_iot_hub.yaml, 2025-09-22).
test('Azure Resource Manager states the remaining calls on every answer, reads and writes apart; a POST is a write', async () => {
  const { get, list } = world()

  const [read, write] = [await get(), await list()]

  const left = (headers: Headers, kind: string) => [
    headers.get(`x-ms-ratelimit-remaining-subscription-${kind}`),
    headers.get(`x-ms-ratelimit-remaining-subscription-global-${kind}`),
  ]
  assert.deepEqual(left(read.headers, 'reads'), ['249', '3749'])
  assert.deepEqual(left(write.headers, 'writes'), ['199', '2999'])
  assert.deepEqual(left(write.headers, 'reads'), [null, null])
})

test('The remaining calls grow again with time, and an error answer states them too', async () => {
  const { list, bare, clock } = world()
  for (let n = 0; n < 30; n += 1) await list()
  const low = (await list()).headers.get('x-ms-ratelimit-remaining-subscription-writes')
  clock.advance(60_000)

  const high = (await list()).headers.get('x-ms-ratelimit-remaining-subscription-writes')
  const refused = (await bare()).headers.get('x-ms-ratelimit-remaining-subscription-reads')

  assert.deepEqual([low, high, refused], ['169', '199', '249'])
})

// Azure/azure-cli recordings: both ids on every answer, also on errors.
test('Azure Resource Manager gives request ids and its own time with every answer', async () => {
  const { get, bare } = world(skewedDate({ ms: -90_000 }))

  for (const { headers } of [await get(), await bare()]) {
    assert.ok(headers.get('x-ms-request-id') && headers.get('x-ms-correlation-request-id'))
    assert.equal(headers.get('date'), 'Thu, 01 Jan 2026 11:58:30 GMT')
  }
})

// MicrosoftDocs, azure-resource-manager/management/request-limits-and-throttling: 429 with Retry-After in seconds. RFC 9110, 10.2.3
// allows a date, which gateways in front of providers send: it is one of the answer's own clock.
test('A throttled call is 429 with a Retry-After in seconds, or with a date of the clock in Date', async () => {
  const exhausted = { capacity: 0, perSecond: 1, retryAfter: 17 }
  const inSeconds = await world(throttle(exhausted)).list()
  const asDate = await world(throttle({ ...exhausted, form: 'date' }), skewedDate({ ms: 3_600_000 })).list()
  const silent = await world(throttle({ ...exhausted, form: 'none' })).list()

  assert.deepEqual([inSeconds.status, inSeconds.headers.get('retry-after')], [429, '17'])
  const at = (name: string) => Date.parse(asDate.headers.get(name)!)
  assert.deepEqual([asDate.status, at('retry-after') - at('date')], [429, 17_000])
  assert.deepEqual([silent.status, silent.headers.get('retry-after')], [429, null])
})

// Azure/azure-sdk-for-go, sdk/azcore/arm/runtime/policy_bearer_token_test.go: the header; public mocks of the service: the body.
test('Azure Resource Manager answers a call without a token with AuthenticationFailed and invalid_token', async () => {
  const { bare, cloud } = world()

  const { status, headers, body } = await bare()

  assert.deepEqual([status, body.error.code], [401, 'AuthenticationFailed'])
  assert.equal(
    headers.get('www-authenticate'),
    `Bearer authorization_uri="https://login.windows.net/${cloud.identity.tenant}", error="invalid_token", error_description="The authentication failed because of missing 'Authorization' header."`,
  )
})

// microsoft/vscode-azureappservice issues 2457, 2023-04-15, and 2483, 2023-05-14: code and text. That the header says invalid_token
// as for a missing token is inferred.
test('Azure Resource Manager answers an expired token with ExpiredAuthenticationToken', async () => {
  const { get, clock } = world(expiringTokens({ ms: 1000 }))
  await get()
  clock.advance(2000)

  const { status, headers, body } = await get()

  assert.deepEqual([status, body.error.code], [401, 'ExpiredAuthenticationToken'])
  assert.match(body.error.message, /^The access token expiry UTC time .*is earlier than current UTC time/)
  assert.match(headers.get('www-authenticate') ?? '', /error="invalid_token"/)
})

// Microsoft/azure-tools-for-java issue 2341 and many others: the code.
test('Azure Resource Manager distinguishes a token for another audience from a missing one', async () => {
  const { cloud, withToken } = world()

  const { status, body } = await withToken(cloud.identity.issue('https://graph.microsoft.com/.default').token)

  assert.deepEqual([status, body.error.code], [401, 'InvalidAuthenticationTokenAudience'])
})

// MicrosoftDocs, azure-resource-manager/troubleshooting/common-deployment-errors: the code.
test('Azure Resource Manager refuses a call without an api-version with MissingApiVersionParameter', async () => {
  const { unversioned } = world()

  const { status, body } = await unversioned()

  assert.deepEqual([status, body.error.code], [400, 'MissingApiVersionParameter'])
})
