// Runs a built function app without Core Tools, in a process of its own, so that what runs is what is deployed.
// `node --import ../preload.ts host.ts --app <directory> --port <n> --timers <timer state as JSON> [--sign-in]`
// App settings are the environment. It sends its parent an IPC message when it is ready.

import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { type HostKeys, makeKeys } from './function-keys.ts'
import { type HostSettings, readHostSettings, resolveBinding } from './host-settings.ts'
import { serveHttp } from './http-triggers.ts'
import { createInvoker, type Invoker } from './invoker.ts'
import { listenToQueue } from './queue-triggers.ts'
import { simulatedSignIn } from './simulated-sign-in.ts'
import { startTimer, type TimerStatus } from './timer-triggers.ts'
import { type Log, loadApp, type RegisteredFunction } from './worker.ts'

export interface HostOptions {
  readonly directory: string
  /** 0 for any free one. */
  readonly port: number
  readonly env: NodeJS.ProcessEnv
  /** The stored state of timers, by function. */
  readonly timers?: Readonly<Record<string, TimerStatus>>
  /** Whether App Service's sign-in is in front. */
  readonly signIn?: boolean
  readonly log: Log
}

export interface RunningHost {
  readonly port: number
  readonly keys: HostKeys
  /** With the sign-in on: a token of each simulated user. */
  readonly tokens: Readonly<Record<string, string>>
  readonly functions: readonly RegisteredFunction[]
  /** Functions that could not be started, with the reason: as in Azure, they are missing and the others run. */
  readonly errors: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** The message to the parent process, sent once: enough to call every function. */
export interface ReadyMessage {
  readonly ready: Pick<RunningHost, 'port' | 'keys' | 'tokens' | 'errors'> & {
    readonly functions: readonly { readonly name: string; readonly trigger: string }[]
  }
}

interface Trigger {
  fire(input: unknown): Promise<unknown>
  stop(): void | Promise<void>
}

/** Loads the app, starts its triggers and serves. Throws if the app cannot be loaded or the port is in use. */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { directory, port, env, log } = options
  const settings = readHostSettings(directory)
  const app = await loadApp(directory, log)
  const invoker = createInvoker(app, settings.functionTimeout, log)
  const errors: Record<string, string> = {}
  const fail = (name: string, error: unknown): void => {
    errors[name] = error instanceof Error ? error.message : String(error)
    log('error', 'Host.Startup', `The '${name}' function is in error: ${errors[name]}`)
  }
  const resolved = withBindings(app.functions, env, fail)
  const keys = makeKeys(resolved.map(({ name }) => name))
  const triggers = new Map<string, Trigger>()
  const fire = (name: string, input: unknown): boolean => {
    const found = [...triggers].find(([each]) => each.toLowerCase() === name.toLowerCase())
    // The failure was logged by the run; the caller has its 202 already.
    found?.[1].fire(input).catch(() => undefined)
    return found !== undefined
  }
  // Before any trigger: nothing may run in a process that then finds its port in use.
  const signIn = options.signIn ? simulatedSignIn() : undefined
  const { routePrefix } = settings
  const server = await serveHttp({ functions: resolved, routePrefix, keys, invoker, signIn, fire }, port)
  for (const fn of resolved) {
    try {
      triggers.set(fn.name, await startTrigger(fn, settings, options, invoker))
    } catch (error) {
      fail(fn.name, error)
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    keys,
    tokens: signIn?.tokens ?? {},
    functions: resolved.filter(({ name }) => triggers.has(name)),
    errors,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all([...triggers.values()].map((trigger) => trigger.stop()))
      await invoker.idle(5000)
      server.closeAllConnections()
      await closed
      await app.terminate()
    },
  }
}

/** The functions with their bindings resolved. One that cannot be resolved is left out, and reported to `fail`. */
function withBindings(
  functions: readonly RegisteredFunction[],
  env: NodeJS.ProcessEnv,
  fail: (name: string, error: unknown) => void,
): readonly RegisteredFunction[] {
  return functions.flatMap((fn) => {
    try {
      return [{ ...fn, trigger: resolveBinding(fn.trigger, env) }]
    } catch (error) {
      fail(fn.name, error)
      return []
    }
  })
}

/** How each kind of trigger starts. Throws for an unknown kind instead of never firing it. */
async function startTrigger(
  fn: RegisteredFunction,
  settings: HostSettings,
  { env, timers, log }: HostOptions,
  invoker: Invoker,
): Promise<Trigger> {
  const type = fn.trigger.type.toLowerCase()
  const asText = (input: unknown) => (typeof input === 'string' ? input : JSON.stringify(input))
  const called = (input: unknown) =>
    invoker.invoke(fn.name, 'This function was programmatically called via the host APIs.', {
      trigger: { string: asText(input) },
    })
  if (type === 'httptrigger' || type === 'eventgridtrigger') return { fire: called, stop: () => undefined }
  if (type === 'timertrigger') return startTimer(fn, timers?.[fn.name], invoker, log)
  if (type === 'queuetrigger') {
    const connection = String(fn.trigger['connection'] || 'AzureWebJobsStorage')
    const connectionString = env[connection]
    if (!connectionString)
      throw new Error(`The setting ${connection} is missing: the local host needs a connection string.`)
    const listener = await listenToQueue(fn, connectionString, settings.queues, invoker, log)
    return { fire: (input) => listener.fire(asText(input)), stop: listener.stop }
  }
  throw new Error(`This host has no trigger of type "${fn.trigger.type}".`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      app: { type: 'string' },
      port: { type: 'string' },
      timers: { type: 'string' },
      'sign-in': { type: 'boolean' },
    },
  })
  const log: Log = (level, category, message, invocationId) => {
    if (level === 'trace' || level === 'debug') return
    const run = invocationId === undefined ? '' : ` [${invocationId}]`
    process.stderr.write(`${new Date().toISOString()} ${level} ${category}${run} ${message}\n`)
  }
  const host = await startHost({
    directory: values.app ?? process.cwd(),
    port: Number(values.port ?? 7071),
    env: process.env,
    timers: JSON.parse(values.timers ?? '{}'),
    signIn: values['sign-in'] ?? false,
    log,
  })
  const functions = host.functions.map(({ name, trigger }) => ({ name, trigger: trigger.type }))
  const { port, keys, tokens, errors } = host
  process.send?.({ ready: { port, keys, tokens, errors, functions } } satisfies ReadyMessage)
  log('information', 'Host.Startup', `Serving ${functions.length} functions on http://127.0.0.1:${port}`)
  const stop = () => void host.close().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  // Ctrl-C reaches the whole process group at once; the parent decides when to stop.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', stop)
}

if (import.meta.main) await main()
