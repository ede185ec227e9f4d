// Room: tests of the edge: where targets.json comes from.

import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createHttpHeaders, type HttpClient, type PipelineRequest, RestError } from '@azure/core-rest-pipeline'
import { createAzureClients } from '../src/azure/clients.ts'
import { clouds } from '../src/azure/clouds.ts'
import { RekeyError } from '../src/rotation/errors.ts'
import { minutes, seconds } from '../src/rotation/target.ts'
import type { ParsedTargets } from '../src/targets.ts'
import { targetsSource } from '../src/targets-source.ts'

const url = 'https://stprod.blob.core.windows.net/config/targets.json'

/** Parsing is another test's matter: here a text stands for itself. */
function parse(text: string): ParsedTargets {
  return { problems: [{ path: text, message: '', remedy: '' }] }
}

/** What a source found: the text, or `unreadable: …`. */
function told(parsed: ParsedTargets): string {
  assert.ok('problems' in parsed)
  const [problem] = parsed.problems
  return problem!.path === 'ROTATION_TARGETS' ? `unreadable: ${problem!.message}` : problem!.path
}

type Answer = { status: number; body?: string; etag?: string; code?: string } | 'no answer'

/** A blob service behind the real pipeline, with a source that reads from it by a clock of its own. */
function remote(credential = { getToken: async () => ({ token: 'token-for-storage', expiresOnTimestamp: 1e15 }) }) {
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
  const clock = { monotonic: () => world.time }
  const source = targetsSource({ location: url, root: '/', clock, parse, azure: () => azure })
  return { world, read: async () => told(await source.read()) }
}

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rekey-targets-'))
  t.after(() => rm(root, { recursive: true }))
  return root
}

test('a blob is read with the app’s identity, at the real address', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'one', etag: '"1"' }

  assert.equal(await read(), 'one')

  const [request] = world.requests
  assert.equal(request?.url, url)
  assert.equal(request.headers.get('authorization'), 'Bearer token-for-storage')
  assert.equal(request.headers.get('x-ms-version'), '2023-11-03')
})

test('a blob is asked about at most once a minute, and then only for what has changed', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'one', etag: '"1"' }
  await read()

  world.time = minutes(1) - 1
  await read()
  assert.equal(world.requests.length, 1)

  world.time = minutes(1)
  assert.equal(await read(), 'one')
  assert.equal(world.requests[1]?.headers.get('if-none-match'), '"1"')

  world.answer = { status: 200, body: 'two', etag: '"2"' }
  world.time = minutes(2)
  assert.equal(await read(), 'two')
  assert.equal(world.requests.length, 3)
})

test('many who ask at once cause one read', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'one', etag: '"1"' }

  const found = await Promise.all(Array.from({ length: 20 }, read))

  assert.deepEqual([...new Set(found)], ['one'])
  assert.equal(world.requests.length, 1)
})

for (const [name, answer] of [
  ['an outage', { status: 503 }],
  ['an answer that took too long', { status: 408 }],
  ['throttling', { status: 429 }],
  ['a network that gives no answer', 'no answer'],
] as const) {
  test(`${name} is bridged for five minutes with the last confirmed copy, and then told`, async () => {
    const { world, read } = remote()
    world.answer = { status: 200, body: 'one', etag: '"1"' }
    await read()
    world.time = minutes(3)
    await read()

    world.answer = answer
    world.time = minutes(8) - 1
    assert.equal(await read(), 'one')
    world.time = minutes(8)
    assert.match(await read(), /^unreadable: the blob cannot be read/)

    world.answer = { status: 200, body: 'two', etag: '"2"' }
    world.time = minutes(8) + seconds(15)
    assert.equal(await read(), 'two')
  })
}

