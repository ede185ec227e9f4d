// A leak is found in every encoding, and in every channel that the leak test records.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createClientLogger } from '@azure/logger'
import { BlobServiceClient } from '@azure/storage-blob'
import { minutes } from '../../src/engine/target.ts'
import { json } from '../../src/functions/http/answer-request.ts'
import { closeStorage, vaultHost } from '../functions/functions-world.ts'
import { providers } from '../providers/all-providers.ts'
import { formsOf } from './forms.ts'
import { type Heard, type Listening, listen } from './listening.ts'
import { leaksIn, searcherFor } from './search.ts'

const hex = '259d44671efbd4ee4ee47c320a2ebf2c'
const base64 = 'PvxNk3EriMA9fZ9gC0P0q74/FrKtU+EvRxXbooMicPLu4pVKxq/HR5QvvwHSjpEVYxludfUjnRmWWku2eOf3bg=='
const chatter = 'listed keys of vision-9f0c2f6e-6d0b-4d0e-9d66-1f0f8a3c2b11 '.repeat(50)

after(closeStorage)

for (const secret of [hex, base64]) {
  const search = searcherFor(new Map([['it', secret]]))
  for (const { name, text } of formsOf(secret)) {
    test(`A ${secret === hex ? 'hex' : 'base64'} key is found in a text: ${name}`, () => {
      for (const part of [text, text.slice(2, 21), text.slice(-19)]) {
        const findings = search(`${chatter}"${part}"${chatter}`)

        assert.deepEqual(
          findings.map(({ secret }) => secret),
          ['it'],
        )
      }
    })
  }

  test(`A ${secret === hex ? 'hex' : 'base64'} key is found in base64 of a longer text, at every position`, () => {
    for (const before of ['', '{', '{"', '{"key":"', '{"key1":"']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(`${before}${secret}"}`).toString(encoding)

        assert.equal(search(chatter + text).length, 1, `${encoding} after ${before}`)
      }
    }
  })
}

test('A text without a secret has no finding, and a finding does not repeat what it found', () => {
  const search = searcherFor(new Map([['it', hex]]))

  const [finding, ...more] = search(`${chatter} and the key is: ${hex}`)

  assert.deepEqual(search(`${chatter} ${hex.slice(0, 12)}`), [])
  assert.deepEqual(more, [])
  assert.equal(JSON.stringify(finding).includes(hex.slice(0, 8)), false)
})

/** Lets a text out through one channel, as a mistake in the app would. */
const plants: Readonly<Record<keyof Heard, (listening: Listening, text: string) => unknown>> = {
  log: ({ world }, text) => world.context().info(`published ${text}`),
  'SDK log': (_, text) => createClientLogger('planted').verbose('request', { body: text }),
  answers: ({ ask }, text) => ask({ roles: [], answer: async () => json(200, { text }) }),
  errors: ({ caught }, text) =>
    caught(new Error('failed', { cause: Object.defineProperty(new Error(), 'is', { value: text }) })),
  events: async ({ app }, text) => {
    const { announcer } = (await app()).ports(() => undefined)
    const data = { target: 'target', provider: 'p', resource: 'r', vault: 'v', secrets: [], note: text }
    const event = { id: '1', type: 'Rekey.KeyRotated', subject: '/targets/target', time: 0, data } as const
    await announcer.announce([event], new AbortController().signal)
  },
  tags: ({ cloud }, text) => cloud.vault(vaultHost).set('other', 'value', { tags: { note: text } }),
  storage: (listening, text) => send(listening, text, minutes(60)),
  queues: (listening, text) => send(listening, text, 0),
  blobs: async ({ world }, text) => {
    const service = BlobServiceClient.fromConnectionString(world.env['AzureWebJobsStorage']!)
    const container = service.getContainerClient('planted')
    await container.createIfNotExists()
    await container.uploadBlockBlob('metadata', '', 0, { metadata: { text: Buffer.from(text).toString('hex') } })
    await container.uploadBlockBlob('content', text, Buffer.byteLength(text))
  },
}

async function send({ app, cloud }: Listening, note: string, delay: number): Promise<void> {
  const { queue } = await app()
  await queue.send({ id: '1', target: 'target', actor: 'test', note, expiresAt: cloud.clock.now() }, delay)
}

for (const [channel, plant] of Object.entries(plants)) {
  test(`A leak into ${channel} is found there`, async (t) => {
    const listening = await listen(providers[0]!)
    t.after(listening.close)
    const key = [...listening.cloud.minted][0]!
    const before = await listening.heard()

    await plant(listening, key)

    const leaks = leaksIn(await listening.heard(), listening.secrets())
    assert.ok(
      leaks.some((leak) => leak.channel === channel),
      JSON.stringify(leaks),
    )
    assert.deepEqual(Object.keys(before), Object.keys(plants), 'every channel has its plant')
  })
}
