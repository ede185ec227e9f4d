// Where targets.json comes from, and which of it stays in force.

import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createHttpHeaders, type HttpClient, type PipelineRequest, RestError } from '@azure/core-rest-pipeline'
import fc from 'fast-check'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import type { StateBlob } from '../../src/azure/state-blob.ts'
import { applied, type InForce } from '../../src/config/targets/in-force.ts'
import { readTargetsFile } from '../../src/config/targets.ts'
import { type ReadTargets, targetsSource } from '../../src/config/targets-source.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { days, minutes, seconds, type Target } from '../../src/engine/target.ts'
import { providers } from '../providers/all-providers.ts'

const url = 'https://stprod.blob.core.windows.net/config/targets.json'

const subscription = '/subscriptions/00000000-0000-0000-0000-000000000000'
const accounts = `${subscription}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts`
const defaults = { vault: 'https://kv-prod.vault.azure.net' }

/** A target that is as it should be; `fields` make it wrong. */
function target(name: string, fields: object = {}) {
  return {
    name,
    provider: 'cognitive-services',
    resource: `${accounts}/${name}`,
    secrets: { [`${name}-key`]: 'key' },
    ...fields,
  }
}

/** A document with these targets. */
function file(...targets: readonly object[]): string {
  return JSON.stringify({ defaults, targets })
}

const [one, two, both] = [file(target('one')), file(target('two')), file(target('one'), target('two'))]
const mistaken = '{"targets": '

/** The blob of the last valid file, in memory, as the real one behaves. */
function stateBlob() {
  const kept = { text: undefined as string | undefined, etag: 0, reads: 0, writes: 0, away: false }
  const state: StateBlob = {
    read: async () => {
      kept.reads += 1
      if (kept.away) throw new RekeyError('ServiceUnavailable', { message: 'GET blob: no answer' })
      return kept.text === undefined ? undefined : { text: kept.text, etag: String(kept.etag) }
    },
    write: async (text, etag) => {
      if (kept.away) throw new RekeyError('ServiceUnavailable', { message: 'PUT blob: no answer' })
      if ((kept.text === undefined ? undefined : String(kept.etag)) !== etag) return false
      Object.assign(kept, { text, etag: kept.etag + 1, writes: kept.writes + 1 })
      return true
    },
  }
  return { kept, state }
}

/** What a source found: the targets in force, and what is not. */
function summary(read: ReadTargets): string {
  const problems = read.problems.map(({ path, message }) => (path === 'ROTATION_TARGETS' ? message : path))
  const names = 'targets' in read ? read.targets.map(({ name }) => name).join(' ') : 'nothing'
  return [names, ...problems].join('; ')
}

const parse = (text: string) => readTargetsFile(text, { registry: providers, cloud: 'public', now: 0 })

type Answer = { status: number; body?: string; etag?: string; code?: string } | 'no answer'

/** A blob service behind the real pipeline, with a source that reads from it by a clock of its own. */
function remote(
  credential = { getToken: async () => ({ token: 'token-for-storage', expiresOnTimestamp: 1e15 }) },
  { kept, state } = stateBlob(),
) {
  const world = { answer: { status: 404 } as Answer, requests: [] as PipelineRequest[], time: 0 }
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      world.requests.push(request)
      const { answer } = world
      if (answer === 'no answer') throw new RestError('connect ECONNREFUSED', { code: 'ECONNREFUSED', request })
      const unchanged = answer.etag !== undefined && request.headers.get('if-none-match') === answer.etag
      const headers = createHttpHeaders({
        ...(answer.etag ? { etag: answer.etag } : {}),
        ...(answer.code ? { 'x-ms-error-code': answer.code } : {}),
      })
      return {
        request,
        headers,
        status: unchanged ? 304 : answer.status,
        bodyAsText: unchanged ? '' : (answer.body ?? ''),
      }
    },
  }
  const azure = createAzureClients({ cloud: clouds.public, credential, httpClient, wait: async () => {} })
  const clock = { monotonic: () => world.time, now: () => world.time }
  const source = targetsSource({ location: url, root: '/', clock, parse, azure: () => azure, state, writes: true })
  return {
    world,
    kept,
    state,
    source,
    read: async () => summary(await source.read()),
    recorded: async () => summary(await source.recorded()),
  }
}

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rekey-targets-'))
  t.after(() => rm(root, { recursive: true }))
  return root
}

