// What commands send, what they ask before, and how they follow an operation.

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { run } from './captured-terminal.ts'
import { type Script, type Scripted, scriptedApp } from './scripted-app.ts'

async function appThat(t: TestContext, script: Script) {
  const app = await scriptedApp(script)
  t.after(app.close)
  const posts = () => app.received.filter(({ method }) => method === 'POST')
  return { ...app, posts, env: { REKEY_URL: app.url, REKEY_KEY: 'key' } }
}

const done = { body: { target: 'vision', status: 'changed' } }
/** A target with a current version, for what reads it first; every command is done at once. */
const willing: Script = ({ method }) =>
  method === 'GET' ? { body: { name: 'vision', version: 'abc123', slot: 'Key1' } } : done

describe('commands that ask before they do it', () => {
  const destructive: readonly (readonly string[])[] = [
    ['revoke', 'vision', '--note', 'leaked'],
    ['promote', 'vision'],
    ['swap', 'vision'],
    ['rotate', 'vision', '--force'],
    ['rotate', 'vision', 'speech'],
    ['rotate', '--all'],
  ]
  for (const line of destructive) {
    test(`"${line.join(' ')}" changes nothing without a confirmation, and asks naming its targets`, async (t) => {
      const { env, posts } = await appThat(t, willing)

      const silent = await run(line, { env })
      const refused = await run(line, { env, typed: 'n\n' })
      const ended = await run(line, { env, typed: '' })

      assert.deepEqual([silent.code, refused.code, ended.code], [2, 2, 2])
      assert.match(silent.err, /--yes/)
      assert.match(refused.err, line.includes('--all') ? /all targets\? \[y\/N\]/ : /vision[^\n]*\? \[y\/N\]/)
      assert.deepEqual(posts(), [])
    })

    test(`"${line.join(' ')}" is carried out once confirmed, by "y" or by --yes`, async (t) => {
      const { env, posts } = await appThat(t, willing)

      const typed = await run(line, { env, typed: 'y\n' })
      const forced = await run([...line, '--yes'], { env })

      assert.deepEqual([typed.code, forced.code], [0, 0], typed.err)
      assert.equal(posts().length, 2)
    })
  }

  test('A rotation and a repair of one target do not ask: the previous key stays valid', async (t) => {
    const { env, posts } = await appThat(t, willing)

    assert.equal((await run(['rotate', 'vision'], { env })).code, 0)
    assert.equal((await run(['repair', 'vision'], { env })).code, 0)
    assert.equal(posts().length, 2)
  })

  for (const verb of ['promote', 'swap']) {
    test(`${verb} reads the current version, shows it and names it in the request`, async (t) => {
      const { env, posts } = await appThat(t, willing)

      const { err } = await run([verb, 'vision', '--note', 'back', '--yes'], { env })

      assert.match(err, /version abc123 of slot Key1/)
      assert.deepEqual(
        [posts()[0]!.path, posts()[0]!.body],
        [`/api/targets/vision/${verb}`, { from: 'abc123', note: 'back' }],
      )
    })
  }

  test('promote --from names that version, and reads none', async (t) => {
    const { env, received } = await appThat(t, willing)

    await run(['promote', 'vision', '--from', 'def456', '--yes'], { env })

    assert.deepEqual(
      received.map(({ method, body }) => [method, body]),
      [['POST', { from: 'def456' }]],
    )
  })

  test('promote of a target without a version is refused before anything is sent', async (t) => {
    const { env, posts } = await appThat(t, () => ({ body: { name: 'vision' } }))

    assert.equal((await run(['promote', 'vision', '--yes'], { env })).code, 3)
    assert.deepEqual(posts(), [])
  })
})

