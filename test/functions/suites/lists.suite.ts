// The lists of targets: what the schedule read, as it stands now, in pages.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { apiVersion } from '../../../src/functions/http/request-rules.ts'
import { listTargets } from '../../../src/functions/http/status/list-targets.ts'
import { listPlan } from '../../../src/functions/http/status/show-plan.ts'
import { latestSnapshot } from '../../../src/functions/snapshot/latest-snapshot.ts'
import { saveSnapshot } from '../../../src/functions/snapshot/save-snapshot.ts'
import { secretsLine } from '../../../src/functions/snapshot/snapshot-lines.ts'
import { tickLimits } from '../../../src/functions/timer/tick.ts'
import { type Answer, account, days, stored, type World, world } from '../functions-world.ts'

const minute = 60_000
const iso = (at: number) => new Date(at).toISOString()
const limited = { ...tickLimits, reading: 50 }

/** Targets whose keys are so old, in days. */
async function fleet(ages: Readonly<Record<string, number>>, fields: object = {}) {
  const made = await world()
  const members = Object.entries(ages).map(([name, age]) => {
    const { handle, target } = account(made.cloud, name, fields)
    stored(made, target, handle.keyOf('Key1'), { age: age * days })
    return target
  })
  await made.writeTargets(members)
  return { made, members }
}

/** Every page, by following its links as a client does. */
async function pagesOf(made: World, query: Record<string, string>): Promise<Answer[]> {
  const pages: Answer[] = []
  for (let next: Record<string, string> | undefined = query; next !== undefined; ) {
    const page = await made.http(listTargets, { path: `/targets?${new URLSearchParams(next)}`, query: next })
    assert.equal(page.status, 200, JSON.stringify(page.body))
    pages.push(page)
    const { nextLink } = page.body
    next = nextLink && Object.fromEntries(new URL(nextLink).searchParams)
  }
  return pages
}

async function namesFor(made: World, query: Record<string, string>): Promise<string[]> {
  return (await pagesOf(made, query)).flatMap(({ body }) => body.value.map(({ name }: { name: string }) => name))
}

const statusOf = async (made: World, name: string) => {
  const { body } = await made.http(listTargets, { query: { search: name } })
  return body.value[0]?.status
}

