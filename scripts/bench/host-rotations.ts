// Measures how many rotations a minute one instance does: the built app in the local host, in a process of its own,
// over TLS on loopback, with Azurite for queue and leases.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { QueueServiceClient } from '@azure/storage-queue'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { spawnHost } from '../../simulator/local/host-child.ts'
import { startAzurite } from '../../simulator/local/run-azurite.ts'
import { startServer } from '../../simulator/server.ts'
import { encodeMessage, requestQueue } from '../../src/azure/request-queue.ts'
import { documentOf, type Member, seedMembers, topicHost } from '../../test/scale/scale-fleet.ts'
import { buildApp, isStale } from '../build.ts'
import { type Figure, ms } from './figures.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const limit = 120_000

/** Puts so many messages into the queue at once, past the schedule's pacing, and waits for as many announcements. */
export async function throughput(seed: number, rotations: number): Promise<Figure> {
  const cloud = simulatedCloud({ seed })
  const members = seedMembers(cloud, { targets: rotations, vaults: 4, age: 61 })
  const [server, azurite] = await Promise.all([startServer(cloud), startAzurite(), isStale() ? buildApp() : undefined])
  const folder = mkdtempSync(join(tmpdir(), 'rekey-bench-'))
  const targets = join(folder, 'targets.json')
  writeFileSync(targets, documentOf(members))
  await fill(azurite.connectionString, members)

  const host = await spawnHost({
    directory: root,
    port: 0,
    settings: {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AzureWebJobsStorage: azurite.connectionString,
      ROTATION_TARGETS: targets,
      ROTATION_TOPIC: cloud.topic(topicHost).endpoint,
      // The schedule must not fire during the measurement.
      ROTATION_SCHEDULE: '0 0 0 1 1 *',
      ...server.environment,
    },
    preload: new URL('../../simulator/preload.ts', import.meta.url).href,
    onLine: () => undefined,
  })
  const took = await untilAnnounced(cloud, rotations)
  await host.stop()
  await Promise.all([server.close(), azurite.close()])
  rmSync(folder, { recursive: true })
  return {
    what: `${rotations} rotations by the queue`,
    figure: `${Math.round(rotations / (took / 60_000)).toLocaleString('en')} / min`,
    about: `${ms(took)} from the first call to the last announcement: one instance, 8 at once, TLS on loopback, Azurite`,
  }
}

async function fill(connectionString: string, members: readonly Member[]): Promise<void> {
  const queue = QueueServiceClient.fromConnectionString(connectionString).getQueueClient(requestQueue)
  await queue.createIfNotExists()
  const expiresAt = Date.now() + limit * 2
  for (const { name } of members) {
    await queue.sendMessage(encodeMessage({ id: `bench/${name}`, target: name, actor: 'bench', expiresAt }))
  }
}

/** Milliseconds between the first call of the app and its last one, when every target has been announced. */
async function untilAnnounced(cloud: Cloud, rotations: number): Promise<number> {
  const { events } = cloud.topic(topicHost)
  const until = performance.now() + limit
  while (events.length < rotations) {
    if (performance.now() > until) throw new Error(`${events.length} of ${rotations} rotations in ${limit / 1000} s`)
    await pause(50)
  }
  const calls = cloud.history.filter(({ caller }) => caller !== undefined)
  return calls.at(-1)!.at - calls[0]!.at
}
