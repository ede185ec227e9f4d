// The app's Azure clients on a simulated Azure in this process: the real SDK clients, without a socket.

import { type Cloud, ConnectionLost, CrashSignal } from '../simulator/cloud.ts'
import { converse } from '../simulator/raw-sockets.ts'
import { type AzureClients, createAzureClients } from '../src/azure/clients.ts'
import { type CloudName, clouds } from '../src/azure/clouds.ts'
import type { Converse } from '../src/azure/resp.ts'
import { wire } from './azure/wire.ts'

/** One request as it went out, without its body and headers. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
}

/** The clients of one process. */
export interface ConnectedAzure extends AzureClients {
  /** Every request so far, tokens' included. */
  readonly sent: readonly SentRequest[]
  /** A crash fault has struck: this process sends nothing more. A process that is started again is a new `connect`. */
  readonly crashed: boolean
}

export interface ConnectOptions {
  /** The process's name in the history. A name of its own for each process keeps a crashed one dead. */
  readonly caller?: string
  readonly cloud?: CloudName
  /** What a pause does. Default: the simulated clock jumps. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
  /** `real`: connections without HTTP are not the simulated ones; a test has them redirected to a server of its own. */
  readonly sockets?: 'real'
  /** Runs before an answer is handed on. */
  readonly afterAnswer?: () => Promise<void>
}

/**
 * Azure clients that end in `cloud`. Signatures are dated by the simulated clock, and pauses (retries, polls) make it
 * jump. Once a crash has struck, whatever else this process sends fails too, also what carries no token.
 */
export function connect(cloud: Cloud, options: ConnectOptions = {}): ConnectedAzure {
  const sent: SentRequest[] = []
  const process = { crashed: false }

  const httpClient = wire(async (request) => {
    if (process.crashed) throw new ConnectionLost('the calling process has crashed')
    sent.push({ method: request.method, url: new URL(request.url) })
    try {
      const response = await cloud.fetch(request)
      await options.afterAnswer?.()
      return response
    } catch (error) {
      if (error instanceof CrashSignal) process.crashed = true
      throw error
    }
  })

  const converseWith: Converse = async ({ host, port, signal }, bytes) => {
    signal.throwIfAborted()
    if (process.crashed) throw new ConnectionLost('the calling process has crashed')
    sent.push({ method: 'RESP', url: new URL(`https://${host}:${port}/`) })
    return converse(cloud.fetch, host, bytes)
  }

  const jump = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted()
    cloud.clock.advance(ms)
  }
  const clients = createAzureClients({
    cloud: clouds[options.cloud ?? 'public'],
    credential: cloud.identity.credential(options.caller),
    httpClient,
    ...(options.sockets === 'real' ? {} : { converse: converseWith }),
    now: () => cloud.clock.now(),
    wait: options.wait ?? jump,
  })
  return {
    ...clients,
    sent,
    get crashed() {
      return process.crashed
    },
  }
}
