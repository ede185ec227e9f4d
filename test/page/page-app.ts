// The function app in the local host with the simulated Azure, for the tests of the page: a small fleet, read once by the schedule.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildApp, isStale } from '../../scripts/build.ts'
import { type Estate, startEstate } from '../../simulator/local/estate.ts'
import { type HostChild, spawnHost } from '../../simulator/local/host-child.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface PageApp {
  readonly estate: Estate
  readonly host: HostChild
  /** The same app behind the simulated sign-in. */
  readonly behindSignIn: HostChild
  /** Every line of the host. */
  readonly lines: readonly string[]
  /** Runs the schedule, and waits for its end. */
  tick(): Promise<void>
  close(): Promise<void>
}

/** The targets of the sample fleet that the tests use; they are not due again when one of them is rotated. */
const wanted = ['vision', 'speech', 'chat', 'messages', 'thermostat-7', 'hub-service']

/** Starts everything, with these targets of the sample fleet and what `more` adds. The schedule has not run yet. */
export async function startPageApp(): Promise<PageApp> {
  if (isStale()) await buildApp()
  const estate = await startEstate({ operationTime: 500 })
  const file = estate.settings['ROTATION_TARGETS']!
  const fleet = JSON.parse(readFileSync(file, 'utf8')) as { targets: { name: string }[] }
  const targets = fleet.targets.filter(({ name }) => wanted.includes(name))
  writeFileSync(file, JSON.stringify({ ...fleet, targets }))
  const lines: string[] = []
  const { settings, preload } = estate
  const spawn = (signIn: boolean) =>
    spawnHost({ directory: root, port: 0, settings, preload, signIn, onLine: (line) => lines.push(line) })
  const [host, behindSignIn] = await Promise.all([spawn(false), spawn(true)])
  const ticks = () => lines.filter((line) => line.includes(" Executed 'Functions.schedule'")).length
  return {
    estate,
    host,
    behindSignIn,
    lines,
    tick: async () => {
      const before = ticks()
      await fetch(`${host.url}/admin/functions/schedule`, {
        method: 'POST',
        headers: { 'x-functions-key': host.keys.master, 'content-type': 'application/json' },
        body: '{}',
      })
      while (ticks() === before) await pause(50)
    },
    close: async () => {
      await Promise.all([host.stop(), behindSignIn.stop()])
      await estate.close()
    },
  }
}