test('a blob is read with the app’s identity, at the real address', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: one, etag: '"1"' }

  assert.equal(await read(), 'one')

  const [request] = world.requests
  assert.equal(request?.url, url)
  assert.equal(request.headers.get('authorization'), 'Bearer token-for-storage')
  assert.equal(request.headers.get('x-ms-version'), '2023-11-03')
})

test('A blob is read at most once a minute, and then only if it has changed', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: one, etag: '"1"' }
  await read()

  world.time = minutes(1) - 1
  await read()
  assert.equal(world.requests.length, 1)

  world.time = minutes(1)
  assert.equal(await read(), 'one')
  assert.equal(world.requests[1]?.headers.get('if-none-match'), '"1"')

  world.answer = { status: 200, body: two, etag: '"2"' }
  world.time = minutes(2)
  assert.equal(await read(), 'two')
  assert.equal(world.requests.length, 3)
})

test('Many requests at once cause one read', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: one, etag: '"1"' }

  const found = await Promise.all(Array.from({ length: 20 }, read))

  assert.deepEqual([...new Set(found)], ['one'])
  assert.equal(world.requests.length, 1)
})

for (const [name, answer, says] of [
  ['an outage', { status: 503 }, 'the blob cannot be read: 503'],
  ['throttling', { status: 429 }, 'the blob cannot be read: 429'],
  ['a network that gives no answer', 'no answer', /^one; the blob cannot be read/],
  [
    'a role that is taken away',
    { status: 403, code: 'AuthorizationPermissionMismatch' },
    'the blob cannot be read: 403 AuthorizationPermissionMismatch',
  ],
  [
    'a blob that is deleted',
    { status: 404, code: 'BlobNotFound', body: '<Error>canary</Error>' },
    'the blob cannot be read: 404 BlobNotFound',
  ],
  ['a redirect', { status: 301 }, 'the blob cannot be read: 301'],
  ['a text that is no JSON', { status: 200, body: mistaken, etag: '"9"' }, '$'],
  [
    'bad defaults',
    { status: 200, body: JSON.stringify({ defaults: { vault: 'http://x' }, targets: [target('two')] }), etag: '"9"' },
    '$.defaults.vault',
  ],
  [
    'a misspelt "defaults"',
    { status: 200, body: JSON.stringify({ defaulst: defaults, targets: [target('two', defaults)] }), etag: '"9"' },
    '$.defaulst',
  ],
] as const) {
  test(`${name} leaves the last valid file in force, and is reported`, async () => {
    const { world, read } = remote()
    world.answer = { status: 200, body: one, etag: '"1"' }
    await read()

    world.answer = answer
    for (world.time = minutes(1); world.time < minutes(30); world.time += minutes(5)) {
      if (typeof says === 'string') assert.equal(await read(), `one; ${says}`)
      else assert.match(await read(), says)
    }

    world.answer = { status: 200, body: two, etag: '"2"' }
    world.time = minutes(40)
    assert.equal(await read(), 'two')
  })
}

test('A blob that does not answer is read no more often than one that does', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: one, etag: '"1"' }
  await read()
  world.answer = { status: 403 }
  const before = world.requests.length

  for (world.time = minutes(1); world.time < minutes(6); world.time += seconds(1)) await read()

  assert.equal(world.requests.length - before, 5)
})

test('A 304 for a blob that was never read is not taken for its content', async () => {
  const { world, read } = remote()
  world.answer = { status: 304 }

  assert.match(await read(), /^nothing; the blob cannot be read: 304/)
})

test('A blob whose read was refused is read again after 15 seconds', async () => {
  const { world, read } = remote()
  world.answer = { status: 404, code: 'BlobNotFound' }
  await read()

  world.answer = { status: 200, body: one, etag: '"1"' }
  world.time = seconds(15) - 1
  assert.match(await read(), /^nothing/)
  world.time = seconds(15)
  assert.equal(await read(), 'one')
})

