// What every provider does when its service fails. Each test runs for each provider of the registry.

import assert from 'node:assert/strict'
import test from 'node:test'
import { dialectOf } from '../../simulator/dialects.ts'
import { type Fault, gatewayCaches, lostAnswer, serverError, throttle, truncatedBody } from '../../simulator/faults.ts'
import { hostGroup } from '../../simulator/hosts.ts'
import { dataPlaneOutages, networkRule } from '../../simulator/wire-faults.ts'
import type { KeyRing } from '../../src/engine/key-ring.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { providers } from './all-providers.ts'
import { assertDiscreet, calls, failure, opened, revealed } from './opened.ts'
import { samples } from './provider-fleet.ts'

for (const provider of providers) {
  const { id, slots } = provider
  const { read, regenerate, answersNothing, answersNewKey = regenerate, apiVersions } = samples[id]!

  test(`${id}: a regenerate that is throttled is sent once, changes nothing, and says when to come back`, async () => {
    const { on, before } = await ready(provider)
    const fault = throttle({ capacity: 0, perSecond: 1, retryAfter: 17, operation: regenerate })

    const error = await failure(on, [fault], () => on.holder.regenerate(slots[0], on.call))

    assert.equal(error.code, 'Throttled')
    assert.equal(error.details.retryAfter, 17_000)
    assert.equal(error.details.outcomeUnknown, undefined)
    assert.deepEqual(calls(on, regenerate), { sent: 1, effects: 0 })
    assert.deepEqual(on.handle.keys(), before)
  })

  for (const [name, fault] of [
    ['the answer is lost', lostAnswer({ operation: regenerate })],
    ['the service fails after it acted', serverError({ operation: regenerate, when: 'after', status: 500 })],
    [
      'a gateway in front of it times out',
      serverError({ operation: regenerate, when: 'after', status: 504, body: 'html' }),
    ],
    ['the answer is cut short', truncatedBody({ operation: answersNothing ? answersNewKey : regenerate })],
  ] as const) {
    test(`${id}: when ${name}, a regenerate is sent once, and its outcome left open or found out`, async () => {
      const { on } = await ready(provider)
      const earlier = calls(on, regenerate).sent
      // What is refused for want of a query has not been sent: only the one that took effect counts.
      const refusals = () =>
        on.cloud.history.filter((entry) => entry.operation === regenerate && entry.status === 400).length

      on.cloud.faults.add(fault)
      const made = await on.holder.regenerate(slots[0], on.call).catch((error: unknown) => error)
      on.cloud.faults.clear()
      if (made instanceof RekeyError) {
        assertDiscreet(on.cloud, made)
        assert.equal(made.details.outcomeUnknown, true)
        assert.equal(made.transient, true)
      } else {
        // What became of a change is read of some resources.
        assert.equal(provider.longRunning, true)
        assert.equal(revealed(made as KeyRing)[slots[0]], on.handle.keyOf(slots[0]))
      }
      assert.equal(calls(on, regenerate).effects, 1)
      assert.equal(calls(on, regenerate).sent - earlier - refusals(), 1)
      assert.equal(revealed(await on.holder.read(on.signal))[slots[0]], on.handle.keyOf(slots[0]))
    })
  }

  for (const [what, body] of [
    ['says nothing', () => ({})],
    ['has empty keys', emptied],
  ] as const) {
    test(`${id}: an answer to a regenerate that ${what} leaves its outcome open`, async () => {
      const { on } = await ready(provider)
      const hollow = replies(answersNewKey, (answer) => body(answer, on.cloud.minted))

      const error = await failure(on, [hollow], () => on.holder.regenerate(slots[0], on.call))

      assert.equal(error.code, 'UnexpectedAnswer')
      assert.equal(error.details.outcomeUnknown, true)
      assert.equal(calls(on, regenerate).effects, 1)
    })
  }

  test(`${id}: a regenerate that fails before it acts has an unknown outcome, and is not sent again`, async () => {
    const { on, before } = await ready(provider)
    const fault = serverError({ operation: regenerate, when: 'before', status: 503 })

    const error = await failure(on, [fault], () => on.holder.regenerate(slots[0], on.call))

    assert.equal(error.code, 'ServiceUnavailable')
    assert.equal(error.details.outcomeUnknown, true)
    assert.deepEqual(calls(on, regenerate), { sent: 1, effects: 0 })
    assert.deepEqual(on.handle.keys(), before)
  })

  test(`${id}: a read is sent again when the service fails, throttles, or its answer is lost`, async () => {
    const faults = [
      serverError({ operation: read, when: 'before', times: 1 }),
      throttle({ capacity: 1, perSecond: 0.5, operation: read }),
      lostAnswer({ operation: read, times: 1 }),
    ]
    for (const fault of faults) {
      const { on, before } = await ready(provider)
      on.cloud.faults.add(fault)
      const earlier = calls(on, read).sent

      const first = await on.holder.read(on.signal)
      const second = await on.holder.read(on.signal)

      assert.deepEqual(revealed(first), before, fault.name)
      assert.deepEqual(revealed(second), before, fault.name)
      assert.equal(calls(on, read).sent - earlier, 3, fault.name)
    }
  })

  test(`${id}: a read whose answers are all cut short gives a transient error, never half a ring`, async () => {
    const { on } = await ready(provider)

    const error = await failure(on, [truncatedBody({ operation: read })], () => on.holder.read(on.signal))

    assert.equal(error.code, 'UnexpectedAnswer')
    assert.equal(error.transient, true)
  })

  test(`${id}: a resource that does not exist is ResourceNotFound`, async () => {
    const { on } = await ready(provider)
    const gone = serverError({ operation: read, when: 'before', status: 404 })

    const error = await failure(on, [gone], () => on.holder.read(on.signal))

    assert.equal(error.code, 'ResourceNotFound')
    assert.equal(error.transient, false)
    assert.ok(error.details.remedy)
  })

  test(`${id}: a call that has ended before it began sends nothing that could make a key`, async () => {
    const { on, before } = await ready(provider)
    const call = { ...on.call, signal: AbortSignal.abort() }

    await failure(on, [], () => on.holder.regenerate(slots[0], call))

    assert.deepEqual(on.handle.keys(), before)
    assert.equal(calls(on, regenerate).effects, 0)
  })

  test(`${id}: the api-version on the wire is the declared one`, async () => {
    const { on } = await ready(provider)
    await on.holder.regenerate(slots[0], on.call)
    await on.holder.swap?.(on.call, 'secondary')

    const sent = on.azure.sent.flatMap(({ url }) => url.searchParams.get('api-version') ?? [])

    assert.deepEqual([...new Set(sent)], apiVersions)
  })
}

