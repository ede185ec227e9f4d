// Every command once, against the built app in the local host, beside a simulated Azure.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../../scripts/build.ts'
import { type Estate, startEstate } from '../../simulator/local/estate.ts'
import { firstRound, watchHost } from '../../simulator/local/first-round.ts'
import { type HostChild, spawnHost } from '../../simulator/local/host-child.ts'
import { type Captured, captured } from '../captured-child.ts'
import { run } from './captured-terminal.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** Two with slots and a probe, one that can be swapped, and one that is left alone. */
const names = ['vision', 'translator', 'speech', 'thermostat-7']

let estate: Estate
let host: HostChild
let directory: string
let env: Record<string, string>

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rekey-cli-'))
  for (const file of ['host.json', 'package.json']) cpSync(join(root, file), join(directory, file))
  ;[estate] = await Promise.all([startEstate(), buildApp({ out: join(directory, 'dist') })])
  estate.cloud.faults.clear()
  const { targets, discover: _, ...rest } = estate.fleet.targets as { targets: { name: string }[]; discover: object }
  const few = { ...rest, targets: targets.filter(({ name }) => names.includes(name)) }
  writeFileSync(estate.settings['ROTATION_TARGETS']!, JSON.stringify(few))
  const watch = watchHost()
  const long = new Date(Date.now() - 48 * 3_600_000).toISOString()
  host = await spawnHost({
    directory,
    port: 0,
    // It runs once, at the start, because it missed its time.
    settings: { ...estate.settings, ROTATION_SCHEDULE: '0 0 0 1 1 *' },
    timers: { schedule: { Last: long, Next: long, LastUpdated: long } },
    preload: estate.preload,
    onLine: watch.line,
  })
  env = { REKEY_URL: host.url, REKEY_KEY: host.keys.host }
  await firstRound(estate, host, watch, () => undefined)
})

after(async () => {
  await host?.stop()
  await estate?.close()
  rmSync(directory, { recursive: true })
})

const rekey = (...line: string[]) => run(line, { env })
/** What it prints for scripts. */
async function documentOf(...line: string[]) {
  const ran = await rekey(...line, '--json')
  return { ...ran, document: JSON.parse(ran.out) }
}
const ended = ({ code, err }: Captured, expected: number) => assert.equal(code, expected, err)

