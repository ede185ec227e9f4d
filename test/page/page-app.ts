// The function app in the local host with the simulated Azure, for the tests of the page: a small fleet, read once by the schedule.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildApp, isStale } from '../../scripts/build.ts'
import { type Estate, startEstate } from '../../simulator/local/estate.ts'
import { type HostChild, spawnHost } from '../../simulator/local/host-child.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const longAgo = '2026-01-01T00:00:00Z'

export interface PageApp {
  readonly estate: Estate
  readonly host: HostChild
  /** The same app behind the simulated sign-in, once the first round has ended. */
  readonly behindSignIn: HostChild
  /** Waits until the schedule has run, and nothing of the fleet is due any more. */
  firstRound(): Promise<void>
  /** Runs the schedule, and waits for its end. */
  tick(): Promise<void>
  close(): Promise<void>
}

/** The targets of the sample fleet that the tests use; they are not due again when one of them is rotated. */
const wanted = [
  'translator',
  'orders-reports',
  'archive',
  'vision',
  'speech',
  'messages',
  'thermostat-7',
  'hub-service',
]

/** Starts everything, with these targets of the sample fleet. The schedule runs at once. */
export async function startPageApp(): Promise<PageApp> {
  if (isStale()) await buildApp()
  const estate = await startEstate({ operationTime: 500 })
  const file = estate.settings['ROTATION_TARGETS']!
  const fleet = JSON.parse(readFileSync(file, 'utf8')) as { targets: { name: string }[] }
  const targets = fleet.targets
    .filter(({ name }) => wanted.includes(name))
    // A rotation of it takes minutes in Azure, and the queue carries it out: it must not have one just before.
    .map((target) => (target.name === 'hub-service' ? { ...target, rotateEvery: 'P200D', validFor: 'P205D' } : target))
  writeFileSync(file, JSON.stringify({ ...fleet, targets }))
  const lines: string[] = []
  const { settings, preload } = estate
  const spawn = (signIn: boolean) =>
    spawnHost({
      directory: root,
      port: 0,
      settings,
      preload,
      signIn,
      // The schedule missed its last run: the first one resyncs every target.
      ...(!signIn && { timers: { schedule: { Last: longAgo, Next: longAgo, LastUpdated: longAgo } } }),
      onLine: (line) => lines.push(line),
    })
  const host = await spawn(false)
  let behindSignIn: HostChild | undefined
  const ticks = () => lines.filter((line) => line.includes(" Executed 'Functions.schedule'")).length
  const headers = { 'x-functions-key': host.keys.master, 'content-type': 'application/json' }
  async function tick(): Promise<void> {
    const before = ticks()
    await fetch(`${host.url}/admin/functions/schedule`, { method: 'POST', headers, body: '{}' })
    while (ticks() === before) await pause(50)
  }
  async function statuses(): Promise<readonly string[]> {
    const response = await fetch(`${host.url}/api/targets`, { headers })
    const { value } = (await response.json()) as { readonly value: readonly { readonly status: string }[] }
    return value.map(({ status }) => status)
  }
  return {
    estate,
    host,
    get behindSignIn() {
      if (behindSignIn === undefined) throw new Error('It starts once the first round has ended.')
      return behindSignIn
    },
    tick,
    firstRound: async () => {
      while (ticks() === 0) await pause(50)
      const giveUp = performance.now() + 60_000
      for (
        let seen: readonly string[] = ['unknown'];
        seen.some((status) => !['current', 'paused'].includes(status));
      ) {
        if (performance.now() > giveUp) throw new Error(`The first round does not end: ${seen.join(', ')}`)
        await pause(100)
        seen = await statuses()
      }
      // Not before: a second instance learns within a minute what the first has found by its tags, and would take messages about it.
      behindSignIn = await spawn(true)
    },
    close: async () => {
      await Promise.all([host.stop(), behindSignIn?.stop()])
      await estate.close()
    },
  }
}
