// The rotations or revokes of many targets: one message stands for the list, and every request of it is queued whatever stops on the way.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { HttpRequest, InvocationContext } from '@azure/functions'
import type { App, Compose } from '../../src/compose.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { answer } from '../../src/functions/http/answer-request.ts'
import { startRevocations } from '../../src/functions/http/commands/start-revocations.ts'
import { startRotations } from '../../src/functions/http/commands/start-rotations.ts'
import { mostDeliveries, rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { type LargeFleet, largeFleet } from '../scale/scale-fleet.ts'

const context = () => new InvocationContext({ logHandler: () => undefined })
/** More than one part. */
const targets = 1003
const uuid = '0b7c7c3e-58a1-4f0c-8d0a-2f0a4f6d9c11'

type Kind = 'rotations' | 'revocations'
const started = {
  rotations: { handler: startRotations, body: { targets: 'all' } },
  revocations: { handler: startRevocations, body: { targets: 'all', note: 'the vault leaked' } },
}

function rotateAll(fleet: LargeFleet) {
  return requestAll(fleet, 'rotations')
}

async function requestAll({ compose, cloud }: LargeFleet, kind: Kind, count = targets) {
  const headers = {
    'content-type': 'application/json',
    'Repeatability-Request-ID': uuid,
    'Repeatability-First-Sent': new Date(cloud.clock.now()).toUTCString(),
  }
  const { handler, body: asked } = started[kind]
  const body = kind === 'revocations' ? { ...asked, count } : asked
  const url = `http://127.0.0.1/api/${kind}`
  const request = new HttpRequest({ method: 'POST', url, headers, body: { string: JSON.stringify(body) } })
  return await answer(handler, request, context(), compose)
}

interface Crash {
  /** Before which effect the process ends, counted from 0, or after it. */
  readonly at: number
  readonly when: 'before' | 'after'
}

/** A process that ends at one of its effects, and does nothing after that. */
function crashing(
  compose: Compose,
  { at, when }: Crash,
): { readonly compose: Compose; readonly effects: () => number } {
  let count = 0
  let ended = false
  const guarded =
    <Args extends unknown[], Result>(effect: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const mine = count++
      if (ended || (mine === at && when === 'before')) ended = true
      if (ended) throw new Error('the process ended')
      const result = await effect(...args)
      if (mine !== at) return result
      ended = true
      throw new Error('the process ended')
    }
  const wrap = (app: App): App => ({
    ...app,
    queue: { ...app.queue, send: guarded(app.queue.send), sendPart: guarded(app.queue.sendPart) },
    operations: { ...app.operations, create: guarded(app.operations.create) },
  })
  return {
    compose: async () => {
      const composed = await compose()
      return 'app' in composed ? { app: wrap(composed.app) } : composed
    },
    effects: () => count,
  }
}

/** Handles each list's message once, on a process that crashes, and then again on one that does not. */
async function deliverLists(fleet: LargeFleet, crash: Crash): Promise<number> {
  const { compose, effects } = crashing(fleet.compose, crash)
  const handled = new Set<string>()
  for (;;) {
    const next = fleet.messages().find((message) => 'list' in message && !handled.has(JSON.stringify(message)))
    if (next === undefined) return effects()
    await rotateMessage(next, context(), compose).catch(() => undefined)
    await rotateMessage(next, context(), fleet.compose)
    handled.add(JSON.stringify(next))
  }
}

function queuedIds(fleet: LargeFleet): readonly string[] {
  return fleet.messages().flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
}

test('Ten thousand targets are accepted with one message and one record', async () => {
  const fleet = largeFleet({ targets: 10_000, vaults: 4, age: 10 })
  const before = performance.now()

  const { status } = await rotateAll(fleet)

  // Far more than it takes, on a busy machine as well; one message for each target took minutes.
  assert.ok(performance.now() - before < 20_000)
  assert.equal(status, 202)
  assert.deepEqual(fleet.messages(), [{ v: 1, list: uuid }])
  fleet.close()
})

const last = 500
for (const [kind, points] of [
  // The messages of the parts, requests at both ends and in between, the record of the part, and the part after it.
  ['rotations', [0, 1, 2, 3, 250, last, last + 1, last + 2, last + 3, 2 * last + 3]],
  ['revocations', [0, 2, 250, last + 1, last + 2]],
] as const) {
  test(`A list of ${kind} delivered by a process that ends before or after any of its effects is queued whole, each request with one id`, async () => {
    for (const when of ['before', 'after'] as const) {
      for (const at of points) {
        const fleet = largeFleet({ targets, vaults: 1, age: 10 })
        await requestAll(fleet, kind)

        await deliverLists(fleet, { at, when })

        const ids = new Set(queuedIds(fleet))
        assert.equal(ids.size, targets, `${when} ${at}`)
        assert.ok([...ids].every((id) => id.startsWith(`${uuid}.`)))
        fleet.close()
      }
    }
  })
}

test('A list of revokes that two workers handle at the same time is queued whole, and every key is replaced once', async () => {
  const fleet = largeFleet({ targets: 12, vaults: 1, age: 10 })
  await requestAll(fleet, 'revocations', 12)
  const message = fleet.take(fleet.cloud.clock.now())

  await Promise.all([1, 2].map(() => rotateMessage(message, context(), fleet.compose, 'rekey-revocations')))
  const ids = new Set(queuedIds(fleet))
  await fleet.drain(fleet.cloud.clock.now() + 3_600_000)

  const made = fleet.cloud.history.filter(({ operation, effect }) => effect && operation.endsWith('/regenerateKey'))
  assert.deepEqual([ids.size, made.length], [12, 24])
  fleet.close()
})

test('Whatever fails for good while a list of revokes is queued, its message goes on ten minutes later, in the queue of revokes', async () => {
  const fleet = largeFleet({ targets, vaults: 1, age: 10 })
  await requestAll(fleet, 'revocations')
  const began = fleet.cloud.clock.now()
  const denied: Compose = async () => {
    const composed = await fleet.compose()
    assert.ok('app' in composed)
    const create = async () => {
      throw new RekeyError('PermissionDenied', { message: 'PUT blob: 403' })
    }
    return { app: { ...composed.app, operations: { ...composed.app.operations, create } } }
  }

  const first = fleet.take(began)
  await rotateMessage(first, context(), denied, 'rekey-revocations')
  const parts = fleet.messages().filter((message) => 'list' in message)
  for (const message of parts) await rotateMessage(message, context(), fleet.compose, 'rekey-revocations')

  assert.deepEqual(first, { v: 1, list: uuid, revokes: true })
  assert.deepEqual(parts, [
    { v: 1, list: uuid, part: 1, revokes: true },
    { v: 1, list: uuid, part: 2, revokes: true },
    { v: 1, list: uuid, part: 0, from: 500, revokes: true },
  ])
  assert.equal(new Set(queuedIds(fleet)).size, targets)
  fleet.close()
})

test('A list delivered again when it is queued queues nothing', async () => {
  const fleet = largeFleet({ targets, vaults: 1, age: 10 })
  await rotateAll(fleet)
  await deliverLists(fleet, { at: -1, when: 'before' })
  const before = queuedIds(fleet).length

  await rotateMessage({ v: 1, list: uuid }, context(), fleet.compose)
  await rotateMessage({ v: 1, list: uuid, part: 2 }, context(), fleet.compose)

  assert.deepEqual([before, queuedIds(fleet).length], [targets, targets])
  fleet.close()
})

test('A list whose storage fails for a while goes on from there with a new message, which does not count as failing', async () => {
  const fleet = largeFleet({ targets, vaults: 1, age: 10 })
  await rotateAll(fleet)
  const failing: Compose = async () => {
    const composed = await fleet.compose()
    assert.ok('app' in composed)
    const create = async () => {
      throw new RekeyError('ServiceUnavailable', { message: 'PUT blob: no answer', retryAfter: 1000 })
    }
    return { app: { ...composed.app, operations: { ...composed.app.operations, create } } }
  }

  await rotateMessage({ v: 1, list: uuid, part: 1 }, context(), failing)

  const lists = fleet.messages().filter((message) => 'list' in message)
  assert.deepEqual(lists.at(-1), { v: 1, list: uuid, part: 1, from: 1000 })
  assert.equal(new Set(queuedIds(fleet)).size, 500)
  fleet.close()
})

test('One request for many that is sent twice at the same time stores one list, and each target is rotated once', async () => {
  const fleet = largeFleet({ targets: 8, vaults: 1, age: 10 })

  const answers = await Promise.all([rotateAll(fleet), rotateAll(fleet)])
  await fleet.drain(fleet.cloud.clock.now() + 3_600_000)

  const rotated = fleet.cloud.history.filter(({ operation, effect }) => effect && operation.endsWith('/regenerateKey'))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202],
  )
  assert.equal(rotated.length, 8)
  fleet.close()
})

test('The last delivery that the handler counts with is the host’s', async () => {
  const host = JSON.parse(await readFile(new URL('../../host.json', import.meta.url), 'utf8'))

  assert.equal(host.extensions.queues.maxDequeueCount, mostDeliveries)
})
