// What the README and the guide of the local demo show is what `npm start` prints.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { table, whatNow } from '../../simulator/local/print-demo.ts'
import { seedSampleFleet } from '../../simulator/local/sample-fleet.ts'
import { blocks, documents, section } from './markdown.ts'

describe('docs/guides/local-demo.md', () => {
  test('docs/guides/local-demo.md has the calls that npm start prints, but for the keys', () => {
    const functions = new Proxy({}, { get: (_, name) => `<${String(name)}>` })
    const host = { url: 'http://127.0.0.1:7071', keys: { functions, host: '<host>', master: '<master>' }, tokens: {} }
    const fleet = seedSampleFleet(simulatedCloud())
    const estate = { management: 'http://127.0.0.1:<port>/simulator', folder: '', settings: {}, fleet }
    const callsIn = (text: string) => text.split('\n').flatMap((line) => /(?:for i in .*)?curl -s .*/.exec(line) ?? [])

    const printed = callsIn(whatNow(host as never, estate as never))

    assert.ok(printed.length > 10)
    assert.deepEqual(callsIn(section(documents.get('docs/guides/local-demo.md')!, 'Call it')), printed)
  })
})

test('README.md shows lines of the sample fleet under the head that npm start prints', () => {
  const [shown] = blocks(section(documents.get('README.md')!, 'Run it'), 'text')
  const fleet = seedSampleFleet(simulatedCloud())
  const { targets } = fleet.targets as { targets: { name: string; provider: string }[] }
  const [head, ...lines] = shown!
    .split('\n\n')[0]!
    .split('\n')
    .map((line) => line.split(/ {2,}/))

  const unknown = lines.filter(
    ([name, provider]) =>
      !fleet.tagged.includes(name!) && !targets.some((each) => each.name === name && each.provider === provider),
  )

  assert.deepEqual(head, table([]).split(/ {2,}/))
  assert.deepEqual(
    unknown.filter(([first]) => first !== '…'),
    [],
  )
})
