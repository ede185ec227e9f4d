// Every route answers bad input with a problem that has a stable code, and changes nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errorCodes } from '../../../src/engine/rekey-error.ts'
import { nearExpiryEvent } from '../../../src/functions/event-grid/near-expiry-event.ts'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRevocations } from '../../../src/functions/http/commands/start-revocations.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { problems } from '../../../src/functions/http/problem.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { planTarget } from '../../../src/functions/http/status/plan-target.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { listPlan } from '../../../src/functions/http/status/show-plan.ts'
import { targetHistory } from '../../../src/functions/http/status/target-history.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { account, asOfNow, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const commands = { rotate, promote, swap, revoke, repair, startRotations }
const readers = { listPlan, planTarget, listTargets, showTarget, targetHistory, showOperation }
const params = { name: 'vision' }

async function oneTarget(): Promise<World> {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  return made
}

async function assertNothingChanged(made: World): Promise<void> {
  assert.deepEqual(
    made.cloud.history.filter((entry) => entry.effect),
    [],
  )
  assert.equal(await made.depth(), 0)
}

describe('Every command refuses a body that it cannot use, and changes nothing', () => {
  test('A revoke whose note is only spaces is refused with 400: it does not say why', async () => {
    const made = await oneTarget()

    const one = await made.http(revoke, { params, body: { note: '  ' } })
    const many = await made.http(startRevocations, { body: { targets: ['vision'], note: '  ', count: 1 } })

    assert.deepEqual([one.status, many.status], [400, 400])
    assert.match(one.body.detail, /must say why/)
    assert.match(many.body.detail, /must say why/)
    await assertNothingChanged(made)
  })

  const bad: readonly (readonly [name: string, body: unknown, status: number, code: string, says: RegExp])[] = [
    ['Text that is not JSON', '{"note": ', 400, 'BadRequest', /not JSON/],
    ['A list', '[]', 400, 'BadRequest', /^\$: /],
    ['null', 'null', 400, 'BadRequest', /^\$: /],
    ['An unknown field', { note: 'x', forced: true }, 400, 'BadRequest', /\$\.forced: no such field/],
    ['A field of another type', { note: 7 }, 400, 'BadRequest', /\$\.note: /],
    ['A note that is too long', { note: 'n'.repeat(257) }, 400, 'BadRequest', /\$\.note: at most 256 characters/],
    ['A note too long for a tag', { note: '😀'.repeat(129) }, 400, 'BadRequest', /\$\.note: at most 256 characters/],
    ['A note of several lines', { note: 'a\nb' }, 400, 'BadRequest', /\$\.note: no control characters/],
    ['A key twice', '{"note": "a", "note": "b"}', 400, 'BadRequest', /"note" twice/],
    ['A key twice, once escaped', '{"note": "a", "no\\u0074e": "b"}', 400, 'BadRequest', /"note" twice/],
    ['More than 128 KiB', `{"note":"${'n'.repeat(140_000)}"}`, 413, 'BodyTooLarge', /128 KiB/],
  ]
  for (const [name, body, status, code, says] of bad) {
    test(`${name} in a body is refused by every command with ${status}, and nothing is changed`, async () => {
      const made = await oneTarget()

      for (const handler of Object.values(commands)) {
        const answer = await made.http(handler, { params, body })

        assert.equal(answer.status, status)
        assert.equal(answer.headers['content-type'], 'application/problem+json')
        assert.equal(answer.body.code, code)
        assert.equal(answer.body.status, status)
        assert.match(answer.body.detail, says)
        assert.ok(answer.body.remedy)
      }
      await assertNothingChanged(made)
      await made.close()
    })
  }

  test('Headers that are not valid change nothing by any command, and none is answered with a 500', async () => {
    const made = await oneTarget()
    const long = 'x'.repeat(8000)
    for (const handler of Object.values(commands)) {
      for (const name of ['repeatability-request-id', 'repeatability-first-sent']) {
        for (const value of ['', long, '0', '-1', '[object Object]', '\u00ff', '%00', '../..']) {
          const { status, body } = await made.http(handler, { params, headers: { [name]: value } })
          assert.deepEqual([status, body.code], [400, 'BadRequest'], `${name}: ${value.slice(0, 20)}`)
        }
      }
    }
    await assertNothingChanged(made)
    await made.close()
  })

  test('A body that is longer than its Content-Length says is refused while it is read', async () => {
    const made = await oneTarget()
    const body = `{"note":"${'n'.repeat(140_000)}"}`

    const answer = await made.http(rotate, { params, body, headers: { 'content-length': '10' } })

    assert.equal(answer.status, 413)
    await made.close()
  })

  test('A body of exactly 128 KiB is read', async () => {
    const made = await oneTarget()
    const body = '{}'.padEnd(128 * 1024)

    const answers = [
      await made.http(rotate, { params: { name: 'unknown' }, body }),
      await made.http(rotate, { params: { name: 'unknown' }, body: `${body} ` }),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 413],
    )
    await made.close()
  })

  test('A body that is not UTF-8 is refused, rather than read as something else', async () => {
    const made = await oneTarget()

    const answer = await made.http(rotate, { params, body: Buffer.from('{"note":"caf\xe9"}', 'latin1') })

    assert.equal(answer.status, 400)
    assert.match(answer.body.detail, /not UTF-8/)
    await assertNothingChanged(made)
    await made.close()
  })

  test('A problem never quotes what was sent', async () => {
    const made = await oneTarget()

    const answers = [
      await made.http(rotate, { params, body: 'hunter2-not-json' }),
      await made.http(rotate, { params, body: { note: ['hunter2-value'] } }),
      await made.http(revoke, { params, body: {} }),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [400, 400, 400],
    )
    assert.doesNotMatch(JSON.stringify(answers) + JSON.stringify(made.lines), /hunter2/)
    await made.close()
  })

  test('An empty body is an empty object', async () => {
    const made = await oneTarget()

    const answer = await made.http(rotate, { params, body: '' })

    assert.equal(answer.status, 200)
    await made.close()
  })
})