test('an identity that gets no token is reported at once, with its remedy', async () => {
  const refused = new RekeyError('PermissionDenied', {
    message: 'no token is to be had',
    remedy: 'Assign an identity.',
  })
  const { read } = remote({ getToken: () => Promise.reject(refused) })

  assert.equal(await read(), 'nothing; the blob cannot be read: no token is to be had')
})

test('a file beside the app is found by its relative path, and read again when it has changed', async (t) => {
  const root = await folder(t)
  const path = join(root, 'targets.json')
  let parsed = 0
  const source = targetsSource({
    location: './targets.json',
    root,
    clock: { monotonic: () => 0, now: () => 0 },
    state: stateBlob().state,
    writes: true,
    parse: (text) => {
      parsed += 1
      return parse(text)
    },
    azure: () => assert.fail('a file needs no Azure'),
  })

  await writeFile(path, one)
  await utimes(path, 1000, 1000)
  assert.deepEqual([summary(await source.read()), summary(await source.read()), parsed], ['one', 'one', 1])

  await writeFile(path, two)
  await utimes(path, 2000, 2000)
  assert.deepEqual([summary(await source.read()), parsed], ['two', 2])
})

test('A file that does not exist is reported, with its path and a remedy', async (t) => {
  const root = await folder(t)
  const source = targetsSource({
    location: 'targets.json',
    root,
    clock: { monotonic: () => 0, now: () => 0 },
    state: stateBlob().state,
    writes: true,
    parse,
    azure: () => assert.fail('a file needs no Azure'),
  })

  const parsed = await source.read()

  assert.equal(summary(parsed), `nothing; the file ${join(root, 'targets.json')} does not exist`)
  assert.match(parsed.problems[0]!.remedy, /targets\.sample\.json/)
})

/** A start that finds `text`, with the record that another instance left. */
async function startWith(text: string, state: ReturnType<typeof stateBlob>) {
  const started = remote(undefined, state)
  started.world.answer = { status: 200, body: text, etag: `"${text.length}"` }
  return { ...started, found: await started.read() }
}

/** What an instance left behind that had all of `text` in force. */
async function recordOf(text: string): Promise<ReturnType<typeof stateBlob>> {
  const state = stateBlob()
  const { source } = await startWith(text, state)
  await source.recorded()
  return state
}

const wrong = { rotateEvery: 'often' }

test('An entry that is not valid keeps its last valid definition, and the others are as the file says', async () => {
  const { world, read, source } = remote()
  world.answer = { status: 200, body: both, etag: '"1"' }
  await read()

  world.answer = { status: 200, body: file(target('one', wrong), target('two', { rotateEvery: 'P30D' })), etag: '"2"' }
  world.time = minutes(1)

  assert.equal(await read(), 'one two; $.targets[0].rotateEvery')
  const now = await source.read()
  assert.ok('targets' in now)
  assert.deepEqual(
    now.targets.map(({ rotateEvery }) => rotateEvery / days(1)),
    [60, 30],
  )
  assert.deepEqual(
    now.notApplied.map(({ target: name, standing }) => [name, standing]),
    [['one', 'kept']],
  )
  assert.equal(now.version, '"2"')
})

test('A start finds the definitions that were valid before it, with the defaults of that time', async () => {
  const state = await recordOf(
    JSON.stringify({ defaults: { ...defaults, rotateEvery: 'P20D' }, targets: [target('one'), target('two')] }),
  )

  const { found, source } = await startWith(file(target('one', wrong), target('two'), target('new', wrong)), state)

  assert.equal(found, 'one two; $.targets[0].rotateEvery; $.targets[2].rotateEvery')
  const now = await source.read()
  assert.ok('targets' in now)
  assert.deepEqual(
    now.targets.map(({ rotateEvery }) => rotateEvery / days(1)),
    [20, 60],
  )
  assert.deepEqual(
    now.notApplied.map(({ target: name, standing }) => `${name} ${standing}`),
    ['one kept', 'new off'],
  )
})

