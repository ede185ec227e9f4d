// Room: the tests of the providers. One resource of every provider, for whoever tests over all of them. Each simulated service
// that has keys says how: the `sample` in simulator/services/<id>.ts.

import { readdirSync } from 'node:fs'
import type { Cloud } from '../../simulator/cloud.ts'
import type { Member, Sample } from '../../simulator/sample.ts'

export type { Member } from '../../simulator/sample.ts'

const folder = new URL('../../simulator/services/', import.meta.url)

/** By provider id. */
export const samples: Readonly<Record<string, Sample>> = Object.fromEntries(await found())

/** By provider id: adds a resource to the cloud. Every service can have others beside it; `name` tells them apart. */
export const fleet: Readonly<Record<string, (cloud: Cloud, name?: string) => Member>> = Object.fromEntries(
  Object.entries(samples).map(([id, { add }]) => [id, add]),
)

async function found(): Promise<readonly (readonly [id: string, Sample])[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  const services = files.map(async (file) => {
    const { sample }: { sample?: Sample } = await import(new URL(file, folder).href)
    return sample === undefined ? [] : [[file.replace('.ts', ''), sample] as const]
  })
  return (await Promise.all(services)).flat()
}