/** Successful answers of an operation, changed. */
function replies(operation: string, change: (body: unknown) => unknown): Fault {
  return {
    name: 'replies',
    install: () => ({
      after: (call, reply) =>
        call.operation.operation === operation && reply.status < 300
          ? { ...reply, body: change(reply.body) }
          : undefined,
    }),
  }
}

function emptied(body: unknown, keys: ReadonlySet<string>): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) =>
    keys.has(value) || (/key/i.test(name) && typeof value === 'string') ? '' : value,
  )
}

async function ready(provider: KeyProvider) {
  const on = opened(provider)
  const before = revealed(await on.holder.read(on.signal))
  return { on, before }
}

for (const provider of providers) {
  test(`${provider.id}: a call without a token names no missing right, because none would help`, async (t) => {
    const on = opened(provider)
    t.mock.method(on.azure.credential, 'getToken', async () => {
      throw Object.assign(new Error('no identity'), { name: 'CredentialUnavailableError' })
    })

    const error = await failure(on, [], () => on.holder.read(on.signal))

    assert.equal(error.code, 'PermissionDenied')
    assert.doesNotMatch(error.details.remedy ?? '', /Grant the app's identity/)
  })
}

/** The status with which a service's network rules deny a caller. */
function deniedBy(service: string): number {
  return dialectOf(service).networkDenied?.status ?? 403
}

/** In the form of a key, and of no resource. */
const wrongKey = { key: Secret.of(Buffer.from('no key of this').toString('base64')) }

for (const provider of providers.filter(({ can }) => can.probe)) {
  const { id, slots } = provider
  const { refusesWith = [401] } = samples[id]!

  /** A resource whose probe has been used, and the hosts it went to. */
  async function probed() {
    const on = opened(provider)
    const ring = await on.holder.read(on.signal)
    const probe = (key = ring[slots[0]]!) => on.holder.probe!(slots[0], key, on.signal)
    assert.equal(await probe(), 'accepted')
    const service = hostGroup(on.cloud.history.at(-1)!.host)!
    return { on, probe, service }
  }

  test(`${id}: behind a network rule no key is accepted, valid or not, and where that is a 401, every key is refused alike`, async () => {
    const { on, probe, service } = await probed()
    on.cloud.faults.add(networkRule({ service }))

    const verdicts = [await probe(), await probe(wrongKey)]

    assert.equal(verdicts[0], verdicts[1])
    assert.equal(verdicts[0], refusesWith.includes(deniedBy(service)) ? 'refused' : 'unknown')
  })

  test(`${id}: where a service throttles before it checks the key, a probe has no verdict`, async () => {
    const { on, probe, service } = await probed()
    on.cloud.faults.add(throttle({ capacity: 0, perSecond: 1, operation: service, beforeAuthentication: true }))
    for (const operation of new Set(on.cloud.history.map((entry) => entry.operation))) {
      on.cloud.faults.add(throttle({ capacity: 0, perSecond: 1, operation, beforeAuthentication: true }))
    }

    assert.equal(await probe(), 'unknown')
    assert.equal(await probe(wrongKey), 'unknown')
  })

  test(`${id}: an outage of the data plane hits every key's probe, and ends for all`, async () => {
    const { on, probe, service } = await probed()
    on.cloud.faults.add(dataPlaneOutages({ service, ms: 90_000, times: 1 }))

    const during = [await probe(), await probe(wrongKey)]
    on.cloud.clock.advance(90_000)

    assert.deepEqual([during, await probe()], [['unknown', 'unknown'], 'accepted'])
  })

  test(`${id}: gateways that cache keys refuse a new key and accept the one before, and only for a while`, async () => {
    const { on, probe } = await probed()
    const before = (await on.holder.read(on.signal))[slots[0]]!
    on.cloud.faults.add(gatewayCaches({ ms: 120_000 }))

    const ring = await on.holder.regenerate(slots[0], on.call)
    const made = ring[slots[0]]!
    const early = [await probe(made), await probe(before)]
    on.cloud.clock.advance(120_000)
    const late = [await probe(made), await probe(before)]

    assert.deepEqual(
      [early, late],
      [
        ['refused', 'accepted'],
        ['accepted', 'refused'],
      ],
    )
  })
}