describe('what commands send', () => {
  const lines: readonly [line: readonly string[], path: string, body: object][] = [
    [
      ['rotate', 'vision', '--note', 'planned', '--force', '--yes'],
      'targets/vision/rotate',
      { note: 'planned', force: true },
    ],
    [['rotate', 'vision', 'speech', '--yes'], 'rotations', { targets: ['vision', 'speech'] }],
    [['rotate', '--all', '--yes'], 'rotations', { targets: 'all' }],
    [['rotate', '--vault', 'https://kv.invalid', '--yes'], 'rotations', { vault: 'https://kv.invalid' }],
    [['rotate', '--provider', 'cosmos-db', '--yes'], 'rotations', { provider: 'cosmos-db' }],
    [['rotate', '--subscription', 'guid', '--yes'], 'rotations', { subscription: 'guid' }],
    [['repair', 'vision'], 'targets/vision/repair', {}],
    [
      ['revoke', 'hub', '--note', 'stolen', '--at-once', '--yes'],
      'targets/hub/revoke',
      { note: 'stolen', atOnce: true },
    ],
  ]
  for (const [line, path, body] of lines) {
    test(`"${line.join(' ')}" is POST ${path} with JSON and a request id`, async (t) => {
      const { env, posts } = await appThat(t, () => done)

      await run(line, { env })

      const [sent] = posts()
      assert.deepEqual([sent!.path, sent!.body], [`/api/${path}`, body])
      assert.equal(sent!.headers['content-type'], 'application/json')
      assert.match(String(sent!.headers['repeatability-request-id']), /^[0-9a-f-]{36}$/)
      assert.equal(sent!.headers.prefer, undefined)
    })
  }

  test('revoke-many makes a dry run, shows it, and repeats its count once confirmed', async (t) => {
    const { env, posts } = await appThat(t, ({ body }) =>
      body.dryRun ? { body: { count: 2, targets: ['vision', 'speech'], disabled: 1 } } : done,
    )

    const { code, out, err } = await run(['revoke-many', '--vault', 'https://kv.invalid', '--note', 'leaked'], {
      env,
      typed: 'yes\n',
    })

    assert.equal(code, 0, err)
    assert.match(out, /vision, speech/)
    assert.match(err, /2 targets/)
    const request = { vault: 'https://kv.invalid', note: 'leaked' }
    assert.deepEqual(
      posts().map(({ path, body }) => [path, body]),
      [
        ['/api/revocations', { ...request, dryRun: true }],
        ['/api/revocations', { ...request, count: 2 }],
      ],
    )
    const ids = posts().map(({ headers }) => headers['repeatability-request-id'])
    assert.notEqual(ids[0], ids[1])
  })

  test('revoke-many of no target asks nothing: the app says why there is none', async (t) => {
    const { env } = await appThat(t, ({ body }) =>
      body.dryRun ? { body: { count: 0, targets: [] } } : { status: 409, body: { code: 'Disabled', detail: 'none' } },
    )

    assert.equal((await run(['revoke-many', '--all', '--note', 'leaked'], { env })).code, 3)
  })

  test('revoke-many --dry-run only shows which targets these are', async (t) => {
    const { env, posts } = await appThat(t, () => ({ body: { count: 1, targets: ['vision'] } }))

    const line = ['revoke-many', 'vision', '--note', 'leaked', '--at-once', '--dry-run', '--json']
    const { code, out } = await run(line, { env })

    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(out), { count: 1, targets: ['vision'] })
    assert.deepEqual(
      posts().map(({ body }) => body),
      [{ targets: ['vision'], note: 'leaked', atOnce: true, dryRun: true }],
    )
  })
})

