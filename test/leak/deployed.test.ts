// The deployed app in a process of its own, with the SDKs' log at its most verbose and telemetry on: nothing that it writes,
// answers, sends or stores has a key in it.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { QueueClient } from '@azure/storage-queue'
import { buildApp } from '../../scripts/build.ts'
import { missingPermission } from '../../simulator/faults.ts'
import { type Estate, startEstate } from '../../simulator/local/estate.ts'
import { firstRound, watchHost } from '../../simulator/local/first-round.ts'
import { type HostChild, spawnHost } from '../../simulator/local/host-child.ts'
import { samples } from '../providers/provider-fleet.ts'
import { garbageFrom } from './leak-faults.ts'
import { accountKey, blobsIn, queuesIn, tagsIn } from './leak-places.ts'
import { leaksIn } from './search.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** When the schedule fired last: it makes up for what it missed since, which is a resync of every target. */
const lastTick = new Date(Date.now() - 48 * 3_600_000).toISOString()
const telemetry =
  'InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/;LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/'

test('The deployed app reveals no key, neither in successful rounds nor when services quote keys', async (t) => {
  const lines: string[] = []
  const answers: string[] = []
  const { estate, host, round } = await start(lines, (close) => t.after(close))
  await round()

  const call = callsOf(host, answers)
  await goWell(call)
  await goWrong(estate, call)
  const { connectionString } = estate.azurite
  await until(async () => {
    const queues = await queuesIn(connectionString)
    return /rekey-requests-poison/.test(queues) && /rekey-revocations-poison/.test(queues)
  })

  const heard = {
    log: lines.join('\n'),
    answers: answers.join('\n'),
    telemetry: JSON.stringify(estate.cloud.telemetry),
    events: JSON.stringify(estate.cloud.topic(estate.fleet.topicHost).events),
    tags: tagsIn(estate.cloud, estate.fleet.vaultHost),
    queues: await queuesIn(connectionString),
    blobs: await blobsIn(connectionString),
  }
  assert.deepEqual(leaksIn(heard, secretsOf(estate, host)), [])
  // What was listened to is what was meant to be.
  assert.match(heard.log, /azure:core-rest-pipeline/)
  assert.match(heard.log, /regenerateKey/)
  assert.match(heard.telemetry, /RotationFinished/)
  assert.match(heard.telemetry, /RotationFailed/)
  assert.match(heard.answers, /UnexpectedAnswer/)
  assert.match(heard.queues, /rekey-requests-poison/)
  assert.match(heard.queues, /rekey-revocations-poison/)
  assert.match(heard.events, /Rekey\.RotationFailed/)
})

async function start(lines: string[], atEnd: (close: () => Promise<void>) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'rekey-leak-'))
  for (const file of ['host.json', 'package.json']) cpSync(join(root, file), join(directory, file))
  const [estate] = await Promise.all([startEstate(), buildApp({ out: join(directory, 'dist') })])
  const watch = watchHost()
  const host = await spawnHost({
    directory,
    port: 0,
    settings: { ...estate.settings, APPLICATIONINSIGHTS_CONNECTION_STRING: telemetry, AZURE_LOG_LEVEL: 'verbose' },
    preload: estate.preload,
    timers: { schedule: { Last: lastTick, Next: lastTick, LastUpdated: lastTick } },
    onLine: (line) => {
      lines.push(line)
      watch.line(line)
    },
  })
  atEnd(async () => {
    await host.stop()
    await estate.close()
    rmSync(directory, { recursive: true })
  })
  return { estate, host, round: () => firstRound(estate, host, watch, () => undefined) }
}

type Ask = (functionName: string, method: 'GET' | 'POST', path: string, body?: string) => Promise<string>

/** Calls that keep the whole answer: status, headers, body. */
function callsOf(host: HostChild, answers: string[]): Ask {
  return async (functionName, method, path, body) => {
    const headers = { 'x-functions-key': host.keys.functions[functionName]!, 'content-type': 'application/json' }
    const response = await fetch(`${host.url}/api/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    answers.push(`${response.status} ${JSON.stringify([...response.headers])} ${text}`)
    return text
  }
}

async function goWell(ask: Ask): Promise<void> {
  const from = async (name: string) => {
    const { version } = JSON.parse(await ask('showTarget', 'GET', `targets/${name}`))
    return JSON.stringify({ from: version })
  }
  const follow = (accepted: string) => ask('showOperation', 'GET', `operations/${JSON.parse(accepted).id}`)
  const [ofSpeech, ofThermostat] = await Promise.all([from('speech'), from('thermostat-7')])
  await Promise.all([
    ask('rotateTarget', 'POST', 'targets/vision/rotate', '{"force": true, "note": "quarterly"}'),
    ask('revokeTarget', 'POST', 'targets/chat/revoke', '{"note": "seen in a log"}'),
    ask('promoteTarget', 'POST', 'targets/speech/promote', ofSpeech),
    ask('swapTarget', 'POST', 'targets/thermostat-7/swap', ofThermostat),
    ask('repairTarget', 'POST', 'targets/documents/repair'),
    ask('startRotations', 'POST', 'rotations', '{"targets": ["translator"]}').then(follow),
    ask('startRevocations', 'POST', 'revocations', '{"targets": ["logs"], "note": "leaked", "count": 1}').then(follow),
    ask('rotateTarget', 'POST', 'targets/vision/rotate', '{"force": '),
    ask('rotateTarget', 'POST', 'targets/unknown/rotate'),
    ask('listTargets', 'GET', 'targets'),
    ask('showTarget', 'GET', 'targets/vision'),
    ask('targetHistory', 'GET', 'targets/vision/history'),
    ask('listHistory', 'GET', 'history?format=csv'),
    ask('listOperations', 'GET', 'operations'),
    ask('listPlan', 'GET', 'plan'),
    ask('planTarget', 'GET', 'targets/logs/plan'),
    ask('health', 'GET', 'health'),
  ])
}

async function goWrong({ cloud, azurite }: Estate, ask: Ask): Promise<void> {
  const rotate = (name: string) => ask('rotateTarget', 'POST', `targets/${name}/rotate`, '{"force": true}')
  cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/*' }))
  await Promise.all([
    rotate('documents'),
    ask('planTarget', 'GET', 'targets/speech/plan'),
    ask('health', 'GET', 'health'),
  ])
  cloud.faults.clear()

  // A read would be asked again and again, in real time; a regenerate is asked once.
  cloud.faults.add(garbageFrom(Object.values(samples).map(({ regenerate }) => regenerate)))
  await Promise.all(['vision', 'chat', 'logs', 'thermostat-7', 'sensor', 'hub-service'].map(rotate))
  cloud.faults.clear()

  for (const name of ['rekey-requests', 'rekey-revocations']) {
    const queue = new QueueClient(azurite.connectionString, name)
    await queue.sendMessage(Buffer.from('no message').toString('base64'))
    await queue.sendMessage('no base64')
  }
}

/** What the simulator made, what opens the functions, and what opens the storage account. */
function secretsOf({ cloud, azurite }: Estate, { keys }: HostChild): ReadonlyMap<string, string> {
  const { master, host, eventGrid, functions } = keys
  return new Map([
    ...[...cloud.minted].map((secret, n) => [`minted ${n}`, secret] as const),
    ...Object.entries({ master, host, eventGrid, ...functions }).map(([name, key]) => [`key of ${name}`, key] as const),
    ['identity header', cloud.identity.header] as const,
    accountKey(azurite.connectionString),
  ])
}

/** Lines travel through a pipe of their own, and the queue is polled twice a second. */
async function until(there: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await there()) && tries < 400; tries++) await pause(50)
}
