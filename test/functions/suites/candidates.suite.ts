// GET /api/candidates: what has keys and is no target yet.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { staleReads, throttle } from '../../../simulator/faults.ts'
import { samples } from '../../../simulator/services/index.ts'
import { readTargetsFile } from '../../../src/config/targets.ts'
import { listCandidates } from '../../../src/functions/discovery/list-candidates.ts'
import { providers } from '../../providers/all-providers.ts'
import { account, days, vaultUrl, type World, world } from '../functions-world.ts'

const names = (value: readonly { name: string }[]) => value.map(({ name }) => name)

async function ask(made: World, query: Record<string, string> = {}) {
  return made.http(listCandidates, { path: '/candidates', query })
}

/** The pages after the first, as a client follows them. */
async function all(made: World, query: Record<string, string> = {}) {
  const found: { name: string }[] = []
  let next: Record<string, string> | undefined = query
  while (next !== undefined) {
    const { status, body } = await ask(made, next)
    assert.equal(status, 200)
    found.push(...body.value)
    next = body.nextLink && Object.fromEntries(new URL(body.nextLink).searchParams)
  }
  return found
}

describe('Candidates', () => {
  test('A resource that no target has is a candidate, with its age, its policy, an entry for targets.json and a grant', async () => {
    const made = await world()
    const { resourceId } = made.cloud.storageAccounts.add({ name: 'forgotten', keyPolicyDays: 60 })
    made.cloud.clock.advance(90 * days)

    const { status, body } = await ask(made)

    assert.equal(status, 200)
    const [{ oldestKeyAt, ...candidate }] = body.value
    assert.equal(new Date(oldestKeyAt).getUTCFullYear(), 2026)
    const [, , subscription] = resourceId.split('/')
    assert.deepEqual(candidate, {
      id: resourceId,
      name: 'forgotten',
      type: 'Microsoft.Storage/storageAccounts',
      provider: 'storage-account',
      title: 'Storage account',
      subscription,
      resourceGroup: 'rg',
      location: 'westeurope',
      localAuth: true,
      ageDays: 89,
      keyPolicyDays: 60,
      from: 'resourceGraph',
      targetsEntry: {
        name: 'forgotten',
        provider: 'storage-account',
        resource: resourceId,
        secrets: { 'forgotten-key': 'key' },
      },
      grant: `storage-account=${resourceId}`,
    })
    assert.equal(body.asOf, new Date(made.cloud.clock.now()).toISOString())
    await made.close()
  })

  test('A skipToken that no page gave is the mistake of the caller: 400', async () => {
    const made = await world()
    made.cloud.storageAccounts.add({ name: 'forgotten' })

    const { status, body } = await ask(made, { skipToken: 'x' })

    assert.deepEqual([status, body.code], [400, 'BadRequest'])
    await made.close()
  })

  test('A resource of every provider that Resource Graph shows is found, and its entry is accepted as it is', async () => {
    const made = await world()
    for (const { id } of providers) samples[id]!.add(made.cloud, `all-${id}`.slice(0, 24))

    const { body } = await ask(made)

    assert.deepEqual(body.notRead, undefined)
    const shown = providers.filter(({ discovery }) => discovery !== undefined).map(({ id }) => id)
    // A grant at a resource is refused unless that is of the type at which the provider's role is assigned.
    for (const { discovery, grant } of providers) {
      if (discovery) assert.equal(discovery.type.toLowerCase(), grant.resourceType?.toLowerCase())
    }
    const found = new Set(body.value.map(({ provider }: { provider: string }) => provider))
    assert.deepEqual([...found].toSorted(), shown.toSorted())
    const targets = body.value.map(({ targetsEntry }: { targetsEntry: object }) => targetsEntry)
    const text = JSON.stringify({ defaults: { vault: vaultUrl }, targets })
    const file = readTargetsFile(text, { registry: providers, cloud: 'public', now: made.cloud.clock.now() })
    assert.deepEqual(file.problems, [])
    await made.close()
  })

  test('What a target has, what is switched off, and what its owner has tagged rekey=off are no candidates', async () => {
    const made = await world()
    const { target } = account(made.cloud, 'managed', { enabled: false })
    await made.writeTargets([target])
    made.cloud.storageAccounts.add({ name: 'switchedoff' }).disableLocalAuth(true)
    const tagged = made.cloud.storageAccounts.add({ name: 'leftalone' })
    made.cloud.resourceGraph.tag(tagged.resourceId, { Rekey: 'Off', team: 'payments' })
    const other = made.cloud.storageAccounts.add({ name: 'candidate' })
    made.cloud.resourceGraph.tag(other.resourceId, { rekey: 'on' })

    const { body } = await ask(made)

    assert.deepEqual(names(body.value), ['candidate'])
    await made.close()
  })

  test('Of a namespace one of whose rules is a target nothing is proposed', async () => {
    const made = await world()
    const { fields } = samples['service-bus']!.add(made.cloud, 'orders-namespace')
    await made.writeTargets([{ name: 'orders', provider: 'service-bus', ...fields, secrets: { orders: 'key' } }])

    assert.deepEqual((await ask(made)).body.value, [])
    await made.close()
  })

  test('An entry gets another name where a target has that of its resource', async () => {
    const made = await world()
    const { target } = account(made.cloud, 'vision')
    await made.writeTargets([target])
    made.cloud.storageAccounts.add({ name: 'vision' })

    const { body } = await ask(made)

    assert.deepEqual(body.value[0].targetsEntry.name, 'vision-storage-account')
    await made.close()
  })

  test('Pages follow one another with the filters of the first, and nothing is shown twice', async () => {
    const made = await world()
    const subscription = '22222222-2222-3333-4444-555555555555'
    for (let n = 0; n < 2100; n += 1) made.cloud.storageAccounts.add({ name: `store${n}`, subscription })
    made.cloud.storageAccounts.add({ name: 'elsewhere' })
    samples['maps']!.add(made.cloud, 'atlas')

    const found = await all(made, { provider: 'storage-account', subscription })

    assert.equal(new Set(names(found)).size, 2100)
    assert.ok(!names(found).includes('elsewhere'))
    await made.close()
  })

  test('What was made a moment ago is found when Resource Graph shows it', async () => {
    const made = await world()
    made.cloud.clock.advance(days)
    made.cloud.storageAccounts.add({ name: 'justmade' })
    made.cloud.faults.add(staleReads({ ms: 60_000, operation: 'resource-graph/resources' }))

    const now = await ask(made)
    made.cloud.clock.advance(120_000)
    const later = await ask(made)

    assert.deepEqual([names(now.body.value), names(later.body.value)], [[], ['justmade']])
    await made.close()
  })

  test('An identity that may read nothing learns which role it lacks, and one that may read a resource finds that', async () => {
    const made = await world()
    const { resourceId } = made.cloud.storageAccounts.add({ name: 'readable' })
    made.cloud.storageAccounts.add({ name: 'hidden' })
    made.cloud.identity.deny('*')

    const { status, body } = await ask(made)
    made.cloud.identity.grant('Microsoft.Storage/storageAccounts/read', resourceId)
    const then = await ask(made)

    assert.deepEqual([status, body.code], [502, 'PermissionDenied'])
    assert.match(body.remedy, /Reader/)
    assert.deepEqual(names(then.body.value), ['readable'])
    await made.close()
  })

  test('Too many queries are 429 with the time to wait', async () => {
    const made = await world()
    made.cloud.storageAccounts.add({ name: 'store' })
    // Longer than a call waits by itself.
    made.cloud.faults.add(
      throttle({ capacity: 1, perSecond: 0, retryAfter: 60, operation: 'resource-graph/resources' }),
    )

    await ask(made)
    const { status, headers, body } = await ask(made)

    assert.deepEqual([status, body.code, headers['retry-after']], [429, 'Throttled', '60'])
    await made.close()
  })

  test('A subscription that is none, a provider whose resources cannot be found, and an unknown parameter are 400', async () => {
    const made = await world()

    for (const query of [{ subscription: 'mine' }, { provider: 'iot-hub-device' }, { page: '2' }]) {
      assert.equal((await ask(made, query)).status, 400)
    }
    await made.close()
  })
})