describe('operations', () => {
  /** A command that is accepted, and these states of its operation, one for each poll. */
  function operation(...states: (Record<string, unknown> | 'lost')[]): Script {
    return ({ method }, url) => {
      if (method === 'POST') return accepted(url)
      const state = states.length > 1 ? states.shift()! : states[0]!
      return state === 'lost' ? state : { headers: { 'retry-after': '0' }, body: { id: 'op-1', ...state } }
    }
  }
  const accepted = (url: string): Scripted => ({
    status: 202,
    headers: { 'operation-location': `${url}/api/operations/op-1?api-version=1`, 'retry-after': '0' },
    body: { id: 'op-1', status: 'NotStarted', target: 'hub' },
  })

  test('A command that is accepted is followed until it succeeds', async (t) => {
    const { env, received } = await appThat(
      t,
      operation({ status: 'Running' }, { status: 'Succeeded', result: { name: 'hub', slot: 'primary' } }),
    )

    const { code, out, err } = await run(['repair', 'hub'], { env })

    assert.equal(code, 0)
    assert.match(out, /status +Succeeded[\s\S]*slot +primary/)
    assert.match(err, /operation op-1/)
    assert.deepEqual(
      received.slice(1).map(({ path, query }) => `${path}?${query}`),
      Array(2).fill('/api/operations/op-1?api-version=1'),
    )
  })

  test('A command that fails later ends with exit code 1 and what to do', async (t) => {
    const error = { code: 'PermissionDenied', message: 'no right', remedy: 'Grant it.' }
    const { env } = await appThat(t, operation({ status: 'Failed', error }))

    const people = await run(['repair', 'hub'], { env })
    const script = await run(['repair', 'hub', '--json'], { env })

    assert.deepEqual([people.code, script.code], [1, 1])
    assert.match(people.out, /PermissionDenied: no right[\s\S]*Grant it\./)
    assert.deepEqual(JSON.parse(script.out).error, error)
  })

  test('Progress of a list says how many targets are done, on stderr', async (t) => {
    const counts = { total: 9, succeeded: 4, failed: 0, running: 5 }
    const { env } = await appThat(
      t,
      operation(
        { status: 'Running', counts },
        { status: 'Succeeded', counts: { ...counts, succeeded: 9, running: 0 } },
      ),
    )

    const { err, out } = await run(['rotate', '--all', '--yes'], { env })

    assert.match(out, /9 of 9 done/)
    assert.match(err, /NotStarted/)
  })

  test('A poll whose answer is lost does not end the waiting', async (t) => {
    const { env } = await appThat(t, operation({ status: 'Running' }, 'lost', 'lost', { status: 'Succeeded' }))

    assert.equal((await run(['repair', 'hub'], { env })).code, 0)
  })

  test('A poll that the app cannot answer now does not end the waiting either', async (t) => {
    const states = operation({ status: 'Running' }, { status: 'Succeeded' })
    const busy = { status: 503, headers: { 'retry-after': '0' }, body: { status: 503, code: 'ServiceUnavailable' } }
    const { env, received } = await appThat(t, (request, url) => (received.length === 3 ? busy : states(request, url)))

    assert.equal((await run(['repair', 'hub'], { env })).code, 0)
    assert.equal(received.length, 4)
  })

  test('A Retry-After of years is not waited for longer than --timeout, and one of nothing not in a tight loop', async (t) => {
    const slow = await appThat(t, (_, url) => ({
      ...accepted(url),
      headers: { ...accepted(url).headers!, 'retry-after': '99999999999' },
    }))
    const hasty = await appThat(t, operation({ status: 'Running' }))

    assert.equal((await run(['repair', 'hub', '--timeout', '1s'], slow)).code, 7)
    assert.equal((await run(['repair', 'hub', '--timeout', '1s'], hasty)).code, 7)
    assert.equal(slow.received.length, 2)
    assert.ok(hasty.received.length < 15, `${hasty.received.length}`)
  })

  test('After --timeout the command ends with exit code 7, and says how to go on waiting', async (t) => {
    const { env } = await appThat(t, ({ method }, url) =>
      method === 'POST'
        ? { ...accepted(url), headers: { ...accepted(url).headers!, 'retry-after': '30' } }
        : { body: { id: 'op-1', status: 'Running' } },
    )

    const { code, err } = await run(['repair', 'hub', '--timeout', '0s'], { env })

    assert.equal(code, 7)
    assert.match(err, /operation op-1 --wait/)
  })

  test('--no-wait asks for an operation, and prints it with its address', async (t) => {
    const { env, received, url } = await appThat(t, operation({ status: 'Running' }))

    const { code, out } = await run(['rotate', 'hub', '--no-wait', '--json'], { env })

    assert.equal(code, 0)
    const { id, operationLocation } = JSON.parse(out)
    assert.deepEqual([id, operationLocation], ['op-1', `${url}/api/operations/op-1?api-version=1`])
    assert.equal(received.length, 1)
    assert.equal(received[0]!.headers.prefer, 'respond-async')
  })

  test('operation shows one by its id or its address, and with --wait follows it', async (t) => {
    const { env, url } = await appThat(
      t,
      operation({ status: 'Running' }, { status: 'Running' }, { status: 'Running' }, { status: 'Succeeded' }),
    )

    const byId = await run(['operation', 'op-1'], { env })
    const byAddress = await run(['operation', `${url}/api/operations/op-1`], { env })
    const waited = await run(['operation', 'op-1', '--wait'], { env })

    assert.match(byId.out, /Running/)
    assert.match(byAddress.out, /Running/)
    assert.match(waited.out, /Succeeded/)
    assert.equal((await run(['operation', 'https://elsewhere.invalid/api/operations/op-1'], { env })).code, 6)
  })
})

