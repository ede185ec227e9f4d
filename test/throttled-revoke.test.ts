// The deployed app in a process of its own. A revoke that is sent while every service throttles goes over HTTP into the queue of
// revokes, and is carried out once the throttling ends.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { QueueServiceClient } from '@azure/storage-queue'
import { buildApp } from '../scripts/build.ts'
import { throttle } from '../simulator/faults.ts'
import { startEstate } from '../simulator/local/estate.ts'
import { spawnHost } from '../simulator/local/host-child.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

interface Operation {
  readonly status: string
  readonly lastError?: { readonly code: string }
}

async function start(atEnd: (close: () => Promise<void>) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'rekey-throttled-'))
  for (const file of ['host.json', 'package.json']) cpSync(join(root, file), join(directory, file))
  const [estate] = await Promise.all([startEstate(), buildApp({ out: join(directory, 'dist') })])
  const lines: string[] = []
  const host = await spawnHost({
    directory,
    port: 0,
    // The schedule stays out of it.
    settings: { ...estate.settings, ROTATION_SCHEDULE: '0 0 0 1 1 *' },
    preload: estate.preload,
    onLine: (line) => lines.push(line),
  })
  atEnd(async () => {
    await host.stop()
    await estate.close()
    rmSync(directory, { recursive: true })
  })
  return { estate, host, lines }
}

test('A revoke that is sent while every service throttles is carried out once the throttling ends', async (t) => {
  const { estate, host, lines } = await start((close) => t.after(close))
  const inVault = () => estate.cloud.vault(estate.fleet.vaultHost).read('vision-key')
  const revoked = () => lines.filter((line) => line.includes(" Executed 'Functions.revoke'")).length
  const leaked = inVault()
  estate.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 1 }))

  const response = await fetch(`${host.url}/api/targets/vision/revoke`, {
    method: 'POST',
    headers: { 'x-functions-key': host.keys.functions['revokeTarget']!, 'content-type': 'application/json' },
    body: '{"note": "seen in a log"}',
  })
  const accepted = (await response.json()) as Operation
  await until(() => revoked() >= 1, lines)
  const throttled = inVault()
  estate.cloud.faults.clear()
  const ended = await operationAt(response.headers.get('operation-location')!, host.keys.functions['showOperation']!)

  assert.deepEqual([response.status, accepted.status, accepted.lastError?.code], [202, 'Running', 'Throttled'])
  assert.equal(throttled, leaked, 'nothing was changed while everything was throttled')
  assert.deepEqual([ended.status, ended.lastError], ['Succeeded', undefined])
  assert.notEqual(inVault(), leaked)
  const queues = QueueServiceClient.fromConnectionString(estate.azurite.connectionString)
  const poison = queues.getQueueClient('rekey-revocations-poison')
  assert.equal(await poison.exists(), false, 'waiting does not count as failing')
})

async function operationAt(url: string, key: string): Promise<Operation> {
  const ask = async () => (await (await fetch(url, { headers: { 'x-functions-key': key } })).json()) as Operation
  let operation = await ask()
  for (let tries = 0; ['NotStarted', 'Running'].includes(operation.status) && tries < 600; tries++) {
    await pause(100)
    operation = await ask()
  }
  return operation
}

async function until(there: () => boolean, lines: readonly string[]): Promise<void> {
  for (let tries = 0; !there(); tries++) {
    if (tries > 600) assert.fail(`the queue was not tried:\n${lines.slice(-20).join('\n')}`)
    await pause(100)
  }
}
