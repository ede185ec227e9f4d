// Everything around the function app on one machine: the simulated Azure over TLS, Azurite, the sample fleet, and the
// app settings that point there.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cloud, simulatedCloud } from '../cloud.ts'
import { slowAnswers, slowOperation } from '../faults.ts'
import { startServer } from '../server.ts'
import { samples } from '../services/index.ts'
import type { ResourceEventFilter, ResourceEventQueue } from '../subscription-events.ts'
import { leaveLeases } from './leases.ts'
import { type Azurite, startAzurite } from './run-azurite.ts'
import { type SampleFleet, seedSampleFleet } from './sample-fleet.ts'

const day = 86_400_000

export interface Estate {
  readonly cloud: Cloud
  readonly fleet: SampleFleet
  /** What the event subscription of infra/events/resource-events.bicep delivers, but for its filter on the app's own identity. */
  readonly resourceEvents: ResourceEventQueue
  /** App settings, and what the preload reads. */
  readonly settings: Readonly<Record<string, string>>
  /** `node --import <this>` */
  readonly preload: string
  /** A folder of this run: targets.json and logs. */
  readonly folder: string
  /** The management API of the simulated Azure: plain HTTP on loopback. */
  readonly management: string
  readonly azurite: Azurite
  /** Stops everything. The folder is deleted with the process, unless the process fails: then its log is needed. */
  close(): Promise<void>
}

export interface EstateOptions {
  /** Of Azurite, 0 for any free one. */
  readonly ports?: { readonly blob: number; readonly queue: number }
  /** Milliseconds that a long-running operation takes. In Azure it is half a minute or more, too long to wait for in a demo. */
  readonly operationTime?: number
}

/** Starts with the sample fleet in place. */
export async function startEstate({ ports, operationTime = 3_000 }: EstateOptions = {}): Promise<Estate> {
  const cloud = simulatedCloud({
    faults: [
      // As slow as the real services, so that two requests can overlap and the second one gets Busy.
      ...Object.values(samples).map(({ regenerate }) => slowAnswers({ ms: 450, operation: regenerate })),
      slowOperation({ ms: operationTime }),
    ],
  })
  const [server, azurite] = await Promise.all([startServer(cloud), startAzurite(ports)])
  const fleet = seedSampleFleet(cloud)
  const resourceEvents = cloud.resourceEvents.subscribe(deployedFilter())
  await leaveLeases(azurite.connectionString, fleet.leases, cloud.clock.now() - 300 * day)
  const folder = mkdtempSync(join(tmpdir(), 'rekey-'))
  process.once('exit', (code) => {
    if (code !== 1) rmSync(folder, { recursive: true, force: true })
  })
  const targets = join(folder, 'targets.json')
  writeFileSync(targets, `${JSON.stringify(fleet.targets, null, 2)}\n`)

  return {
    cloud,
    fleet,
    resourceEvents,
    azurite,
    folder,
    management: `${server.msiUrl}/simulator`,
    preload: new URL('../preload.ts', import.meta.url).href,
    settings: {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      AzureWebJobsStorage: azurite.connectionString,
      ROTATION_TARGETS: targets,
      ROTATION_TOPIC: cloud.topic(fleet.topicHost).endpoint,
      ...server.environment,
    },
    close: async () => {
      await Promise.all([server.close(), azurite.close()])
    },
  }
}

function deployedFilter(): ResourceEventFilter {
  const { operations } = JSON.parse(readFileSync(new URL('../../infra/key-operations.json', import.meta.url), 'utf8'))
  const types = ['ResourceActionSuccess', 'ResourceWriteSuccess'].map((type) => `Microsoft.Resources.${type}`)
  return { types, operations }
}