describe('the commands of rekey', () => {
  test('list shows every target, and fewer columns on a narrow terminal', async () => {
    const wide = await run(['list'], { env, columns: 300 })
    const narrow = await run(['list'], { env, columns: 60 })
    const { document } = await documentOf('list')

    ended(wide, 0)
    assert.deepEqual(document.value.map(({ name }: { name: string }) => name).toSorted(), names.toSorted())
    for (const name of names) assert.ok(wide.out.includes(name) && narrow.out.includes(name), name)
    assert.match(wide.out, /PROVIDER.*NEXT ROTATION.*VAULT/)
    assert.ok(
      narrow.out.split('\n').every((line) => line.length <= 60),
      narrow.out,
    )
  })

  test('list takes the filters of the app', async () => {
    const { document, ...ran } = await documentOf('list', '--provider', 'iot-hub-device')

    ended(ran, 0)
    assert.deepEqual(
      document.value.map(({ name }: { name: string }) => name),
      ['thermostat-7'],
    )
  })

  test('show, plan, history and operations show what the app knows of a target', async () => {
    const show = await rekey('show', 'translator')
    const plan = await rekey('plan', 'translator')
    const all = await documentOf('plan')
    const history = await documentOf('history', 'vision')

    for (const ran of [show, plan, all, history]) ended(ran, 0)
    assert.match(show.out, /^target +translator\nstatus +current\n[\s\S]*\nSECRET/)
    assert.match(plan.out, /COMMAND +POSSIBLE[\s\S]*promote/)
    assert.equal(all.document.value.length, names.length)
    assert.equal(history.document.value[0].reason, 'due')
  })

  test('rotate changes the key of a target, and is refused with exit code 3 until the overlap has passed', async () => {
    const vault = estate.cloud.vault(estate.fleet.vaultHost)
    const earlier = vault.read('translator-key')

    const first = await rekey('rotate', 'translator', '--note', 'trying it out')
    // The moment of a request is a whole second: within one, the second request is satisfied by the first one's key.
    await pause(1000)
    const second = await documentOf('rotate', 'translator')
    const history = await rekey('history', 'translator')

    ended(first, 0)
    assert.match(first.out, /status +changed[\s\S]*overlap +P2D/)
    assert.notEqual(vault.read('translator-key'), earlier)
    ended(second, 3)
    assert.deepEqual([second.document.code, second.document.status], ['Cooling', 409])
    assert.match(history.out, /trying it out/)
  })

  test('promote goes back to the key before, and swap exchanges the slots where the service can', async () => {
    const { document: seen } = await documentOf('show', 'translator')

    const promoted = await rekey('promote', 'translator', '--yes', '--no-wait')
    const stale = await documentOf('promote', 'translator', '--from', '0123456789abcdef0123456789abcdef', '--yes')
    const swapped = await documentOf('swap', 'thermostat-7', '--yes')
    const unable = await documentOf('swap', 'vision', '--yes')

    ended(promoted, 0)
    assert.ok(promoted.err.includes(seen.version), promoted.err)
    ended(stale, 3)
    assert.equal(stale.document.code, 'Superseded')
    ended(swapped, 0)
    assert.equal(swapped.document.reason, 'swapped')
    ended(unable, 3)
    assert.equal(unable.document.code, 'NotSupported')
  })

  test('repair compares a target with its service, and says that nothing had drifted', async () => {
    const { document, ...ran } = await documentOf('repair', 'speech', '--no-wait')

    ended(ran, 0)
    const followed = await documentOf('operation', document.operationLocation)
    ended(followed, 0)
    assert.equal(followed.document.target, 'speech')
  })

  test('revoke replaces every key of a target', async () => {
    const vault = estate.cloud.vault(estate.fleet.vaultHost)
    const leaked = vault.read('vision-key')

    const { document, ...ran } = await documentOf('revoke', 'vision', '--note', 'seen in a log', '--yes')

    ended(ran, 0)
    assert.equal(document.reason ?? document.result?.reason, 'revoked')
    assert.notEqual(vault.read('vision-key'), leaked)
  })

  test('revoke-many shows how many targets it is for, and is one operation', async () => {
    const line = ['revoke-many', 'speech', 'vision', '--note', 'leaked']

    const dry = await documentOf(...line, '--dry-run')
    const accepted = await documentOf(...line, '--no-wait', '--yes')
    const listed = await rekey('operations')

    ended(dry, 0)
    assert.deepEqual([dry.document.count, dry.document.targets], [2, ['speech', 'vision']])
    ended(accepted, 0)
    ended(listed, 0)
    assert.ok(listed.out.includes(accepted.document.id), listed.out)
  })

  test('rotate of several targets is one operation', async () => {
    const { document, ...ran } = await documentOf('rotate', 'speech', 'vision', '--no-wait', '--yes')

    ended(ran, 0)
    ended(await rekey('operation', document.id), 0)
  })

  test('history of all targets is CSV with one line for each version', async () => {
    const { out, ...ran } = await rekey('history', '--csv')

    ended({ ...ran, out }, 0)
    const [header, ...lines] = out.trim().split('\r\n')
    assert.match(header!, /^target,/)
    assert.ok(
      lines.some((line) => line.startsWith('translator,') && line.includes('trying it out')),
      out,
    )
  })

  test('health lists what was checked, with its exit code', async () => {
    const { document, ...ran } = await documentOf('health')
    const people = await rekey('health')

    ended(ran, document.status === 'healthy' ? 0 : 1)
    assert.match(people.out, /CHECK +PLACE/)
  })

  test('providers, discover and page need no target', async () => {
    const providers = await rekey('providers')
    const one = await rekey('providers', 'cosmos-db')
    const discovered = await documentOf('discover')

    for (const ran of [providers, one, discovered]) ended(ran, 0)
    assert.match(providers.out, /cosmos-db/)
    assert.match(one.out, /RIGHT/)
    assert.ok(Array.isArray(discovered.document.value))
    assert.equal((await rekey('page')).out, `${host.url}/api/page\n`)
  })

  test('A wrong key ends with exit code 5, an unknown target with 4 and what was probably meant', async () => {
    const wrong = await run(['list'], { env: { ...env, REKEY_KEY: 'wrong' } })
    const unknown = await rekey('show', 'translater')

    ended(wrong, 5)
    ended(unknown, 4)
    assert.match(unknown.err, /Did you mean translator\?/)
  })

  test('As a process of its own it prints one document, and its exit code is that of the command', async () => {
    const listed = await asProcess('list', '--json')
    const refused = await asProcess('show', 'unknown', '--json')

    assert.equal(listed.code, 0, listed.err)
    assert.equal(JSON.parse(listed.out).value.length, names.length)
    assert.equal(refused.code, 4)
    assert.equal(JSON.parse(refused.out).code, 'UnknownTarget')
  })
})

async function asProcess(...line: string[]): Promise<Captured> {
  const child = spawn(process.execPath, [join(root, 'scripts/rekey.ts'), ...line], { env: { ...process.env, ...env } })
  return captured(child)
}
