// Azure Resource Graph: what Azure was recorded or documented to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { arm, caller } from '../raw-caller.ts'
import { fact, type Source } from './fact.ts'

const recording = (name: string): Source => ({
  repository: 'Azure/azure-cli-extensions',
  file: `src/resource-graph/azext_resourcegraph/tests/latest/recordings/${name}.yaml`,
  date: '2021-04-01',
})
const throttled: Source = {
  repository: 'MicrosoftDocs/azure-docs',
  file: 'articles/governance/resource-graph/concepts/guidance-for-throttled-requests.md',
  date: '2026-02-06',
}
const paging: Source = {
  repository: 'MicrosoftDocs/azure-docs',
  file: 'articles/governance/resource-graph/concepts/paging-results.md',
  date: '2026-02-06',
}
const query = "resources | where type in~ ('microsoft.storage/storageaccounts') | project id, name | order by id asc"

function estate(accounts = 3) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  for (let n = 0; n < accounts; n += 1) cloud.storageAccounts.add({ name: `store${String(n).padStart(5, '0')}` })
  const call = caller(cloud)
  const ask = (body: object) =>
    call('POST', arm('/providers/Microsoft.ResourceGraph/resources', '2024-04-01'), { query, ...body })
  return { cloud, ask }
}

fact(
  'a page has its records, how many there are in all, and a token for the next page',
  recording('test_skip_token_query'),
  async () => {
    const { ask } = estate()

    const first = await ask({ options: { $top: 2 } })
    const second = await ask({ options: { $top: 2, $skipToken: first.body.$skipToken } })

    assert.equal(first.status, 200)
    const { data, $skipToken, ...rest } = first.body
    assert.deepEqual(rest, { totalRecords: 3, count: 2, facets: [], resultTruncated: 'false' })
    assert.deepEqual(Object.keys(data[0]), ['id', 'name'])
    assert.equal(typeof $skipToken, 'string')
    assert.deepEqual([second.body.count, second.body.$skipToken], [1, undefined])
    assert.equal(first.headers.get('x-ms-user-quota-remaining'), '14')
    assert.equal(first.headers.get('x-ms-user-quota-resets-after'), '00:00:05')
  },
)

fact('a page has 1,000 records at most', paging, async () => {
  const { ask } = estate(1001)

  const { body } = await ask({ options: { $top: 5000 } })

  assert.deepEqual([body.totalRecords, body.count, typeof body.$skipToken], [1001, 1000, 'string'])
})

fact(
  'a query with a limit, or with dynamic columns alone, has no token: the rest is lost, and it says so',
  paging,
  async () => {
    const { ask } = estate()

    const limited = await ask({ query: `${query} | limit 100`, options: { $top: 2 } })
    const dynamic = await ask({ query: query.replace('id, name', 'tags, properties'), options: { $top: 2 } })

    for (const { body } of [limited, dynamic]) {
      assert.deepEqual([body.resultTruncated, body.$skipToken], ['true', undefined])
    }
  },
)

fact('a query that cannot be read is 400, and the details say why', recording('test_query_error'), async () => {
  const { ask } = estate()

  const { status, body } = await ask({ query: 'where where' })

  assert.equal(status, 400)
  assert.equal(body.error.code, 'BadRequest')
  assert.match(body.error.message, /^Please provide below info when asking for support: timestamp = /)
  assert.deepEqual(
    body.error.details.map(({ code }: { code: string }) => code),
    ['InvalidQuery', 'ParserFailure'],
  )
})

fact('fifteen queries in five seconds are answered, and the sixteenth is 429', throttled, async () => {
  const { cloud, ask } = estate()

  const statuses: number[] = []
  for (let n = 0; n < 16; n += 1) statuses.push((await ask({})).status)
  const { headers } = await ask({})
  cloud.clock.advance(5000)

  assert.deepEqual([statuses.lastIndexOf(200), statuses[15]], [14, 429])
  assert.equal(headers.get('x-ms-user-quota-remaining'), '0')
  assert.equal((await ask({})).status, 200)
})

fact(
  'who is throttled, and who may read nothing, reads it in the details',
  {
    repository: 'Azure/azure-cli-extensions',
    file: 'issue 3325; Azure/azure-sdk-for-java issue 29924',
    date: '2022-07-12',
  },
  async () => {
    const { cloud, ask } = estate()
    cloud.identity.deny('*')

    const denied = await ask({})
    for (let n = 0; n < 15; n += 1) await ask({})
    const later = await ask({})

    assert.deepEqual([denied.status, denied.body.error.details[0].code], [403, 'AccessDenied'])
    assert.deepEqual([later.status, later.body.error.details[0].code], [429, 'RateLimiting'])
  },
)

fact(
  'only what the caller may read is found',
  {
    repository: 'MicrosoftDocs/azure-docs',
    file: 'articles/governance/resource-graph/overview.md',
    date: '2025-01-01',
  },
  async () => {
    const { cloud, ask } = estate()
    cloud.identity.deny('*')
    cloud.identity.grant('*/read', [...cloud.resources.values()].at(-1)!.resourceId)

    const { body } = await ask({})

    assert.deepEqual(
      body.data.map(({ name }: { name: string }) => name),
      ['store00002'],
    )
  },
)
