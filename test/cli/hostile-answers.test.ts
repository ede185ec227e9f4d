// Answers that no Rekey gives, answers that are lost, and an app that is not there.

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { run } from './captured-terminal.ts'
import { type Script, scriptedApp } from './scripted-app.ts'

const key = 'a-key-that-must-not-be-shown'

async function appThat(t: TestContext, script: Script) {
  const app = await scriptedApp(script)
  t.after(app.close)
  return { ...app, env: { REKEY_URL: app.url, REKEY_KEY: key } }
}

/** One page of targets. */
const targets = (...names: string[]) => ({ body: { value: names.map((name) => ({ name, status: 'current' })) } })
const problem = (status: number, code: string) => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { status, code, title: 'A title', detail: 'what happened', remedy: 'What to do about it.' },
})

describe('what rekey does with the answers of an app', () => {
  test('Control characters of an answer do not reach the terminal', async (t) => {
    const note = 'a\u001b[2K\u001b]0;title\u0007b\u009bc\u202ed\u2028e\rf\ud800'
    const { env } = await appThat(t, ({ path }) => ({
      body: path.endsWith('history')
        ? { value: [{ createdAt: '2026-11-21T10:00:00Z', note, reason: note }] }
        : { name: note, status: note, secrets: [{ name: note }], lastError: { code: note, message: note } },
    }))

    const lines = [['history'], ['history', '--json'], ['show', 'vision'], ['show', 'vision', '--json']]
    for (const line of lines) {
      const { out, err } = await run(line, { env, columns: 400 })

      assert.doesNotMatch(`${out}${err}`, /[^\n\P{C}]|[\u2028\u2029]/u, line.join(' '))
      assert.match(out, /\\u001b/)
      if (line.includes('--json')) {
        const { lastError, value } = JSON.parse(out)
        assert.equal(lastError?.message ?? value[0].note, note)
      }
    }
  })

  test('Control characters of an error do not reach the terminal', async (t) => {
    const { env } = await appThat(t, () => ({
      ...problem(409, 'Busy\u001b[2K'),
      body: { code: 'Busy\u001b[2K', detail: '\u001b[1A', remedy: '\u001b[1A' },
    }))

    const { err } = await run(['show', 'vision'], { env })

    assert.ok(!err.includes('\u001b'), err)
  })

  test('A next page at another host is refused, and its host gets no request', async (t) => {
    const other = await appThat(t, () => targets('stolen'))
    const { env } = await appThat(t, () => ({
      body: { value: [{ name: 'vision' }], nextLink: `${other.url}/api/targets?skipToken=2` },
    }))

    const { code, err } = await run(['list'], { env })

    assert.equal(code, 6)
    assert.match(err, /another place/)
    assert.deepEqual(other.received, [])
  })

  test('An operation at another host is refused, and its host gets no request', async (t) => {
    const other = await appThat(t, () => ({ body: { id: 'x', status: 'Succeeded' } }))
    const { env } = await appThat(t, () => ({
      status: 202,
      headers: { 'operation-location': `${other.url}/api/operations/x`, 'retry-after': '0' },
      body: { id: 'x', status: 'Running' },
    }))

    const { code } = await run(['repair', 'vision'], { env })

    assert.equal(code, 6)
    assert.deepEqual(other.received, [])
  })

  test('A redirect is not followed, because the key would go along', async (t) => {
    const other = await appThat(t, () => targets('stolen'))
    const { env } = await appThat(t, () => ({ status: 302, headers: { location: `${other.url}/api/targets` } }))

    const { code, err } = await run(['list'], { env })

    assert.equal(code, 6)
    assert.match(err, /redirect/)
    assert.deepEqual(other.received, [])
  })

  test('All pages are one list, with the key sent to each', async (t) => {
    const { env, url, received } = await appThat(t, ({ query }) =>
      query.has('skipToken')
        ? targets('speech')
        : { body: { ...targets('vision').body, nextLink: `${url}/api/targets?skipToken=2` } },
    )

    const { out } = await run(['list', '--json'], { env })

    assert.deepEqual(
      JSON.parse(out).value.map(({ name }: { name: string }) => name),
      ['vision', 'speech'],
    )
    assert.deepEqual(
      received.map(({ headers }) => headers['x-functions-key']),
      [key, key],
    )
  })

  test('A page that names itself as the next one ends with an error instead of never', async (t) => {
    const { env, url } = await appThat(t, () => ({ body: { value: [], nextLink: `${url}/api/targets?skipToken=2` } }))

    assert.equal((await run(['list'], { env })).code, 6)
  })

  test('A command whose answer is lost is sent once more as the same request', async (t) => {
    const { env, received } = await appThat(t, () =>
      received.length === 1 ? 'lost' : { body: { target: 'vision', status: 'changed' } },
    )

    const { code, err } = await run(['rotate', 'vision'], { env })

    assert.equal(code, 0, err)
    const [first, second] = received.map(({ headers, body }) => [
      headers['repeatability-request-id'],
      headers['repeatability-first-sent'],
      body,
    ])
    assert.equal(received.length, 2)
    assert.match(String(first![0]), /^[0-9a-f-]{36}$/)
    assert.deepEqual(first, second)
  })

  test('A command whose answer is lost twice says that its result is not known, with exit code 6', async (t) => {
    const { env, received } = await appThat(t, () => 'lost')

    const { code, err } = await run(['rotate', 'vision'], { env })

    assert.equal(code, 6)
    assert.match(err, /not known whether/)
    assert.equal(received.length, 2)
  })

  test('A repeated command that meets the first one waits for its result', async (t) => {
    const answers = [
      'lost',
      { ...problem(409, 'Busy'), headers: { 'retry-after': '0' } },
      { body: { status: 'changed' } },
    ] as const
    const { env, received } = await appThat(t, () => answers[received.length - 1]!)

    const { code } = await run(['rotate', 'vision'], { env })

    assert.equal(code, 0)
    assert.equal(new Set(received.map(({ headers }) => headers['repeatability-request-id'])).size, 1)
  })

  for (const status of [500, 502, 503, 504]) {
    test(`HTTP ${status} from the platform in place of the app counts as a lost answer`, async (t) => {
      const { env, received } = await appThat(t, () =>
        received.length === 1 ? { status, body: '<html>' } : { body: { status: 'changed' } },
      )

      assert.equal((await run(['rotate', 'vision'], { env })).code, 0)
      assert.equal(received.length, 2)
    })
  }

  test('A command that Rekey refused is not sent again', async (t) => {
    const { env, received } = await appThat(t, () => problem(503, 'ServiceUnavailable'))

    assert.equal((await run(['rotate', 'vision'], { env })).code, 1)
    assert.equal(received.length, 1)
  })

  const ends: readonly [status: number, code: string, exit: number][] = [
    [400, 'BadRequest', 2],
    [400, 'NotSupported', 3],
    [403, 'Forbidden', 5],
    [404, 'UnknownTarget', 4],
    [409, 'Cooling', 3],
    [412, 'NotRepeatable', 3],
    [415, 'UnsupportedMediaType', 2],
    [429, 'Throttled', 1],
    [500, 'Internal', 1],
    [502, 'PermissionDenied', 1],
    [503, 'BadConfiguration', 1],
  ]
  for (const [status, code, exit] of ends) {
    test(`A problem ${status} ${code} ends with exit code ${exit}, its detail and what to do`, async (t) => {
      const { env } = await appThat(t, () => problem(status, code))

      const people = await run(['rotate', 'vision'], { env })
      const script = await run(['rotate', 'vision', '--json'], { env })

      assert.deepEqual([people.code, script.code], [exit, exit])
      assert.equal(people.out, '')
      for (const said of [code, 'what happened', 'What to do about it.'])
        assert.ok(people.err.includes(said), people.err)
      assert.equal(JSON.parse(script.out).code, code)
    })
  }

  const strange: readonly [what: string, answer: ReturnType<Script>, exit: number][] = [
    ['401 without a body, as the host answers a wrong key', { status: 401, body: '' }, 5],
    ['403 without a body, as a stopped app answers', { status: 403, body: '' }, 5],
    ['404 without a body, as the host answers an unknown route', { status: 404, body: '' }, 6],
    ['a web page', { status: 200, body: '<html>' }, 6],
    ['JSON that is no object', { status: 200, body: '"text"' }, 6],
  ]
  for (const [what, answer, exit] of strange) {
    test(`An app that answers ${what} ends with exit code ${exit} and what to do`, async (t) => {
      const { env } = await appThat(t, () => answer)

      const { code, err } = await run(['show', 'vision'], { env })

      assert.equal(code, exit, err)
      assert.match(err, /What to do/)
    })
  }

  test('Members of the wrong type are shown as they are, and end nothing', async (t) => {
    const odd = {
      value: [{ name: 1, status: { a: 1 }, secrets: 'none', lastError: 7, checks: 3, slots: {} }],
      checks: 'none',
      counts: 1,
      steps: 5,
      commands: 'all',
      rights: 2,
    }
    const { env } = await appThat(t, () => ({ body: odd }))

    for (const line of [
      ['list'],
      ['show', 'vision'],
      ['plan', 'vision'],
      ['plan'],
      ['health'],
      ['providers'],
      ['history'],
      ['operations'],
      ['operation', 'x'],
      ['discover'],
    ]) {
      const { code, err } = await run(line, { env })

      assert.equal(code, 0, `${line.join(' ')}: ${err}`)
    }
  })

  test('An app that is not there ends with exit code 6 at once', async (t) => {
    const { env, close } = await appThat(t, () => targets())
    await close()

    const { code, err } = await run(['list'], { env })

    assert.equal(code, 6)
    assert.match(err, /cannot be reached: ECONNREFUSED/)
  })

  test('--verbose shows each request, and neither the key nor a body', async (t) => {
    const { env } = await appThat(t, () => targets('vision'))

    const { err } = await run(['list', '--status', 'due', '--verbose'], { env })

    assert.match(err, /GET \/api\/targets\?status=due&api-version=[\d-]+: 200, \d+ ms/)
    assert.ok(!err.includes(key))
  })
})