test('What one instance records, the next one that starts uses too', async () => {
  const state = await recordOf(both)
  const broken = file(target('one', wrong), target('two'))
  const first = await startWith(broken, state)
  await first.source.recorded()

  const second = await startWith(broken, state)

  assert.equal(second.found, first.found)
  assert.equal(second.found, 'one two; $.targets[0].rotateEvery')
})

test('a start with a file that cannot be read goes on with the last valid one, and says since when it is in force', async () => {
  const state = await recordOf(both)

  const { found, source } = await startWith(mistaken, state)

  assert.equal(found, 'one two; $')
  const now = await source.read()
  assert.ok('targets' in now)
  assert.deepEqual([now.version, now.since], [`"${both.length}"`, 0])
})

test('a last valid definition whose secret or credential another target has now is suspended', async () => {
  for (const [name, fields] of [
    ['the secret', { secrets: { 'one-key': 'key' } }],
    ['the credential', { resource: `${accounts}/ONE` }],
  ] as const) {
    const state = await recordOf(both)
    const taken = file(target('one', wrong), target('heir', fields))

    const { found, source } = await startWith(
      file(target('one', { ...wrong, secrets: { x: 'key' }, resource: `${accounts}/x` }), target('heir', fields)),
      state,
    )

    assert.match(found, /^heir; /, name)
    const now = await source.read()
    assert.ok('targets' in now)
    assert.deepEqual(
      now.notApplied.map(({ target: each, standing }) => `${each} ${standing}`),
      ['one suspended'],
      name,
    )
    // Suspended is not forgotten: once the other target lets go of it, the definition is in force again.
    await source.recorded()
    const later = await startWith(file(target('one', wrong), target('two')), state)
    assert.match(later.found, /^one two; /, `${name} ${taken.length}`)
  }
})

test('a suspended definition does not come back while another target keeps what it claims', async () => {
  const state = await recordOf(both)
  const heir = { secrets: { 'one-key': 'key' } }
  const second = await startWith(file(target('one', wrong), target('heir', heir)), state)
  await second.source.recorded()

  const third = await startWith(file(target('one', wrong), target('heir', { ...heir, ...wrong })), state)
  await third.source.recorded()
  const unreadable = await startWith(mistaken, state)

  assert.match(third.found, /^heir; /)
  assert.match(unreadable.found, /^heir; /)
})

test('whatever is written, nothing in force shares a name, a secret or a credential, and every entry that is right is in force', () => {
  const names = ['one', 'two', 'three']
  const some = fc.constantFrom(...names)
  const entry = fc.record({ name: some, secret: some, resource: some, isWrong: fc.boolean() })
  const text = fc.array(entry, { maxLength: 4 }).map((entries) =>
    file(
      ...entries.map(({ name, secret, resource, isWrong }) =>
        target(name, {
          secrets: { [secret]: 'key' },
          resource: `${accounts}/${resource}`,
          ...(isWrong ? wrong : {}),
        }),
      ),
    ),
  )

  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (history) => {
      let last: InForce['definitions'] = []
      for (const each of history) {
        const read = parse(each)
        const { targets, definitions, notApplied } = applied(read, last)
        for (const claim of [
          (t: Target) => t.name,
          (t: Target) => t.address.toLowerCase(),
          (t: Target) => t.secrets[0].name,
        ]) {
          assert.equal(new Set(targets.map(claim)).size, targets.length, each)
        }
        const right = read.entries.flatMap(({ target: valid }) => valid ?? [])
        for (const valid of right) assert.ok(targets.includes(valid))
        const waiting = notApplied.filter(({ standing }) => standing === 'kept').length
        assert.equal(targets.length, right.length + waiting)
        last = definitions
      }
    }),
    { numRuns: 500 },
  )
})

