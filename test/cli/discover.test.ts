// `rekey discover`: candidates as a table, as a document, and as entries of a targets.json that stays as it is formatted.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { startServer } from '../../simulator/server.ts'
import { readTargetsFile } from '../../src/config/targets.ts'
import { providers } from '../providers/all-providers.ts'
import { run } from './captured-terminal.ts'
import { type Scripted, scriptedApp } from './scripted-app.ts'

const program = fileURLToPath(new URL('../../scripts/rekey.ts', import.meta.url))
const preload = new URL('../../simulator/preload.ts', import.meta.url).href
const subscription = '/subscriptions/00000000-0000-0000-0000-000000000000'
const idOf = (name: string) => `${subscription}/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/${name}`

function candidate(name: string, fields: object = {}, entry: object = {}) {
  return {
    ...{ id: idOf(name), name, type: 'Microsoft.Storage/storageAccounts', provider: 'storage-account' },
    ...{
      title: 'Storage account',
      subscription: subscription.slice(15),
      resourceGroup: 'shop',
      location: 'westeurope',
    },
    ...{ localAuth: true, from: 'resourceGraph', grant: `storage-account=${idOf(name)}` },
    targetsEntry: {
      name,
      provider: 'storage-account',
      resource: idOf(name),
      secrets: { [`${name}-key`]: 'key' },
      ...entry,
    },
    ...fields,
  }
}

let folder: string
let file: string
let answer: readonly object[]
let app: Awaited<ReturnType<typeof scriptedApp>>

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rekey-discover-'))
  app = await scriptedApp(({ query }, url): Scripted => {
    const rest = query.get('skipToken') === null && answer.length > 2
    const value = query.get('skipToken') === null ? answer.slice(0, 2) : answer.slice(2)
    return {
      body: {
        value,
        asOf: '2026-11-21T10:00:00.000Z',
        ...(rest ? { nextLink: `${url}/api/candidates?skipToken=2` } : {}),
      },
    }
  })
})

beforeEach(() => {
  file = join(mkdtempSync(join(folder, 'case-')), 'targets.json')
  answer = [
    candidate('young', { ageDays: 3 }),
    candidate('old', { ageDays: 746, keyPolicyDays: 90 }),
    candidate('plain'),
  ]
})

