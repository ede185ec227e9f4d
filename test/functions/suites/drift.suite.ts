// A key that is regenerated in the portal is back in the vault without a tick: events of the subscription queue two repairs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missingPermission, staleReads } from '../../../simulator/faults.ts'
import { samples } from '../../../simulator/services/index.ts'
import { portalUser } from '../../../simulator/subscription-events.ts'
import { unorderedEvents } from '../../../simulator/wire-faults.ts'
import { encodeMessage } from '../../../src/azure/request-queue.ts'
import { resourceEvent, resourceEventTypes } from '../../../src/functions/event-grid/resource-event.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { loadProviders } from '../../../src/providers/index.ts'
import { isHeard, keyOperations } from '../../../src/providers/wire/key-changes.ts'
import { account, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const minute = 60_000

/** The account `vision`, its Key1 in the vault, and an event subscription whose filter does not know the app's identity. */
async function visionWorld(fields: object = {}) {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision', fields)
  await made.writeTargets([target])
  stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  const operations = keyOperations(await loadProviders())
  const events = made.cloud.resourceEvents.subscribe({ types: resourceEventTypes, operations })
  const works = () => handle.accepts(made.cloud.vault(vaultHost).read('vision-key')!)
  return { made, handle, target, events, works }
}

const deliver = (made: World, event: unknown) => resourceEvent(event, made.context('resourceEvents'), made.compose)

async function deliverAll(made: World, events: readonly unknown[]): Promise<void> {
  for (const event of events) await deliver(made, event)
}

/** Carries out the requests that were queued with a delay, as a worker does once it has passed. Azurite's clock is not the simulated one. */
async function carryOutLater(made: World): Promise<void> {
  const later = made.sends.filter(({ delay }) => delay > 0)
  made.cloud.clock.advance(Math.max(...later.map(({ delay }) => delay)))
  for (const { request } of later) {
    const { comparedAfter, expiresAt, ...plain } = request
    const times = { comparedAfter: iso(comparedAfter!), expiresAt: iso(expiresAt) }
    await rotateMessage({ v: 1, ...plain, ...times }, made.context('rotate'), made.compose)
  }
}

const iso = (at: number) => new Date(at).toISOString()
const callsTo = ({ cloud }: World, host: RegExp) => cloud.history.filter((call) => host.test(call.host)).length
const toService = (made: World) => callsTo(made, /^management\./)

/** As Microsoft documents it, with `change` made to it. */
function eventOf({ resource }: { readonly resource: string }, change: object = {}, data: object = {}): object {
  return {
    specversion: '1.0',
    id: 'e1',
    type: 'Microsoft.Resources.ResourceActionSuccess',
    source: '/subscriptions/11111111-2222-3333-4444-555555555555',
    subject: resource,
    time: '2026-03-02T10:00:00.0000000Z',
    data: {
      authorization: { scope: resource, action: 'Microsoft.CognitiveServices/accounts/regenerateKey/action' },
      claims: { appid: portalUser.appId, ver: '1.0' },
      resourceProvider: 'Microsoft.CognitiveServices',
      resourceUri: resource,
      operationName: 'Microsoft.CognitiveServices/accounts/regenerateKey/action',
      status: 'Succeeded',
      ...data,
    },
    ...change,
  }
}

describe('Events that a key was regenerated', () => {
  test('A key that is regenerated in the portal is replaced in the vault by its event, without a tick', async () => {
    const { made, handle, events, works } = await visionWorld()
    handle.regenerateByHand('Key1')
    const before = works()

    await deliverAll(made, events.take())
    await made.drain()

    assert.deepEqual([before, works()], [false, true])
    await made.close()
  })

  test('Where the listing lags behind the portal, the second repair replaces the key when the listing must be current', async () => {
    const { made, handle, events, works } = await visionWorld()
    handle.regenerateByHand('Key1')
    made.cloud.faults.add(staleReads({ ms: 5 * minute - 1 }))

    await deliverAll(made, events.take())
    await made.drain()
    const afterFirst = works()
    await carryOutLater(made)

    assert.deepEqual([afterFirst, works()], [false, true])
    assert.deepEqual(
      made.sends.map(({ delay }) => Math.floor(delay / minute)),
      [0, 6],
    )
    await made.close()
  })

  test('Events about what the app itself has regenerated cause no request and no call', async () => {
    const { made, events } = await visionWorld()
    const { status } = await made.http(rotate, { params: { name: 'vision' }, body: {} })
    const own = events.take()
    const [sends, calls] = [made.sends.length, made.azure.sent.length]

    await deliverAll(made, own)

    assert.deepEqual([status, own.length], [200, 1])
    assert.deepEqual([made.sends.length, made.azure.sent.length], [sends, calls])
    await made.close()
  })

  test('Where the settings name the identity, its client id is enough to know the app’s own events', async () => {
    const { made, target } = await visionWorld()
    made.env['AZURE_CLIENT_ID'] = '0F0F0F0F-1111-4222-8333-444444444444'
    const claims = { appid: made.env['AZURE_CLIENT_ID'].toLowerCase() }

    await deliver(made, eventOf(target, {}, { claims }))
    await deliver(made, eventOf(target))

    assert.equal(made.sends.length, 2)
    await made.close()
  })

  test('An event whose caller is not known is handled', async () => {
    const { made, target } = await visionWorld()

    await deliver(made, eventOf(target, {}, { claims: { appid: 7 } }))
    await deliver(made, eventOf(target, {}, { claims: undefined }))

    assert.equal(made.sends.length, 4)
    await made.close()
  })

  test('Events that come twice, late and in another order still end in a vault that works', async () => {
    const { made, handle, events, works } = await visionWorld()
    made.cloud.faults.add(unorderedEvents({ ms: 3 * minute, duplicates: 1 }))
    handle.regenerateByHand('Key2')
    handle.regenerateByHand('Key1')
    made.cloud.clock.advance(3 * minute)
    const taken = events.take()

    await deliverAll(made, taken)
    await made.drain()
    const works1 = works()
    await carryOutLater(made)

    assert.deepEqual([taken.length, works1, works()], [4, true, true])
    await made.close()
  })

  test('A hundred events about one resource end in a comparison now and one when the listing must be current', async () => {
    const { made, target, handle } = await visionWorld()
    handle.regenerateByHand('Key1')
    const requests = () => made.cloud.history.filter(({ operation }) => operation.endsWith('/listKeys')).length
    await deliver(made, eventOf(target))
    const [now, later] = made.sends.map(({ request }) => request)
    const messages = Array.from({ length: 100 }, (_, n) => {
      const { comparedAfter, expiresAt, ...plain } = n % 2 === 0 ? now! : later!
      return { v: 1, ...plain, comparedAfter: iso(comparedAfter!), expiresAt: iso(expiresAt) }
    })

    for (const message of messages.filter((_, n) => n % 2 === 0)) {
      await rotateMessage(message, made.context('rotate'), made.compose)
    }
    const first = requests()
    made.cloud.clock.advance(7 * minute)
    for (const message of messages.filter((_, n) => n % 2 === 1)) {
      await rotateMessage(message, made.context('rotate'), made.compose)
    }

    assert.deepEqual([first, requests()], [1, 2])
    await made.close()
  })

  test('An event that comes late asks for one repair: its listing is current already', async () => {
    const { made, target } = await visionWorld()
    made.cloud.clock.advance(7 * minute)

    await deliver(made, eventOf(target))

    assert.equal(made.sends.length, 1)
    assert.equal(made.sends[0]!.request.comparedAfter, Date.UTC(2026, 2, 2, 10, 6))
    await made.close()
  })

  test('A repair that an event asks for makes no key that is only due, and is dropped without a failure when it expires', async () => {
    const { made, target, handle } = await visionWorld({ rotateEvery: 'P1D', overlap: 'PT1H' })
    await deliver(made, eventOf(target))
    const before = handle.keys()

    await made.drain()
    made.cloud.clock.advance(3 * 60 * minute)
    await carryOutLater(made)

    assert.deepEqual(handle.keys(), before)
    assert.deepEqual(made.cloud.topic('rekey.westeurope-1.eventgrid.azure.net').events, [])
    await made.close()
  })

  test('An event from long before queues a message that a worker can read', async () => {
    const { made, target } = await visionWorld()

    await deliver(made, eventOf(target, { time: '-200000-01-01T00:00:00Z' }))
    const [message] = made.sends.map(({ request }) =>
      JSON.parse(Buffer.from(encodeMessage(request), 'base64').toString()),
    )

    await rotateMessage(message, made.context('rotate'), made.compose)
    assert.equal(toService(made) > 0, true)
    await made.close()
  })

  test('A failure that lasts is announced once, however many events ask for a repair', async () => {
    const { made, target, handle } = await visionWorld()
    handle.regenerateByHand('Key1')
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))

    await deliverAll(made, [eventOf(target), eventOf(target, { id: 'e2' }), eventOf(target, { id: 'e3' })])
    await made.drain()

    const ids = made.cloud.topic('rekey.westeurope-1.eventgrid.azure.net').events.map(({ id }) => id)
    assert.equal(new Set(ids).size, 1)
    await made.close()
  })

  test('Every target of the resource is compared, a child’s too, whatever the case of its id; a disabled one is not', async () => {
    const made = await world()
    const { handle, target } = account(made.cloud, 'vision')
    const hub =
      '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/plant'
    const policy = (name: string, more: object = {}) => {
      return {
        name,
        provider: 'iot-hub-policy',
        resource: hub,
        policy: name,
        secrets: { [`${name}-key`]: 'key' },
        ...more,
      }
    }
    await made.writeTargets([target, policy('device'), policy('service'), policy('off', { enabled: false })])
    const write = {
      operationName: 'Microsoft.Devices/IotHubs/write',
      resourceUri: hub.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'),
    }

    await deliver(made, eventOf({ resource: hub }, { type: 'Microsoft.Resources.ResourceWriteSuccess' }, write))
    const ofHub = made.sends.splice(0).map(({ request }) => request.target)
    await deliver(made, eventOf({ resource: handle.resourceId.toUpperCase() }))

    assert.deepEqual(ofHub.toSorted(), ['device', 'device', 'service', 'service'])
    assert.deepEqual(
      made.sends.map(({ request }) => request.target),
      ['vision', 'vision'],
    )
    await made.close()
  })

  const other = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg'
  for (const [name, change, data] of [
    ['of another type', { type: 'Microsoft.Resources.ResourceDeleteSuccess' }, {}],
    ['of a failed change', { type: 'Microsoft.Resources.ResourceActionFailure' }, {}],
    ['without an operation', {}, { operationName: undefined }],
    ['whose operation is no name', {}, { operationName: 'regenerate\n' }],
    [
      'of an operation that changes no key',
      {},
      { operationName: 'Microsoft.CognitiveServices/accounts/listKeys/action' },
    ],
    ['of a write that carries no keys', {}, { operationName: 'Microsoft.CognitiveServices/accounts/write' }],
    ['about a resource group', { subject: other }, { resourceUri: other }],
    ['without a source', { source: '' }, {}],
    ['of another subscription', { source: '/subscriptions/22222222-2222-3333-4444-555555555555' }, {}],
    ['with steps up in its path', { subject: `${other}/providers/x/../../vision` }, { resourceUri: undefined }],
    ['without a resource', { subject: undefined }, { resourceUri: undefined }],
    ['with a huge resource', { subject: `${other}/${'a/'.repeat(100_000)}` }, { resourceUri: undefined }],
    [
      'about a resource that no target has',
      { subject: `${other}/providers/Microsoft.CognitiveServices/accounts/x` },
      { resourceUri: undefined },
    ],
  ] as const) {
    test(`An event ${name} is acknowledged and ignored`, async () => {
      const { made, target } = await visionWorld()

      await deliver(made, eventOf(target, change, data))

      assert.deepEqual(made.sends, [])
      assert.equal(toService(made), 0)
      await made.close()
    })
  }

  for (const [name, event] of [
    ['is not an event', { hello: 'world' }],
    ['is not even JSON', 'hello'],
    ['is nothing', undefined],
    ['has data that is a list', { type: 'x', source: '/', data: [] }],
  ] as const) {
    test(`What ${name} is acknowledged, ignored and logged`, async () => {
      const { made } = await visionWorld()

      await deliver(made, event)

      assert.deepEqual(made.sends, [])
      assert.match(made.lines[0]?.text ?? '', /^event ignored .*"why"/)
      await made.close()
    })
  }

  test('An event whose two places for the resource differ is handled for both, because which one is meant is not known', async () => {
    const { made, target } = await visionWorld()
    const elsewhere = `${other}/providers/Microsoft.CognitiveServices/accounts/x`

    await deliver(made, eventOf(target, {}, { resourceUri: elsewhere }))
    await deliver(made, eventOf(target, { subject: elsewhere }))

    assert.deepEqual(
      made.sends.map(({ request }) => request.target),
      ['vision', 'vision', 'vision', 'vision'],
    )
    await made.close()
  })

  test('A key of every provider that is regenerated in the portal is compared with its service, but for devices and Microsoft Graph', async () => {
    const made = await world()
    const providers = await loadProviders()
    const operations = keyOperations(providers)
    const events = made.cloud.resourceEvents.subscribe({ types: resourceEventTypes, operations })
    const members = Object.entries(samples).flatMap(([provider, { add, others = [] }]) =>
      [add, ...others].map((addTo, n) => ({
        name: `${provider}-${n}`,
        provider,
        ...addTo(made.cloud, `contoso-${n}`),
      })),
    )
    await made.writeTargets(
      members.map(({ name, provider, fields }) => ({ name, provider, ...fields, secrets: { [`${name}-key`]: 'key' } })),
    )
    for (const { handle } of members) handle.regenerateByHand(Object.keys(handle.keys())[0]!)

    await deliverAll(made, events.take())

    const compared = new Set(made.sends.map(({ request }) => request.target))
    const missed = members.filter(({ name }) => !compared.has(name)).map(({ provider }) => provider)
    assert.deepEqual(
      [...new Set(missed)],
      providers.filter((provider) => !isHeard(provider)).map(({ id }) => id),
    )
    assert.deepEqual([...new Set(missed)].sort(), ['defender-sensor', 'iot-hub-device'])
    await made.close()
  })

  test('An event of the Event Grid schema, as the text of a queue message, is handled like a CloudEvent', async () => {
    const { made, target } = await visionWorld()
    const { type, source, time, ...rest } = eventOf(target) as Record<string, unknown>

    await deliver(made, JSON.stringify({ ...rest, eventType: type, topic: source, eventTime: time }))

    assert.equal(made.sends.length, 2)
    await made.close()
  })

  test('An event is delivered again where the queue cannot be reached, or the configuration is bad', async () => {
    const { made, target } = await visionWorld()
    made.trouble.queueTakes = 0

    await assert.rejects(deliver(made, eventOf(target)), { code: 'ServiceBusy' })
    await made.writeTargets('{')
    made.restart()
    await assert.rejects(deliver(made, eventOf(target)), { code: 'BadConfiguration' })

    await made.close()
  })
})