test('of two entries that claim one secret neither is applied, and what was valid before stays', async () => {
  const state = await recordOf(one)

  const { found, source } = await startWith(
    file(target('thief', { secrets: { 'one-key': 'key' } }), target('one')),
    state,
  )

  assert.match(found, /^one; /)
  const now = await source.read()
  assert.ok('targets' in now)
  assert.deepEqual(
    now.notApplied.map(({ target: name, standing }) => `${name} ${standing}`),
    ['thief off', 'one kept'],
  )
})

test('An entry with a misspelt name keeps the definition of its credential', async () => {
  const { found } = await startWith(
    file(target('o ne', { resource: `${accounts}/one`, secrets: { 'one-key': 'key' } }), target('two')),
    await recordOf(both),
  )

  assert.equal(found, 'one two; $.targets[0].name')
})

test('while the record cannot be read a new start applies what is valid, says why, and records nothing', async () => {
  const state = await recordOf(both)
  const before = state.kept.text
  state.kept.away = true
  const broken = file(target('one', wrong), target('two'))

  const { found, read, source, world } = await startWith(broken, state)
  assert.equal(found, 'two; $.targets[0].rotateEvery; targets-last-valid.json')
  state.kept.away = false
  await source.recorded()
  assert.equal(state.kept.text, before)

  world.time = minutes(1)
  assert.equal(await read(), 'one two; $.targets[0].rotateEvery')
})

test('A record that cannot be read is read again once in 15 seconds, however often a broken file is read', async (t) => {
  const root = await folder(t)
  await writeFile(join(root, 'targets.json'), mistaken)
  const { kept, state } = stateBlob()
  kept.away = true
  const time = { now: 0 }
  const clock = { monotonic: () => time.now, now: () => time.now }
  const azure = () => assert.fail('a file needs no Azure')
  const source = targetsSource({ location: 'targets.json', root, clock, parse, azure, state, writes: true })

  for (time.now = 0; time.now < minutes(1); time.now += seconds(1)) await source.read()

  assert.equal(kept.reads, 4)
})

test('the record is written once for each version, and a reader that may not write leaves it alone', async () => {
  const { kept, recorded } = await (async () => {
    const state = stateBlob()
    return await startWith(one, state)
  })()

  await recorded()
  await recorded()

  assert.equal(kept.writes, 1)
  assert.deepEqual(JSON.parse(kept.text!).files, [{ defaults, targets: [target('one')] }])
  const reader = targetsSource({
    location: 'missing.json',
    root: '/nowhere',
    clock: { monotonic: () => 0, now: () => 0 },
    parse,
    azure: () => assert.fail('a file needs no Azure'),
    state: { read: async () => ({ text: kept.text!, etag: '1' }), write: () => assert.fail('nothing may be written') },
    writes: false,
  })
  assert.match(summary(await reader.recorded()), /^one; the file .* does not exist/)
})

test('A change that removes more than half of the targets takes effect, and is recorded for a day', async () => {
  const all = ['aa', 'bb', 'cc', 'dd', 'ee'].map((name) => target(name))
  const state = await recordOf(file(...all))
  const half = await startWith(file(...all.slice(0, 3)), state)
  assert.equal(((await half.source.recorded()) as { removal?: unknown }).removal, undefined)

  const most = await startWith(file(...all.slice(0, 1)), state)
  const now = await most.source.recorded()

  assert.ok('targets' in now)
  assert.equal(now.targets.length, 1)
  assert.deepEqual(now.removal, { at: 0, removed: 2, of: 3 })
  const another = await startWith(file(...all.slice(0, 1)), state)
  const there = await another.source.recorded()
  assert.deepEqual('targets' in there && there.removal, now.removal)
  const back = await startWith(file(...all), state)
  const mended = await back.source.recorded()
  assert.equal('targets' in mended && mended.removal, undefined)
})

test('a record that is not ours is reported, and written anew when a file is accepted', async () => {
  const state = stateBlob()
  state.kept.text = 'an operator’s notes'
  const { found, source, world } = await startWith(file(target('one', wrong)), state)
  assert.match(found, /targets-last-valid\.json/)

  world.answer = { status: 200, body: one, etag: '"7"' }
  world.time = minutes(2)
  await source.recorded()

  assert.match(state.kept.text, /"version":/)
})