after(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const discover = (...line: string[]) => run(['discover', ...line], { env: { REKEY_URL: app.url, REKEY_KEY: 'k' } })

/** What the file says, validated as the app does. */
function entries() {
  const text = readFileSync(file, 'utf8')
  const vault = 'https://kv-prod.vault.azure.net'
  const read = readTargetsFile(text, { registry: providers, cloud: 'public', now: Date.now(), vault })
  assert.deepEqual(read.problems, [])
  return JSON.parse(text).targets
}

describe('rekey discover', () => {
  test('The oldest key comes first, with its age and the policy of its account', async () => {
    const { code, out } = await discover()

    assert.equal(code, 0)
    const lines = out.trim().split('\n')
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(/\s+/)[0]),
      ['old', 'young', 'plain'],
    )
    assert.match(lines[1]!, /746 days +90 days/)
  })

  test('What is written is added behind what is there, switched off, and the rest of the file stays as it is', async () => {
    const before = `{
    "defaults": { "vault": "https://kv-prod.vault.azure.net",   "rotateEvery": "P30D" },
    "targets": [
        { "name": "chat", "provider": "storage-account", "resource": "${idOf('chat')}", "secrets": { "chat-key": "key" } }
    ]
}
`.replaceAll('\n', '\r\n')
    writeFileSync(file, before)

    const vault = 'https://kv-prod.vault.azure.net'
    answer = [candidate('old', {}, { vault }), candidate('plain')]

    const { code, out } = await discover('old', 'plain', '--write', file)

    assert.equal(code, 0)
    const after = readFileSync(file, 'utf8')
    const [head] = before.split('\r\n    ]')
    assert.ok(after.startsWith(head!), after)
    assert.ok(!/[^\r]\n/.test(after), 'every line ends as the others do')
    const [, ...added] = entries()
    assert.deepEqual(added, [
      { ...candidate('old').targetsEntry, enabled: false },
      { ...candidate('plain').targetsEntry, enabled: false },
    ])
    assert.ok(out.includes(`storage-account=${idOf('old')},storage-account=${idOf('plain')}`), out)
  })

  test('Where there is no file one is made', async () => {
    const { code } = await discover('--write', file)

    assert.equal(code, 0)
    assert.equal(entries().length, 3)
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).$schema, './targets.schema.json')
  })

  test('Written twice, nothing is added the second time', async () => {
    await discover('--write', file)
    const once = readFileSync(file, 'utf8')

    const { out } = await discover('--write', file)

    assert.equal(readFileSync(file, 'utf8'), once)
    assert.match(out, /has 3 of them already/)
  })

  test('An entry whose name or secret the file has gets another', async () => {
    const taken = { name: 'old', provider: 'reminder', secrets: { 'plain-key': 'value' } }
    writeFileSync(file, JSON.stringify({ targets: [taken] }))

    await discover('--write', file)

    const [, ...added] = entries()
    assert.deepEqual(
      added.map(({ name, secrets }: { name: string; secrets: object }) => [name, Object.keys(secrets)[0]]),
      [
        ['old-2', 'old-2-key'],
        ['young', 'young-key'],
        ['plain-2', 'plain-2-key'],
      ],
    )
  })

  test('A file that is not valid, before or after, is not written', async () => {
    const wrong = JSON.stringify({ targets: [{ name: 'x' }] })
    writeFileSync(file, wrong)
    const before = await discover('--write', file)
    writeFileSync(file, '{"targets": []}')
    answer = [candidate('old', {}, { resource: 'elsewhere' })]
    const after = await discover('--write', file)

    assert.deepEqual([before.code, after.code], [2, 2])
    assert.match(before.err, /nothing was written/)
    assert.equal(readFileSync(file, 'utf8'), '{"targets": []}')
  })

  test('An answer cannot add fields of its own: nothing is adopted, and nothing is switched on', async () => {
    answer = [candidate('old', {}, { adopt: true, enabled: true, overlap: 'PT0S', initialSlot: 'key2' })]

    await discover('--write', file)

    assert.deepEqual(entries(), [{ ...candidate('old').targetsEntry, enabled: false }])
  })

  test('With --json the document has what was added, what was there, and the grants', async () => {
    const { out } = await discover('old', '--write', file, '--json')

    const { value, alreadyThere, grants } = JSON.parse(out)
    assert.deepEqual([value.length, value[0].targetsEntry.enabled, alreadyThere], [1, false, []])
    assert.equal(grants, `storage-account=${idOf('old')}`)
  })

  test('Without an app it asks Azure with the operator’s own sign-in, and leaves out what the file has', async () => {
    const cloud = simulatedCloud()
    const { resourceId } = cloud.storageAccounts.add({ name: 'managed' })
    cloud.storageAccounts.add({ name: 'forgotten' })
    const entry = { name: 'managed', provider: 'storage-account', resource: resourceId, secrets: { managed: 'key' } }
    writeFileSync(file, JSON.stringify({ targets: [entry] }))
    const server = await startServer(cloud)

    const child = spawn(
      process.execPath,
      ['--import', preload, program, 'discover', '--without-app', '--write', file, '--json'],
      {
        env: { PATH: process.env['PATH'], HOME: folder, ...server.environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const { value } = JSON.parse(await text(child.stdout))
    await server.close()

    assert.deepEqual(
      value.map(({ name }: { name: string }) => name),
      ['forgotten'],
    )
    assert.deepEqual(
      entries().map(({ name, enabled = true }: { name: string; enabled?: boolean }) => [name, enabled]),
      [
        ['managed', true],
        ['forgotten', false],
      ],
    )
  })

  test('A name that is no candidate is a mistake of the command line', async () => {
    const { code, err } = await discover('unknown', '--write', file)

    assert.equal(code, 2)
    assert.match(err, /not among the candidates: unknown/)
  })
})
