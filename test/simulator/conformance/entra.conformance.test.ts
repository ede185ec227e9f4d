// Tokens: where they come from, how long they last, and how they are refused, fact by fact, each with its public
// source.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { throttle } from '../../../simulator/faults.ts'
import { claimsChallenges, expiringTokens } from '../../../simulator/wire-faults.ts'
import { anonymousCaller, arm, caller } from '../raw-caller.ts'

const managedIdentity = 'http://127.0.0.1:4141/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net'

// MicrosoftDocs/azure-docs, articles/app-service/overview-managed-identity.md: the REST endpoint, its header and the answer's fields.
test('The managed-identity endpoint wants X-IDENTITY-HEADER and answers with a token, its resource and Unix seconds', async () => {
  const cloud = simulatedCloud()
  const call = anonymousCaller(cloud)

  const given = await call('GET', managedIdentity, undefined, { 'x-identity-header': cloud.identity.header })
  const refused = await call('GET', managedIdentity)

  assert.equal(given.status, 200)
  assert.deepEqual([given.body.token_type, given.body.resource], ['Bearer', 'https://vault.azure.net'])
  assert.match(given.body.expires_on, /^\d{10}$/)
  assert.equal(refused.status, 401)
})

// MicrosoftDocs/azure-docs, articles/active-directory/develop/claims-challenge.md, 2021-05-11: the refused token stays refused, one
// with the claims is taken; the refused call was not carried out.
test('After a claims challenge the old token stays refused, a new one is taken, and nothing was done meanwhile', async () => {
  const cloud = simulatedCloud({ faults: [claimsChallenges({ times: 1 })] })
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const before = account.keys()
  const call = caller(cloud)
  const regenerate = () => call('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' })

  const refused = [(await regenerate()).status, (await regenerate()).status]
  const unchanged = account.keys()
  const fresh = await caller(cloud, 'another')('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' })

  assert.deepEqual([refused, fresh.status], [[401, 401], 200])
  assert.deepEqual(unchanged, before)
  assert.deepEqual(
    cloud.history.map(({ effect }) => effect),
    [undefined, undefined, true],
  )
})

// MicrosoftDocs/entra-docs, docs/identity-platform/access-tokens.md: 60 to 90 minutes by default, up to 28 hours with continuous
// access evaluation; a managed identity's, 24 hours.
test('A token has expired when its time has passed by Azure’s clock, whatever the clock of its holder shows', async () => {
  const clock = virtualClock(0)
  const cloud = simulatedCloud({ clock, faults: [expiringTokens({ ms: 75 * 60_000 })] })
  const { resourceId } = cloud.cognitiveServices.add({ name: 'vision' })
  const credential = cloud.identity.credential('app')
  const scope = 'https://management.azure.com/.default'
  const get = async (options?: { claims: string }) => {
    const { token } = await credential.getToken(scope, options)
    return await anonymousCaller(cloud)('GET', arm(resourceId), undefined, { authorization: `Bearer ${token}` })
  }

  const first = await get()
  clock.advance(76 * 60_000)
  const over = await get()
  const renewed = await get({ claims: '{"access_token":{}}' })

  assert.deepEqual([first.status, over.status, renewed.status], [200, 401, 200])
})

// MicrosoftDocs, azure-resource-manager/management/request-limits-and-throttling leaves open whether a caller is recognised first. Both
// orders exist: the simulator has both.
test('A service may throttle before it authenticates the caller', async () => {
  const exhausted = { capacity: 0, perSecond: 1 }
  const after = simulatedCloud({ faults: [throttle(exhausted)] })
  const before = simulatedCloud({ faults: [throttle({ ...exhausted, beforeAuthentication: true })] })
  const bare = async (cloud: typeof after) => {
    const { resourceId } = cloud.cognitiveServices.add({ name: 'vision' })
    return (await anonymousCaller(cloud)('GET', arm(resourceId))).status
  }

  assert.deepEqual([await bare(after), await bare(before)], [401, 429])
})
