// Requests through Azurite's queue, and the text of their messages.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import fc from 'fast-check'
import {
  createRequestQueue,
  encodeMessage,
  parseRequest,
  requestQueue,
  revocationQueue,
} from '../../src/azure/request-queue.ts'
import { openStorage } from '../../src/azure/storage.ts'
import { errorCodes } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { Secret } from '../../src/engine/secret.ts'
import { days, seconds } from '../../src/engine/target.ts'
import { type Azurite, startAzurite } from '../started-azurite.ts'

const seed = Number(process.env['SEED'] ?? 20_261_121)
const now = Date.UTC(2026, 10, 21, 3, 4, 5, 678)
const resync: RotationRequest = { id: 'r1', target: 'vision', actor: 'schedule', expiresAt: now + days(1) }
const at = fc.integer({ min: 0, max: Date.UTC(2037, 0, 1) })
const slotFrom = fc.record({ slot: fc.string({ minLength: 1 }), from: fc.string({ minLength: 1 }) })
const word = fc.string({ minLength: 1, unit: 'grapheme' })
const requests = fc.record(
  {
    id: word,
    target: word,
    actor: word,
    note: fc.string(),
    createdAfter: at,
    force: fc.boolean(),
    promote: slotFrom,
    swap: slotFrom,
    revokeBefore: at,
    atOnce: fc.boolean(),
    failedWith: fc.constantFrom(...errorCodes),
    ignoreWindow: fc.boolean(),
    expiresAt: at,
  },
  { requiredKeys: ['id', 'target', 'actor', 'expiresAt'] },
)

const text = (message: string) => Buffer.from(message, 'base64').toString()

test(`A request is decoded as it was sent, from text and from what the host parsed (seed ${seed})`, () => {
  fc.assert(
    fc.property(requests, (request) => {
      const sent = text(encodeMessage(request))

      assert.deepEqual(parseRequest(sent), structuredClone(request))
      assert.deepEqual(parseRequest(JSON.parse(sent)), structuredClone(request))
    }),
    { seed },
  )
})

test('A message is versioned JSON with times as ISO 8601', () => {
  assert.equal(
    text(encodeMessage({ ...resync, createdAfter: now })),
    '{"v":1,"id":"r1","target":"vision","actor":"schedule","createdAfter":"2026-11-21T03:04:05.678Z","expiresAt":"2026-11-22T03:04:05.678Z"}',
  )
})

function withField(name: string, value: unknown): string {
  return JSON.stringify({ v: 1, id: 'a', target: 't', actor: 'x', expiresAt: '2026-11-21T00:00:00Z', [name]: value })
}

for (const [what, message, place] of [
  ['no JSON', '{"v":1,', '$'],
  ['another version', '{"v":2,"id":"a","target":"t","actor":"x","expiresAt":"2026-11-21T00:00:00Z"}', '$.v'],
  ['a time that is none', '{"v":1,"id":"a","target":"t","actor":"x","expiresAt":"soon"}', '$.expiresAt'],
  ['an unknown field', '{"v":1,"id":"a","target":"t","actor":"x","expiresAt":"2026-11-21T00:00:00Z","burn":true}', '$'],
  [
    'a promote without its version',
    '{"v":1,"id":"a","target":"t","actor":"x","expiresAt":"2026-11-21T00:00:00Z","promote":{"slot":"Key1"}}',
    '$.promote.from',
  ],
  ['a very long id', withField('id', 'a'.repeat(257)), '$.id'],
  ['an id of two lines', withField('id', 'a\nb'), '$.id'],
  ['an actor with control characters', withField('actor', 'ada\u001b[2J'), '$.actor'],
  ['a very long actor', withField('actor', 'a'.repeat(129)), '$.actor'],
  ['a note of two lines', withField('note', 'a\u2028b\nc'), '$.note'],
  ['a very long name of a target', withField('target', 't'.repeat(64)), '$.target'],
  ['a slot with control characters', withField('promote', { slot: 'Key1\u0000', from: 'v' }), '$.promote.slot'],
] as const) {
  test(`A message that has ${what} is refused at ${place}`, () => {
    assert.throws(
      () => parseRequest(message),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BadRequest')
        assert.ok(error.message.includes(`${place}: `), error.message)
        return true
      },
    )
  })
}

