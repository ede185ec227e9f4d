// What a declared service of Resource Manager does with the answers that services are known to give: one key, none, a change
// that goes on, keys that are switched off. A plain service with both keys in its answer is test/providers/contract.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { createAzureClients } from '../../../src/azure/clients.ts'
import { clouds } from '../../../src/azure/clouds.ts'
import { Secret } from '../../../src/engine/secret.ts'
import { minutes } from '../../../src/engine/target.ts'
import type { KeyProvider } from '../../../src/providers/provider.ts'
import { secretText } from '../../../src/providers/wire/answer.ts'
import type { ArmKeyService } from '../../../src/providers/wire/arm-key-service.ts'
import { armKeyProvider } from '../../../src/providers/wire/arm-keys.ts'
import { refusedBy } from '../../../src/providers/wire/verdict.ts'
import { anyToken, wire } from '../../azure/wire.ts'
import { oldMetadata } from '../../memory-lease.ts'

const name = { name: /^[a-z]+$/, rule: 'lower-case letters' }
const resource =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Contoso.Keys/stores/one'

const Listing = z.object({ primaryKey: secretText, secondaryKey: secretText })
const Store = z.object({ state: z.string(), noKeys: z.boolean().optional() })
type Declared = ArmKeyService<{ ring: z.ZodOptional<z.ZodString> }, z.output<typeof Listing>, z.output<typeof Store>>

const plain: Declared = {
  id: 'store',
  title: 'Store',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public'],
  hosts: { public: ['keys.example'], usgov: [], china: [] },
  types: { type: 'Contoso.Keys/stores', ...name },
  fields: { ring: z.string().optional() },
  credential: ({ ring }) => ring ?? 'main',
  apiVersion: '2025-01-01',
  grant: 'Store keys',
  budget: { name: 'stores', limit: 'stores', allowance: { burst: 1, perSecond: 0.1 } },
  list: { right: 'Contoso.Keys/stores/listKeys/action', request: () => ({ path: '/listKeys' }), answer: Listing },
  ring: ({ primaryKey, secondaryKey }) => ({ primary: { key: primaryKey }, secondary: { key: secondaryKey } }),
  regenerate: {
    right: 'Contoso.Keys/stores/regenerateKey/action',
    request: (slot) => ({ path: '/regenerateKey', body: { keyType: slot } }),
    answer: 'listing',
  },
}
const described: Declared['describe'] & object = {
  right: 'Contoso.Keys/stores/read',
  why: 'see whether keys are disabled',
  answer: Store,
}

/** The service itself: its keys, what it does when asked for a new one, and what it was asked. */
function store(
  provider: KeyProvider,
  regenerate: (keys: Record<string, string>, body: string) => Response,
  own?: string,
) {
  const keys: Record<string, string> = { primaryKey: 'first-primary', secondaryKey: 'first-secondary' }
  const state = { state: 'Succeeded', noKeys: false }
  const asked: string[] = []
  let now = Date.UTC(2026, 0, 1)
  let changes: { at: number; change: () => void }[] = []
  const answer = async (request: Request): Promise<Response> => {
    const { pathname, host } = new URL(request.url)
    const path = pathname.replace(resource, '')
    asked.push(`${request.method} ${host === 'management.azure.com' ? path : host}`)
    if (host !== 'management.azure.com') {
      return new Response(null, {
        status: Object.values(keys).includes(request.headers.get('api-key') ?? '') ? 200 : 401,
      })
    }
    if (request.method === 'GET') return Response.json(state)
    if (state.noKeys) return Response.json({ error: { code: 'BadRequest' } }, { status: 400 })
    return path === '/listKeys' ? Response.json(keys) : regenerate(keys, await request.text())
  }
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: anyToken,
    httpClient: wire(answer),
    now: () => now,
    wait: async (ms) => {
      now += ms
      for (const { at, change } of changes.filter(({ at }) => at <= now)) {
        change()
        changes = changes.filter((each) => each.at !== at)
      }
    },
  })
  const { signal } = new AbortController()
  const isOwnKey = (key: Secret) => key.reveal() === own
  const holder = provider.open(provider.resource.parse({ resource }), { ...azure, isOwnKey })
  const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }
  /** Happens so many milliseconds of the caller's waiting from now. */
  const later = (ms: number, change: () => void) => void changes.push({ at: now + ms, change })
  return { keys, state, asked, holder, signal, call, later }
}