describe('A problem says in plain words what is wrong with a body', () => {
  for (const [body, says] of [
    [{ targets: [] }, '$.targets: needs at least 1 entry'],
    [{ targets: 7 }, '$.targets: must be a list of target names, or "all"'],
    [{ targets: ['n'.repeat(64)] }, '$.targets[0]: may have at most 63 characters'],
    [{}, 'the body must have exactly one of targets, vault, subscription and provider'],
    [{ targets: 'all', note: 7 }, '$.note: must be a string'],
    ['[]', '$: must be an object'],
  ] as const) {
    test(`The problem with the body ${JSON.stringify(body).slice(0, 40)} is: ${says}`, async () => {
      const made = await oneTarget()

      const answer = await made.http(startRotations, { body })

      assert.equal(answer.status, 400)
      assert.equal(answer.body.detail.split(';')[0], says)
      await made.close()
    })
  }
})

describe('A target or a query that does not exist is a problem', () => {
  test('An unknown target is 404 by every route that names one', async () => {
    const made = await oneTarget()

    for (const handler of [rotate, repair, showTarget, planTarget, targetHistory]) {
      const answer = await made.http(handler, { params: { name: 'Vision' } })
      assert.equal(answer.status, 404)
      assert.equal(answer.body.code, 'UnknownTarget')
    }
    for (const handler of [promote, swap]) {
      const answer = await made.http(handler, { params: { name: 'Vision' }, body: asOfNow(made) })
      assert.equal(answer.status, 404)
      assert.equal(answer.body.code, 'UnknownTarget')
    }
    const revoked = await made.http(revoke, { params: { name: 'other' }, body: { note: 'leaked' } })
    assert.equal(revoked.status, 404)
    await assertNothingChanged(made)
    await made.close()
  })

  test('An unknown name is repeated with the one that was probably meant, where it could be a name at all', async () => {
    const made = await oneTarget()

    const near = await made.http(showTarget, { params: { name: 'visoin' } })
    const pasted = await made.http(showTarget, { params: { name: 'AccountKey=c2VjcmV0' } })

    assert.ok(near.body.detail.includes('"visoin"'), near.body.detail)
    assert.ok(near.body.remedy.startsWith('Did you mean vision? '), near.body.remedy)
    assert.ok(!JSON.stringify(pasted.body).includes('c2VjcmV0'))
    await made.close()
  })

  test('When one of many targets is unknown, all unknown names are listed and none is queued', async () => {
    const made = await oneTarget()

    const answer = await made.http(startRotations, { body: { targets: ['vision', 'visoin', 'chat', 'visoin'] } })

    assert.equal(answer.status, 404)
    assert.deepEqual(answer.body.targets, ['visoin', 'chat'])
    assert.equal(answer.body.accepted, false)
    await assertNothingChanged(made)
    await made.close()
  })

  test('A list of a thousand names of the greatest length is read', async () => {
    const made = await oneTarget()
    const targets = Array.from({ length: 1000 }, (_, n) => String(n).padStart(63, 'n'))

    const answer = await made.http(startRotations, { body: { targets, note: 'n'.repeat(256) } })

    const oneMore = await made.http(startRotations, { body: { targets: [...targets, 'vision'] } })
    assert.deepEqual([answer.status, answer.body.targets?.length], [404, 1000])
    assert.equal(oneMore.status, 400)
    assert.match(oneMore.body.detail, /\$\.targets: may have at most 1,000 names, and has 1,001/)
    await made.close()
  })

  test('The function key may be in the query, under the platform’s name for it', async () => {
    const made = await oneTarget()

    const answer = await made.http(listTargets, { query: { code: 'k', clientId: 'default' } })

    assert.equal(answer.status, 200)
    await made.close()
  })

  test('A mistyped query parameter or page is 400', async () => {
    const made = await oneTarget()

    for (const [handler, query] of [
      [listPlan, { tagret: 'vision' }],
      [listTargets, { skipToken: '0' }],
      [listTargets, { skipToken: 'two' }],
      [rotate, { force: 'true' }],
      [showTarget, { createdAfter: '2026-03-01T10:00:00Z' }],
      [showOperation, { page: '1' }],
    ] as const) {
      const answer = await made.http(handler, { params, query })
      assert.equal(answer.status, 400)
      assert.equal(answer.body.code, 'BadRequest')
    }
    await made.close()
  })

  test('A query parameter that is called like a member of every object is unknown like any other: 400', async () => {
    const made = await oneTarget()

    // As the runtime hands it over: the query has lost it, the address has it.
    const answer = await made.http(listTargets, { path: '/targets?__proto__=1', query: {} })

    assert.deepEqual([answer.status, answer.body.code], [400, 'BadRequest'])
    await made.close()
  })

  test('A parameter that occurs twice in one address is 400: neither is ignored in silence', async () => {
    const made = await oneTarget()

    // As the host hands it over: the query has both in one, the address has them as they came.
    const answer = await made.http(listTargets, { path: '/targets?skipToken=a&skipToken=b', query: { skipToken: 'a' } })

    assert.deepEqual([answer.status, answer.body.code], [400, 'BadRequest'])
    await made.close()
  })
})

