// The history of all targets, for an audit: as JSON and as CSV, which no spreadsheet runs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverError } from '../../../simulator/faults.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { listHistory } from '../../../src/functions/http/status/list-history.ts'
import { targetHistory } from '../../../src/functions/http/status/target-history.ts'
import { account, days, stored, visionWorld, world } from '../functions-world.ts'

const header =
  'target,vault,secret,output,version,createdAt,expiresAt,enabled,slot,reason,actor,note,rotatedAt,announced,lastError'

/** The cells of CSV as RFC 4180 has them. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!)
    if (end === '\r\n') rows.push([])
  }
  assert.deepEqual(rows.pop(), [], 'the last line ends, too')
  return rows
}

/** Two targets, each with one version. */
async function twoTargets() {
  const made = await world()
  const accounts = ['one', 'two'].map((name) => account(made.cloud, name))
  await made.writeTargets(accounts.map(({ target }) => target))
  for (const { target, handle } of accounts) stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  return made
}

describe('History as CSV', () => {
  test('A caller whose header refuses CSV by a weight of zero gets JSON', async () => {
    const { made } = await visionWorld()
    for (const accept of ['text/csv;q=0', 'application/json, text/csv; q=0.000']) {
      const { headers } = await made.http(targetHistory, { params: { name: 'vision' }, headers: { accept } })
      assert.equal(headers['content-type'], 'application/json', accept)
    }
    await made.close()
  })

  test('The history is CSV with a header line where the caller asks for it, by header or by parameter', async () => {
    const { made } = await visionWorld()
    const params = { name: 'vision' }

    const byHeader = await made.http(targetHistory, { params, headers: { accept: 'text/csv, */*;q=0.1' } })
    const byParameter = await made.http(targetHistory, { params, query: { format: 'csv' } })
    const asJson = await made.http(targetHistory, { params, headers: { accept: 'text/html,*/*' } })
    const wrong = await made.http(targetHistory, { params, query: { format: 'xml' } })

    const [names, ...rows] = parsed(byHeader.body)
    assert.equal(byHeader.headers['content-type'], 'text/csv; charset=utf-8; header=present')
    assert.equal(names!.join(','), header)
    assert.deepEqual(
      rows.map(([target, , secret]) => [target, secret]),
      [['vision', 'vision-key']],
    )
    assert.equal(byParameter.body, byHeader.body)
    assert.deepEqual([asJson.body.value.length, wrong.status], [1, 400])
    await made.close()
  })

  test('A note that begins like a formula is text in a spreadsheet, and quotes and commas stay in their cell', async () => {
    const notes = ['=HYPERLINK("http://x","y")', '+1', '-1', '@SUM(1,2)', 'he said "now", twice']
    const { made } = await visionWorld()
    for (const note of notes) {
      await made.http(rotate, { params: { name: 'vision' }, body: { note, force: true } })
      made.cloud.clock.advance(3 * days)
    }

    const { body } = await made.http(targetHistory, { params: { name: 'vision' }, query: { format: 'csv' } })

    const place = header.split(',').indexOf('note')
    const rows = parsed(body).slice(1)
    assert.deepEqual(
      rows.map((cells) => cells[place]).filter(Boolean),
      [`'=HYPERLINK("http://x","y")`, `'+1`, `'-1`, `'@SUM(1,2)`, 'he said "now", twice'].reverse(),
    )
    assert.ok(rows.every(({ length }) => length === header.split(',').length))
    await made.close()
  })
})

describe('The history of all targets', () => {
  test('The history of all targets has each with its versions, and a target that cannot be read is named with its error', async () => {
    const made = await twoTargets()

    const whole = await made.http(listHistory)
    made.cloud.faults.add(serverError({ operation: 'key-vault', when: 'before' }))
    const unread = await made.http(listHistory)
    const csv = await made.http(listHistory, { query: { format: 'csv' } })

    assert.deepEqual(
      whole.body.value.map(({ target }: { target: string }) => target),
      ['one', 'two'],
    )
    assert.equal(whole.body.notRead, undefined)
    assert.deepEqual(unread.body.value, [])
    assert.deepEqual(
      unread.body.notRead.map(({ target, code }: { target: string; code: string }) => [target, code]),
      [
        ['one', 'ServiceUnavailable'],
        ['two', 'ServiceUnavailable'],
      ],
    )
    assert.deepEqual(
      parsed(csv.body)
        .slice(1)
        .map((cells) => [cells[0], cells.at(-1)]),
      [
        ['one', 'ServiceUnavailable'],
        ['two', 'ServiceUnavailable'],
      ],
    )
    await made.close()
  })

  test('The next page is in nextLink, of CSV in the header Link, and keeps the format', async () => {
    const made = await world()
    const accounts = Array.from({ length: 51 }, (_, n) => account(made.cloud, `t${n}`))
    await made.writeTargets(accounts.map(({ target }) => target))
    for (const { target, handle } of [accounts[0]!, accounts[50]!]) stored(made, target, handle.keyOf('Key1'))

    const first = await made.http(listHistory, { query: { format: 'csv' } })
    const next = new URL(/<(.*)>; rel="next"/.exec(first.headers['link']!)![1]!)
    const second = await made.http(listHistory, { query: Object.fromEntries(next.searchParams) })
    const asJson = await made.http(listHistory)

    const targets = [first, second].map(({ body }) =>
      parsed(body)
        .slice(1)
        .map(([target]) => target),
    )
    assert.deepEqual(targets, [['t0'], ['t50']])
    assert.equal(second.headers['link'], undefined)
    assert.ok(asJson.body.nextLink)
    await made.close()
  })
})