test('A declared provider has the rights, the place and the budget that follow from its declaration', () => {
  const { actions, grant, allowance, place, writes, can } = armKeyProvider({ ...plain, describe: described })

  assert.deepEqual(
    actions.map(({ kind, name, why }) => [kind, name, why]),
    [
      ['action', 'Contoso.Keys/stores/listKeys/action', 'read the keys'],
      ['action', 'Contoso.Keys/stores/regenerateKey/action', 'make a new key'],
      ['action', 'Contoso.Keys/stores/read', 'see whether keys are disabled'],
    ],
  )
  assert.deepEqual([grant.resourceType, allowance.perSecond, writes, can], ['Contoso.Keys/stores', 0.1, 2, {}])
  assert.deepEqual(place({ resource, ring: 'Spare' }), {
    address: resource,
    credential: `store:${resource}/spare`.toLowerCase(),
    lease: `store:${resource}`.toLowerCase(),
    budget: 'stores:11111111-2222-3333-4444-555555555555',
    scope: resource,
  })
})

test('an answer with the one new key gives that slot, and costs no listing', async () => {
  const one = {
    ...plain,
    regenerate: {
      ...plain.regenerate,
      answer: (body: unknown) => ({ key: Secret.of((body as { value: string }).value) }),
    },
  }
  const on = store(armKeyProvider(one), (keys) => {
    keys['secondaryKey'] = 'second-secondary'
    return Response.json({ value: 'second-secondary' })
  })
  await on.holder.read(on.signal)

  const made = await on.holder.regenerate('secondary', on.call)

  assert.deepEqual([Object.keys(made), made['secondary']!['key']!.reveal()], [['secondary'], 'second-secondary'])
  assert.deepEqual(on.asked, ['POST /listKeys', 'POST /regenerateKey'])
})

test('an answer without keys is followed by listings until one shows the new key', async () => {
  const silent = { ...plain, regenerate: { ...plain.regenerate, answer: 'nothing' as const } }
  const on = store(armKeyProvider(silent), (keys) => {
    on.later(5000, () => {
      keys['primaryKey'] = 'second-primary'
    })
    return new Response(null, { status: 204 })
  })
  await on.holder.read(on.signal)

  const made = await on.holder.regenerate('primary', on.call)

  assert.equal(made['primary']!['key']!.reveal(), 'second-primary')
})

test('Where no listing ever shows the new key, the outcome is unknown: the request is not sent again', async () => {
  const silent = { ...plain, regenerate: { ...plain.regenerate, answer: 'nothing' as const } }
  const on = store(armKeyProvider(silent), () => new Response(null, { status: 202 }))

  await assert.rejects(on.holder.regenerate('primary', on.call), (error: { details: { outcomeUnknown?: boolean } }) => {
    assert.equal(error.details.outcomeUnknown, true)
    return true
  })
  assert.equal(on.asked.filter((path) => path === 'POST /regenerateKey').length, 1)
})

test('A change that continues after its answer is waited for at the resource, and reported as under way meanwhile', async () => {
  const slow: Declared = {
    ...plain,
    regenerate: { ...plain.regenerate, answer: 'nothing' },
    describe: { ...described, operation: { isUnderWay: ({ state }) => state === 'Updating', limit: minutes(120) } },
  }
  const provider = armKeyProvider(slow)
  const underWay: boolean[] = []
  const on = store(provider, (keys) => {
    on.state.state = 'Updating'
    on.later(60_000, () => {
      on.state.state = 'Succeeded'
      keys['primaryKey'] = 'second-primary'
    })
    return new Response(null, { status: 202 })
  })
  const keepLease = async () => void underWay.push(await on.holder.operation!.isUnderWay(on.signal))

  const made = await on.holder.regenerate('primary', { ...on.call, keepLease })

  assert.deepEqual([underWay[0], underWay.at(-1)], [true, false])
  assert.equal(made['primary']!['key']!.reveal(), 'second-primary')
  assert.deepEqual([provider.longRunning, on.holder.operation!.limit], [true, minutes(120)])
})

test('A resource with local authentication disabled is explained after a refusal, with the property that enables it', async () => {
  const guarded: Declared = {
    ...plain,
    describe: { ...described, isKeyUseDisabled: ({ noKeys }) => noKeys === true, enabledBy: 'noKeys: false' },
  }
  const on = store(armKeyProvider(guarded), () => Response.json({}))
  on.state.noKeys = true

  await assert.rejects(on.holder.read(on.signal), (error: { code: string; details: { remedy: string } }) => {
    assert.equal(error.code, 'LocalAuthDisabled')
    assert.match(error.details.remedy, /noKeys: false/)
    return true
  })
})

test('A resource that refuses its keys while Resource Manager goes on making them is asked before a key is made', async () => {
  const guarded: Declared = {
    ...plain,
    describe: { ...described, isKeyUseDisabled: ({ state }) => state === 'NoKeys', askedFirst: true },
  }
  const inState = (state: string) => {
    const on = store(armKeyProvider(guarded), (keys) => {
      keys['primaryKey'] = 'second-primary'
      return Response.json(keys)
    })
    on.state.state = state
    return on
  }
  const refusing = inState('NoKeys')
  const accepting = inState('Succeeded')

  await assert.rejects(refusing.holder.regenerate('primary', refusing.call), { code: 'LocalAuthDisabled' })
  const made = await accepting.holder.regenerate('primary', accepting.call)

  assert.deepEqual(refusing.asked, ['POST /listKeys', 'GET '])
  assert.equal(made['primary']!['key']!.reveal(), 'second-primary')
})