describe('history as CSV', () => {
  test('history --csv prints every page under one header, as the app wrote it', async (t) => {
    const { env, received } = await appThat(t, ({ query }, url) => ({
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        ...(query.has('skipToken') ? {} : { link: `<${url}/api/history?skipToken=2>; rel="next"` }),
      },
      body: `target,note\r\nvision,"${query.has('skipToken') ? 'second' : 'a\r\nb'}"\r\n`,
    }))

    const { code, out } = await run(['history', '--csv'], { env })

    assert.equal(code, 0)
    assert.equal(out, 'target,note\r\nvision,"a\r\nb"\r\nvision,"second"\r\n')
    assert.deepEqual(
      received.map(({ headers }) => headers.accept),
      ['text/csv', 'text/csv'],
    )
  })
})

describe('health', () => {
  test('health counts what passed, and says once what to do about failures that have one remedy', async (t) => {
    const error = { code: 'PermissionDenied', message: 'no right', remedy: 'az role assignment create' }
    const checks = [
      { check: 'permissions: batch', place: 'a', status: 'ok' },
      { check: 'permissions: maps', place: 'b', status: 'ok' },
      { check: 'permissions: relay', place: 'c', status: 'failed', error },
      { check: 'permissions: redis', place: 'd', status: 'failed', error },
    ]
    const { env } = await appThat(t, () => ({ status: 503, body: { status: 'unhealthy', checks } }))

    const { code, out } = await run(['health'], { env })

    assert.equal(code, 1)
    assert.match(out, /permissions +2 of 4 +ok/)
    assert.match(out, /FAILED permissions: relay, c: no right[^\n]*\nFAILED permissions: redis, d/)
    assert.equal(out.split('az role assignment create').length, 2)
  })
})

test('A list of which a part could not be read says so on stderr, with all pages together, and ends with exit code 1', async (t) => {
  const missing = (target: string) => [{ target, code: 'ServiceUnavailable', message: 'no answer' }]
  const { env } = await appThat(t, ({ query }, url) =>
    query.has('skipToken')
      ? { body: { value: [{ target: 'c' }], notRead: missing('d') } }
      : { body: { value: [{ target: 'a' }], notRead: missing('b'), nextLink: `${url}/api/history?skipToken=2` } },
  )

  const people = await run(['history'], { env })
  const script = await run(['history', '--json'], { env })

  assert.deepEqual([people.code, script.code], [1, 1])
  assert.match(people.err, /Not read: b: no answer \(ServiceUnavailable\)\nNot read: d/)
  assert.deepEqual(JSON.parse(script.out), {
    value: [{ target: 'a' }, { target: 'c' }],
    notRead: [...missing('b'), ...missing('d')],
  })
})