test('a blob that does not answer is asked about no more often: once a minute while a copy stands in, then every 15 seconds', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'one', etag: '"1"' }
  await read()
  world.answer = { status: 503 }
  const [lookAt, answers]: [number[], string[]] = [[], []]

  for (world.time = minutes(1); world.time < minutes(6); world.time += seconds(1)) {
    const before = world.requests.length
    answers.push(await read())
    if (world.requests.length > before) lookAt.push(world.time)
  }

  assert.deepEqual(
    lookAt.map((at) => at / 1000),
    [60, 120, 180, 240, 300, 315, 330, 345],
  )
  assert.deepEqual(new Set(answers.slice(0, 240)), new Set(['one']))
  assert.deepEqual(new Set(answers.slice(240)), new Set(['unreadable: the blob cannot be read: 503']))
})

test('a copy that stands in ends with its five minutes, however short the last look was ago', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'one', etag: '"1"' }
  await read()
  world.answer = { status: 503 }
  world.time = minutes(5) - 1
  await read()

  world.time = minutes(5)

  assert.match(await read(), /^unreadable/)
})

test('a blob that is said to be unchanged, though nobody has seen it yet, is not taken for one', async () => {
  const { world, read } = remote()
  world.answer = { status: 304 }

  assert.match(await read(), /^unreadable: the blob cannot be read: 304/)
})

test('a refusal is asked about again after 15 seconds', async () => {
  const { world, read } = remote()
  world.answer = { status: 404, code: 'BlobNotFound' }
  await read()

  world.answer = { status: 200, body: 'one', etag: '"1"' }
  world.time = seconds(15) - 1
  assert.match(await read(), /^unreadable/)
  world.time = seconds(15)
  assert.equal(await read(), 'one')
})

for (const [status, code] of [
  [403, 'AuthorizationPermissionMismatch'],
  [404, 'BlobNotFound'],
  [301, ''],
] as const) {
  test(`a definite ${status} is told at once, also where there is a copy`, async () => {
    const { world, read } = remote()
    world.answer = { status: 200, body: 'one', etag: '"1"' }
    await read()

    world.answer = { status, code, body: '<Error>canary</Error>' }
    world.time = minutes(1)

    assert.equal(await read(), `unreadable: the blob cannot be read: ${`${status} ${code}`.trim()}`)
  })
}

test('an identity that gets no token is told at once, with its remedy', async () => {
  const refused = new RekeyError('PermissionDenied', {
    message: 'no token is to be had',
    remedy: 'Assign an identity.',
  })
  const { read } = remote({ getToken: () => Promise.reject(refused) })

  assert.equal(await read(), 'unreadable: the blob cannot be read: no token is to be had')
})

test('a new text with mistakes counts: the one before it is not used instead', async () => {
  const { world, read } = remote()
  world.answer = { status: 200, body: 'good', etag: '"1"' }
  await read()

  world.answer = { status: 200, body: 'mistaken', etag: '"2"' }
  world.time = minutes(1)

  assert.equal(await read(), 'mistaken')
})

test('a file beside the app is found by its relative path, and read again when it has changed', async (t) => {
  const root = await folder(t)
  const file = join(root, 'targets.json')
  let parsed = 0
  const source = targetsSource({
    location: './targets.json',
    root,
    clock: { monotonic: () => 0 },
    parse: (text) => {
      parsed += 1
      return parse(text)
    },
    azure: () => assert.fail('a file needs no Azure'),
  })

  await writeFile(file, 'one')
  await utimes(file, 1000, 1000)
  assert.deepEqual([told(await source.read()), told(await source.read()), parsed], ['one', 'one', 1])

  await writeFile(file, 'two')
  await utimes(file, 2000, 2000)
  assert.deepEqual([told(await source.read()), parsed], ['two', 2])
})

test('a file that is not there is told, with where it was looked for and what to do', async (t) => {
  const root = await folder(t)
  const source = targetsSource({
    location: 'targets.json',
    root,
    clock: { monotonic: () => 0 },
    parse,
    azure: () => assert.fail('a file needs no Azure'),
  })

  const parsed = await source.read()

  assert.ok('problems' in parsed)
  assert.equal(told(parsed), `unreadable: there is no file ${join(root, 'targets.json')}`)
  assert.match(parsed.problems[0]!.remedy, /targets\.sample\.json/)
})
