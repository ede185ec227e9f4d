// Every simulated service: the files of this folder that export `service` or `sample`. Nothing is listed, so a service is added
// by its file alone.

import { readdirSync } from 'node:fs'
import { addDialect } from '../dialects.ts'
import { addHosts, type HostGroup } from '../hosts.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Fleets, SimulatedService } from '../simulated-service.ts'

interface Exports {
  readonly service?: SimulatedService
  readonly sample?: Sample
}

const folder = new URL('./', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'index.ts')
const modules = await Promise.all(
  files.toSorted().map(async (name): Promise<readonly [string, Exports]> => {
    return [name.replace('.ts', ''), await import(new URL(name, folder).href)]
  }),
)
const services = modules.flatMap(([, { service }]) => service ?? [])

for (const { group, hosts, dialect } of services.flatMap(({ dataPlanes }) => dataPlanes ?? [])) {
  addHosts(group, hosts)
  addDialect(group, dialect)
}

/** Of every provider, by its id. */
export const samples: Readonly<Record<string, Sample>> = Object.fromEntries(
  modules.flatMap(([id, { sample }]) => (sample === undefined ? [] : [[id, sample]])),
)

/** The data planes of all services, where keys are tried out. */
export const dataPlaneGroups: readonly HostGroup[] = [
  ...new Set(services.flatMap(({ dataPlanes = [] }) => dataPlanes.map(({ group }) => group))),
]

/** Installs every service in one cloud. */
export function installServices(kernel: Kernel): Fleets {
  return Object.assign({}, ...services.map((service) => service.install(kernel))) as Fleets
}
