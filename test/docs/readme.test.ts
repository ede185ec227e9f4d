// What the README and the guide of the local demo show is what `npm start` prints.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { summary, table, whatNow } from '../../simulator/local/print-demo.ts'
import { seedSampleFleet } from '../../simulator/local/sample-fleet.ts'
import { blocks, documents, section } from './markdown.ts'

const readme = documents.get('README.md')!

describe('docs/guides/local-demo.md', () => {
  test('has the calls that npm start prints, word for word but for the keys', () => {
    const functions = new Proxy({}, { get: (_, name) => `<${String(name)}>` })
    const host = { url: 'http://127.0.0.1:7071', keys: { functions, host: '<host>', master: '<master>' } }
    const { topicHost } = seedSampleFleet(simulatedCloud())
    const estate = { management: 'http://127.0.0.1:<port>/simulator', folder: '', settings: {}, fleet: { topicHost } }
    const callsIn = (text: string) => text.split('\n').flatMap((line) => /(?:for i in .*)?curl -s .*/.exec(line) ?? [])

    const printed = callsIn(whatNow(host as never, estate as never))

    assert.ok(printed.length > 10)
    assert.deepEqual(callsIn(section(documents.get('docs/guides/local-demo.md')!, 'Call it')), printed)
  })
})

describe('the README', () => {
  test('shows the table of the sample fleet, with its head and its services', () => {
    const [shown] = blocks(section(readme, 'Run it'), 'text')
    const { targets } = seedSampleFleet(simulatedCloud()).targets as {
      targets: { name: string; provider: string }[]
    }
    const [lists, total] = shown!.trim().split('\n\n')
    const words = lists!.split('\n')

    const [head, ...lines] = words.map((line) => line.split(/ {2,}/))

    assert.deepEqual(head, table([]).split(/ {2,}/))
    assert.deepEqual(
      lines.map(([name, provider]) => ({ name, provider })),
      targets.map(({ name, provider }) => ({ name, provider })),
    )
    const { expected } = seedSampleFleet(simulatedCloud())
    assert.equal(total, summary(Object.values(expected).map((status) => ({ status })) as never))
  })
})