describe('The lists of targets', () => {
  test('After a tick the lists say what it read, and when, and call no vault', async () => {
    const { made } = await fleet({ one: 10, two: 60.5 })
    await made.tick()
    const readAt = made.cloud.clock.now()
    made.cloud.clock.advance(20 * minute)
    const calls = made.azure.sent.length

    const [targets, plan] = [await made.http(listTargets), await made.http(listPlan)]

    assert.deepEqual([targets.body.asOf, plan.body.asOf], [iso(readAt), iso(readAt)])
    assert.deepEqual(
      targets.body.value.map(({ name, status, slot }: Record<string, string>) => [name, status, slot]),
      [
        ['one', 'current', 'Key1'],
        ['two', 'due', 'Key1'],
      ],
    )
    assert.deepEqual(
      plan.body.value.map(({ target, does }: Record<string, string>) => [target, does]),
      [
        ['one', 'nothing until it is due'],
        ['two', 'rotates'],
      ],
    )
    assert.equal(made.azure.sent.length, calls)
    await made.close()
  })

  test('A status is that of now: a due date that passes after the tick shows', async () => {
    const { made } = await fleet({ two: 10 })
    await made.tick()

    const before = await statusOf(made, 'two')
    made.cloud.clock.advance(50.5 * days)
    const due = await statusOf(made, 'two')
    made.cloud.clock.advance(10 * days)

    assert.deepEqual([before, due, await statusOf(made, 'two')], ['current', 'due', 'overdue'])
    await made.close()
  })

  test('The next rotation is the due date, or the moment at which the window opens after it', async () => {
    const window = { days: ['Mon'], start: '02:00', length: 'PT4H', timeZone: 'UTC' }
    const { made } = await fleet({ one: 10 })
    const { handle, target } = account(made.cloud, 'two', { window })
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    await made.writeTargets([target])
    await made.tick()

    const { body } = await made.http(listTargets)

    const [{ dueAt, nextRotationAt }] = body.value
    const opens = new Date(nextRotationAt)
    assert.deepEqual([opens.getUTCDay(), opens.getUTCHours(), opens.getUTCMinutes()], [1, 2, 0])
    assert.ok(opens.getTime() >= Date.parse(dueAt) && opens.getTime() < Date.parse(dueAt) + 7 * days)
    await made.close()
  })

  for (const [what, run] of [
    ['by a caller', (made: World) => made.http(rotate, { params: { name: 'two' } })],
    ['by the queue', (made: World) => made.drain()],
  ] as const) {
    test(`A list straight after a rotation ${what} shows it, before the next tick`, async () => {
      const { made } = await fleet({ two: 60.5, zero: 10 })
      await made.tick()
      const before = await statusOf(made, 'two')
      made.cloud.clock.advance(7 * minute)

      await run(made)

      const { body } = await made.http(listTargets)
      assert.equal(before, 'due')
      assert.deepEqual(
        body.value.map(({ status, slot }: Record<string, string>) => [status, slot]),
        [
          ['current', 'Key2'],
          ['current', 'Key1'],
        ],
      )
      assert.equal(body.value[0].lastComparedAt, iso(made.cloud.clock.now()))
      assert.ok(!JSON.stringify(body).includes(made.cloud.vault('kv-prod.vault.azure.net').read('two-key')!))
      await made.close()
    })
  }

  test('A rotation that the listing of a tick does not show yet is shown all the same', async () => {
    const { made } = await fleet({ two: 60.5 })
    await made.tick()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { snapshot } = composed.app
    const target = composed.app.targetNamed('two')!
    const { signal } = new AbortController()
    const old = (await latestSnapshot(snapshot, signal))!.of(target)!
    assert.ok('secrets' in old)
    await made.http(rotate, { params: { name: 'two' } })
    made.cloud.clock.advance(minute)
    const now = made.cloud.clock.now()
    await saveSnapshot(snapshot, now, [secretsLine([target], now, new Map([['two', old.secrets]]))], signal)

    const { body } = await made.http(listTargets)

    assert.deepEqual([body.asOf, body.value[0].slot], [iso(now), 'Key2'])
    await made.close()
  })

  test('Where a tick could not read a vault, its targets say how old they are, or that they are unreadable', async () => {
    const { made, members } = await fleet({ one: 10 })
    const vault = 'https://kv-far.vault.azure.net'
    const far = account(made.cloud, 'far', { vault }).target
    made.cloud.vault('kv-far.vault.azure.net')
    await made.writeTargets([...members, far])
    made.trouble.silent = [vault]
    await assert.rejects(made.tick({}, limited))
    const unread = (await made.http(listTargets)).body.value[0]
    made.trouble.silent = []
    await made.tick()
    const readAt = made.cloud.clock.now()
    made.cloud.clock.advance(15 * minute)
    made.trouble.silent = [vault]
    await assert.rejects(made.tick({}, limited))

    const { body } = await made.http(listTargets)

    assert.deepEqual([unread.status, unread.lastError.code], ['unreadable', 'ServiceUnavailable'])
    const [first, second] = body.value
    assert.deepEqual([first.name, first.status, first.asOf], ['far', 'new', iso(readAt)])
    assert.deepEqual([second.asOf, body.asOf], [undefined, iso(readAt + 15 * minute)])
    await made.close()
  })

  test('A target that is removed from targets.json leaves the list at once, and a new one is unknown until it is read', async () => {
    const { made, members } = await fleet({ one: 10, two: 10 })
    await made.tick()
    const added = account(made.cloud, 'added').target
    await made.writeTargets([members[0]!, added])
    made.cloud.clock.advance(2 * minute)

    const { body } = await made.http(listTargets)

    assert.deepEqual(
      body.value.map(({ name, status }: Record<string, string>) => [name, status]),
      [
        ['added', 'unknown'],
        ['one', 'current'],
      ],
    )
    await made.tick()
    assert.equal(await statusOf(made, 'added'), 'new')
    await made.close()
  })

  test('A list is filtered by status, provider, vault and text, also before the first tick', async () => {
    const { made, members } = await fleet({ one: 10, two: 60.5, three: 200 })
    const reminder = { name: 'partner', provider: 'reminder', secrets: { 'partner-token': 'value' } }
    const far = account(made.cloud, 'far', { vault: 'https://kv-far.vault.azure.net' }).target
    made.cloud.vault('kv-far.vault.azure.net')
    await made.writeTargets([...members, far, reminder])
    const asked = async () => [
      await namesFor(made, { status: 'due' }),
      await namesFor(made, { status: 'due,overdue,expired' }),
      await namesFor(made, { provider: 'reminder' }),
      await namesFor(made, { vault: 'https://KV-far.vault.azure.net/' }),
      await namesFor(made, { search: 'ONE-key' }),
      await namesFor(made, { search: '/accounts/t', status: 'due' }),
    ]

    const live = await asked()
    await made.tick()

    assert.deepEqual(live, [['two'], ['three', 'two'], ['partner'], ['far'], ['one'], ['two']])
    assert.deepEqual(await asked(), live)
    for (const query of [{ status: 'dew' }, { status: '' }, { vaults: 'x' }]) {
      assert.equal((await made.http(listTargets, { query })).status, 400, JSON.stringify(query))
    }
    await made.close()
  })

  test('A list comes in pages of a thousand, whose link keeps the filters and the version, and has no key', async () => {
    const made = await world()
    const targets = Array.from({ length: 1001 }, (_, n) => account(made.cloud, `t${n}`).target)
    await made.writeTargets(targets)
    await made.tick()
    const query = { search: 't', 'api-version': apiVersion, code: 'a-key' }

    const first = await made.http(listPlan, { path: `/plan?${new URLSearchParams(query)}`, query })
    const next = new URL(first.body.nextLink)
    const second = await made.http(listPlan, { path: '/plan', query: Object.fromEntries(next.searchParams) })

    assert.deepEqual([next.origin + next.pathname, first.body.value.length], ['http://127.0.0.1/api/plan', 1000])
    assert.deepEqual([...next.searchParams.keys()], ['search', 'api-version', 'skipToken'])
    assert.deepEqual([second.body.value.length, second.body.nextLink], [1, undefined])
    await made.close()
  })

  test('A page continues after the last name of the one before, whatever has changed in targets.json', async () => {
    const made = await world()
    const targets = Array.from({ length: 1500 }, (_, n) => account(made.cloud, `t${n + 1000}`).target)
    await made.writeTargets(targets)
    await made.tick()

    const { body } = await made.http(listTargets, { path: '/targets' })
    await made.writeTargets([account(made.cloud, 'a-new-one').target, ...targets.slice(200)])
    made.cloud.clock.advance(2 * minute)
    const query = Object.fromEntries(new URL(body.nextLink).searchParams)
    const second = await made.http(listTargets, { path: '/targets', query })

    assert.deepEqual(
      second.body.value.map(({ name }: { name: string }) => name),
      targets.slice(1000).map(({ name }) => name),
    )
    await made.close()
  })

  test('A status that only a later page has is found without pages that are empty', async () => {
    const made = await world()
    const targets = Array.from({ length: 1100 }, (_, n) => account(made.cloud, `t${n + 1000}`).target)
    await made.writeTargets([...targets.slice(0, -1), { ...targets.at(-1)!, enabled: false }])
    await made.tick()

    const pages = await pagesOf(made, { status: 'disabled' })

    assert.deepEqual(
      pages.map(({ body }) => body.value.map(({ name }: { name: string }) => name)),
      [[targets.at(-1)!.name]],
    )
    await made.close()
  })
})