test('A key is sent to the declared hosts only, and one that cannot be sent is refused', async () => {
  const probing = (endpoint: string): Declared => ({
    ...plain,
    probe: {
      request: ({ key }) => ({ method: 'GET', endpoint, path: '/ping', headers: () => ({ 'api-key': key }) }),
      judge: refusedBy(401),
    },
  })
  const verdicts = async (endpoint: string) => {
    const on = store(armKeyProvider(probing(endpoint)), () => Response.json({}))
    const shown = ['first-primary', 'another', 'not\na header']
    const found = await Promise.all(shown.map((key) => on.holder.probe!('primary', { key: Secret.of(key) }, on.signal)))
    return { found, asked: on.asked.length }
  }

  assert.deepEqual(await verdicts('https://one.keys.example/'), { found: ['accepted', 'refused', 'refused'], asked: 2 })
  assert.deepEqual(await verdicts('https://one.keys.example.evil.example/'), {
    found: ['unknown', 'unknown', 'unknown'],
    asked: 0,
  })
})

test("a service's own code means what its provider declares", async () => {
  const busy = { ...plain, errorCodes: { means: { OperationInProgress: 'ServiceBusy' as const } } }
  const on = store(armKeyProvider(busy), () =>
    Response.json({ error: { code: 'OperationInProgress' } }, { status: 412 }),
  )

  await assert.rejects(on.holder.regenerate('primary', on.call), { code: 'ServiceBusy' })
})

const givenKeys: Declared = {
  ...plain,
  regenerate: {
    ...plain.regenerate,
    given: ({ body, ...request }, key) => ({ ...request, body: { ...(body as object), key } }),
  },
}

for (const [to, other] of [
  ['primary', 'secondary'],
  ['secondary', 'primary'],
] as const) {
  test(`Where a service can be given keys, a swap to ${to} gives that slot its key first, and then the other one`, async () => {
    const bodies: { keyType: string; key: string }[] = []
    const on = store(armKeyProvider(givenKeys), (keys, body) => {
      const { keyType, key } = JSON.parse(body) as { keyType: string; key: string }
      bodies.push({ keyType, key })
      keys[`${keyType}Key`] = key
      return Response.json(keys)
    })
    await on.holder.read(on.signal)

    const ring = await on.holder.swap!(on.call, to)

    assert.deepEqual(bodies, [
      { keyType: to, key: `first-${other}` },
      { keyType: other, key: `first-${to}` },
    ])
    assert.deepEqual(
      [ring['primary']!['key']!.reveal(), ring['secondary']!['key']!.reveal()],
      ['first-secondary', 'first-primary'],
    )
  })
}

test('A swap by given keys changes nothing where another client has changed the keys since they were read', async () => {
  const on = store(armKeyProvider(givenKeys), () => Response.json({}))
  await on.holder.read(on.signal)
  on.keys['primaryKey'] = 'of another client'

  await assert.rejects(on.holder.swap!(on.call, 'primary'), { code: 'ServiceChanged' })
  assert.ok(!on.asked.includes('POST /regenerateKey'))
})

test('A provider can ask with several requests, and each goes to a declared host only', async () => {
  const regions = ['https://one.keys.example/', 'https://evil.example/']
  const several: Declared = {
    ...plain,
    probe: {
      ask: async ({ key }, show) => {
        const request = (endpoint: string) =>
          show({ method: 'GET', endpoint, path: '/', headers: () => ({ 'api-key': key }) }, refusedBy(401))
        return (await Promise.all(regions.map(request))).join() as never
      },
    },
  }
  const on = store(armKeyProvider(several), () => Response.json({}))

  const verdict: string = await on.holder.probe!('primary', { key: Secret.of('first-primary') }, on.signal)

  assert.deepEqual([verdict, on.asked], ['accepted,unknown', ['GET one.keys.example']])
})

test('A key with which the app itself authenticates is not regenerated, and the other slot of the ring is', async () => {
  const make = (keys: Record<string, string>, body: string) => {
    keys[`${(JSON.parse(body) as { keyType: string }).keyType}Key`] = 'second'
    return Response.json(keys)
  }
  const on = store(armKeyProvider(plain), make, 'first-primary')
  await on.holder.read(on.signal)

  await assert.rejects(on.holder.regenerate('primary', on.call), { code: 'NotSupported' })
  const made = await on.holder.regenerate('secondary', on.call)

  assert.equal(made['secondary']!['key']!.reveal(), 'second')
  assert.equal(on.keys['primaryKey'], 'first-primary')
})