test('A message that cannot be read names its own queue, and the poison queue where it can be found', () => {
  assert.throws(
    () => parseRequest('no message', revocationQueue),
    (error: Error & { details?: { remedy?: string } }) =>
      /rekey-revocations cannot be read/.test(error.message) &&
      /rekey-revocations-poison/.test(error.details?.remedy ?? ''),
  )
})

describe('The queue of requests', () => {
  let azurite: Azurite
  before(async () => {
    azurite = await startAzurite()
  })
  after(() => azurite.close())

  async function emptied() {
    const noCredential = () => assert.fail('a connection string needs no credential')
    const queue = createRequestQueue(
      openStorage({ by: 'connectionString', connectionString: Secret.of(azurite.connectionString) }, noCredential),
    )
    const service = QueueServiceClient.fromConnectionString(azurite.connectionString)
    const [raw, revocations] = [requestQueue, revocationQueue].map((name) => service.getQueueClient(name)) as [
      QueueClient,
      QueueClient,
    ]
    await Promise.all([raw.deleteIfExists(), revocations.deleteIfExists()])
    return { queue, raw, revocations }
  }

  test('A message whose delay is negative is shown at once', async () => {
    const { queue, raw } = await emptied()

    await queue.send(resync, -5000)

    assert.equal((await raw.receiveMessages()).receivedMessageItems.length, 1)
  })

  test('A queue that cannot be reached is not taken for empty', async () => {
    const nowhere = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:1/a;'
    const open = openStorage({ by: 'connectionString', connectionString: Secret.of(nowhere) }, () => assert.fail())

    await assert.rejects(createRequestQueue(open).depth(AbortSignal.timeout(50)), { code: 'ServiceUnavailable' })
  })

  test('The first message makes the queue, and can be read at once', async () => {
    const { queue, raw } = await emptied()

    const before_ = await queue.depth()
    await queue.send(resync, 0)
    const { receivedMessageItems } = await raw.receiveMessages()

    assert.equal(before_, 0)
    assert.equal(await queue.depth(), 1)
    assert.deepEqual(
      receivedMessageItems.map((item) => parseRequest(text(item.messageText))),
      [resync],
    )
  })

  test('A revoke goes into the queue of revokes, where nothing else waits in front of it', async () => {
    const { queue, raw, revocations } = await emptied()
    await queue.send({ ...resync, createdAfter: now }, 0)

    await queue.send({ ...resync, id: 'r2', revokeBefore: now }, 0)

    const idsIn = async (from: QueueClient) =>
      (await from.receiveMessages({ numberOfMessages: 32 })).receivedMessageItems.map(
        ({ messageText }) => parseRequest(text(messageText)).id,
      )
    assert.deepEqual([await queue.depth(), await queue.depth(undefined, revocationQueue)], [1, 1])
    assert.deepEqual([await idsIn(raw), await idsIn(revocations)], [['r1'], ['r2']])
  })

  test('A message is hidden until its delay is over', async () => {
    const { queue, raw } = await emptied()

    await queue.send(resync, seconds(90))

    assert.equal((await raw.receiveMessages()).receivedMessageItems.length, 0)
    assert.equal(await queue.depth(), 1)
  })

  test('A delay longer than the service’s seven days is cut to seven days', async () => {
    const { queue } = await emptied()

    await queue.send(resync, days(30))

    assert.equal(await queue.depth(), 1)
  })

  test('A message is kept until its request expires', async () => {
    const { queue, raw } = await emptied()

    await queue.send({ ...resync, expiresAt: now + days(60) }, 0)
    const [message] = (await raw.receiveMessages()).receivedMessageItems

    assert.ok(message !== undefined && message.expiresOn.getTime() > Date.now() + days(60))
  })

  test('When storage cannot be reached, the error says which call failed', async () => {
    const nowhere = Secret.of(
      'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:1/a;',
    )
    const queue = createRequestQueue(
      openStorage({ by: 'connectionString', connectionString: nowhere }, () => assert.fail()),
    )

    await assert.rejects(queue.send(resync, 0), { code: 'ServiceUnavailable', message: /POST message rekey-requests/ })
  })
})
