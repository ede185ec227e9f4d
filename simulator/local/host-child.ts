// Starts host.ts as a process of its own and stops it.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ReadyMessage } from './host.ts'
import { signInSettings } from './simulated-sign-in.ts'
import type { TimerStatus } from './timer-triggers.ts'

export interface HostChild {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly keys: ReadyMessage['ready']['keys']
  readonly tokens: ReadyMessage['ready']['tokens']
  readonly functions: ReadyMessage['ready']['functions']
  readonly errors: ReadyMessage['ready']['errors']
  isRunning(): boolean
  /** Stops it after running functions have finished (waits a few seconds at most). */
  stop(): Promise<void>
}

export interface HostChildOptions {
  /** The function app: the folder of its host.json and package.json. */
  readonly directory: string
  /** If the port is in use, the next free one. 0 for any. */
  readonly port: number
  /** App settings. Of this process's environment, only what a program needs to run reaches the app. */
  readonly settings: Readonly<Record<string, string>>
  /** The stored state of timers, by function: see timer-triggers.ts. */
  readonly timers?: Readonly<Record<string, TimerStatus>>
  /** With App Service's sign-in in front, and the settings that come with it. */
  readonly signIn?: boolean
  /** A module for `node --import`: the simulator's preload. */
  readonly preload?: string
  /** Every line that the host or the app writes. */
  readonly onLine: (line: string) => void
}

/** What Node and the operating system need; proxies and credentials of the developer's machine stay outside. */
const inherited = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'NODE_V8_COVERAGE', 'AZURE_LOG_LEVEL']

/** Resolves when the host serves. Throws, with what it wrote last, when it ended before that. */
export async function spawnHost(options: HostChildOptions): Promise<HostChild> {
  for (let port = options.port; ; port++) {
    const child = await attempt(options, port)
    if (child !== 'port in use') return child
  }
}

async function attempt(options: HostChildOptions, port: number): Promise<HostChild | 'port in use'> {
  const host = fileURLToPath(new URL('./host.ts', import.meta.url))
  const preload = options.preload === undefined ? [] : ['--import', options.preload]
  const env = Object.fromEntries(inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
  const timers = options.timers === undefined ? [] : ['--timers', JSON.stringify(options.timers)]
  const app = ['--app', options.directory, '--port', String(port), ...(options.signIn ? ['--sign-in'] : [])]
  const child = spawn(process.execPath, [...preload, host, ...app, ...timers], {
    cwd: options.directory,
    env: { ...env, ...(options.signIn ? signInSettings : {}), ...options.settings },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
      last.push(line)
      if (last.length > 20) last.shift()
      options.onLine(line)
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ready = await Promise.race([
    new Promise<ReadyMessage['ready']>((resolve) =>
      child.once('message', (message) => resolve((message as ReadyMessage).ready)),
    ),
    exited.then(() => undefined),
  ])
  if (ready === undefined) {
    if (last.some((line) => line.includes('EADDRINUSE'))) return 'port in use'
    throw new Error(`The local host ended before it served:\n${last.join('\n')}`)
  }
  return {
    ...ready,
    url: `http://127.0.0.1:${ready.port}`,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The header that lets a program call a function: its key, or with the sign-in on the token of a user with every role. */
export function callerHeader({ keys, tokens }: Pick<HostChild, 'keys' | 'tokens'>, functionName: string) {
  const [token] = Object.values(tokens)
  if (token !== undefined) return { name: 'authorization', value: `Bearer ${token}` }
  return { name: 'x-functions-key', value: keys.functions[functionName] ?? keys.host }
}