describe('A bad configuration is a problem on every route, and queued messages wait', () => {
  const mistakes = [
    { name: 'a b', provider: 'cognitive-services', resource: '/subscriptions/x', secrets: { key: 'key' } },
    { name: 'two', provider: 'cognitive-servces', resource: 'x', secrets: { '77': 'key' } },
    { name: 'three', provider: 'defender-sensor', secrets: {}, rotateEvery: 'P2M', validFor: 'P1D' },
    { name: 'four', provider: 'defender-sensor', secrets: { a: 'nothing' }, colour: 'red', vault: 'http://x' },
  ]

  test('Ten mistakes in the configuration are ten problems on every route, health included, with 503', async () => {
    const made = await world(mistakes)

    const healthy = await made.http(health)
    const answers = await Promise.all(
      Object.values({ ...commands, ...readers }).map((handler) => made.http(handler, { params })),
    )

    assert.equal(healthy.status, 503)
    assert.ok(healthy.body.problems.length >= 10, `${healthy.body.problems.length} problems`)
    for (const problem of healthy.body.problems) {
      assert.match(problem.path, /^\$/)
      assert.ok(problem.message && problem.remedy)
    }
    for (const answer of answers) {
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal(answer.body.code, 'BadConfiguration')
      assert.deepEqual(answer.body.problems, healthy.body.problems)
    }
    await made.close()
  })

  test('With a bad configuration the timer fails, and an event is not acknowledged', async () => {
    const made = await world(mistakes)

    await assert.rejects(made.tick(), { name: 'RekeyError', code: 'BadConfiguration', message: /targets\[3\]/ })
    await assert.rejects(nearExpiryEvent({}, made.context(), made.compose), { code: 'BadConfiguration' })
    await made.close()
  })

  test('With a bad configuration messages of the queue wait, as new messages, until it is corrected', async () => {
    const made = await oneTarget()
    await made.http(startRotations, { body: { targets: 'all' } })
    await made.fanOut()
    const [message] = await made.messages()
    await made.writeTargets(Array.from({ length: 300 }, () => ({ nonsense: true })))

    await rotateMessage(message, made.context(), made.compose)

    assert.equal(await made.depth(), 1)
    assert.deepEqual(await made.messages(), [], 'not visible yet')
    const { text } = made.lines.find(({ text }) => text.startsWith('bad configuration: the message waits'))!
    assert.ok(text.length < 10_000, 'each message says no more than how it begins')
    await made.close()
  })

  test('A missing setting is named with the place where it goes, and no message can be put back', async () => {
    const made = await oneTarget()
    await made.http(startRotations, { body: { targets: 'all' } })
    await made.fanOut()
    const [message] = await made.messages()
    delete made.env['AzureWebJobsStorage']
    const { composer } = await import('../../../src/compose.ts')
    const compose = composer({ env: made.env })

    const composed = await compose()

    assert.ok('problems' in composed)
    assert.equal(composed.problems[0]?.path, 'AzureWebJobsStorage')
    assert.match(composed.problems[0]?.remedy ?? '', /local\.settings\.json/)
    await assert.rejects(rotateMessage(message, made.context(), compose), { code: 'BadConfiguration' })
    await made.close()
  })

  test('Once the configuration is corrected, the next call works', async () => {
    const made = await world('{')
    const before = await made.http(listTargets)
    await made.writeTargets([account(made.cloud, 'vision').target])

    const after = await made.http(listTargets)

    assert.equal(before.status, 503)
    assert.equal(after.status, 200)
    await made.close()
  })
})

test('A mistyped secret name never overwrites another owner’s secret', async () => {
  const made = await world()
  const { target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  made.cloud.vault(vaultHost).set('vision-key', 'another owner’s password')

  const answer = await made.http(rotate, { params })
  const queued = await made.http(rotate, { params, headers: { prefer: 'respond-async' } })

  assert.deepEqual([answer.status, answer.body.code], [409, 'Unmanaged'])
  assert.deepEqual([queued.status, queued.body.code], [409, 'Unmanaged'])
  assert.equal(made.cloud.vault(vaultHost).read('vision-key'), 'another owner’s password')
  await made.close()
})

test('Every error code has a status and a title of its own', () => {
  assert.deepEqual(Object.keys(problems).sort(), [...errorCodes].sort())
  assert.equal(new Set(Object.values(problems).map(([, title]) => title)).size, errorCodes.length)
})
