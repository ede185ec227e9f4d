// How every call to Azure is made: credential, cloud, retries, time limits.

import { setTimeout as pause } from 'node:timers/promises'
import type { TokenCredential } from '@azure/core-auth'
import type { HttpClient, PipelinePolicy } from '@azure/core-rest-pipeline'
import type { Secret } from '../engine/secret.ts'
import { sendAgain, sendOnce, type Wait } from './attempts.ts'
import type { Cloud } from './clouds.ts'
import type { ErrorCodePlaces } from './failure-facts.ts'
import { rawSender } from './raw-calls.ts'
import { refusedToken } from './refused-token.ts'
import { type Converse, commandSender } from './resp.ts'

/** `once`: sent once, whatever happens. `retry`: bounded retries that honour Retry-After, for reads and idempotent writes. */
export type Attempts = 'once' | 'retry'

/** A raw call, where no SDK fits. */
export interface RawRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  /** Token scope, e.g. `https://graph.microsoft.com/.default`; absent: the call is made without a token (probes). */
  readonly scope?: string
  /** A secret is shown when the request is sent, and not before. */
  readonly headers?: Readonly<Record<string, string | Secret>>
  /** Sent as JSON. A secret in it is shown when the request is sent, and not before. */
  readonly body?: unknown
  /**
   * Suffixes of the host names of a service's data plane in this cloud, without a leading dot: with a `scope`, the token may go there
   * too. The provider declares them; they never come from an answer or a setting.
   */
  readonly tokenHosts?: readonly string[]
  readonly attempts: Attempts
  readonly signal: AbortSignal
  /** For errors: the REST operation in words, e.g. `GET secret`. */
  readonly operation: string
  /** Where this service names its errors in places of its own. */
  readonly errorCodes?: ErrorCodePlaces
}

/** Commands of RESP, the protocol of Redis, on a TLS connection of their own. */
export interface CommandRequest {
  readonly host: string
  readonly port: number
  /** Each with its arguments. A secret is shown when the commands are sent, and not before. */
  readonly commands: readonly (readonly (string | Secret)[])[]
  readonly signal: AbortSignal
  /** For errors: what the commands are, e.g. `AUTH at contoso.redis.cache.windows.net`. */
  readonly operation: string
}

export interface RawAnswer {
  readonly status: number
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON; undefined for an empty body. A body that is not valid JSON throws `UnexpectedAnswer`, outcome unknown. */
  readonly body: unknown
}

/** What a generated SDK client takes as its options. */
export interface SdkOptions {
  readonly endpoint: string
  readonly credentialScopes: string[]
  /** The newer generation of clients reads the scopes from here, and would ask for the public cloud's otherwise. */
  readonly credentials: { readonly scopes: string[] }
  readonly retryOptions: { maxRetries: number; retryDelayInMs?: number; maxRetryDelayInMs?: number }
  readonly additionalPolicies: { policy: PipelinePolicy; position: 'perCall' | 'perRetry' }[]
  readonly httpClient?: HttpClient
}

export interface AzureClients {
  readonly cloud: Cloud
  /** Whether this app itself authenticates with the key: at its storage account, or at its topic. Absent: it has none. */
  isOwnKey?(key: Secret): boolean
  readonly credential: TokenCredential
  /** Wall-clock milliseconds, which date the signatures of requests. */
  now(): number
  /** Resolves after `ms`; rejects when the signal ends. Used between the polls of a long-running operation. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /**
   * Options for a generated ARM client. Every request ends at the call limit. A client that both reads and writes may
   * choose by HTTP method how often a request is sent.
   */
  sdk(attempts: Attempts | ((method: string) => Attempts)): SdkOptions
  /**
   * A raw call through core-rest-pipeline. Returns any 2xx; throws RekeyError for everything else, rebuilt from status,
   * code and request id alone.
   */
  send(request: RawRequest): Promise<RawAnswer>
  /** The same, but returns every status and does not parse the body: for probes and blobs. Throws only when there was no answer. */
  ask(request: RawRequest): Promise<Omit<RawAnswer, 'body'> & { readonly text: string }>
  /**
   * Sends commands at once, and returns the first line of the replies to them, in order: fewer than commands where the connection ended
   * before. Throws `ServiceUnavailable` where not one line came within the call limit.
   */
  command(request: CommandRequest): Promise<readonly string[]>
}

export interface ClientSettings {
  readonly cloud: Cloud
  readonly credential: TokenCredential
  /** Tests only: replaces the network. */
  readonly httpClient?: HttpClient
  /** Tests only: replaces the connections of `command`. */
  readonly converse?: Converse
  /** Tests only: the clocks and the timer. */
  readonly now?: () => number
  readonly monotonic?: () => number
  readonly wait?: Wait
}

/** Creates the means to call Azure. Loads no SDK: each is loaded by the first call that needs it. */
export function createAzureClients(settings: ClientSettings): AzureClients {
  const { cloud, credential, httpClient, now = Date.now, monotonic = uptime, wait = sleep } = settings
  const policies = { once: sendOnce(), retry: sendAgain(wait, monotonic) }
  const newToken = refusedToken(now)

  const sdk: AzureClients['sdk'] = (attempts) => {
    const choose = typeof attempts === 'function' ? attempts : () => attempts
    const policy: PipelinePolicy = {
      name: 'rekeyAttempts',
      sendRequest: (request, next) => policies[choose(request.method)].sendRequest(request, next),
    }
    const scopes = [`${cloud.resourceManager}/.default`]
    return {
      endpoint: cloud.resourceManager,
      credentialScopes: scopes,
      credentials: { scopes },
      retryOptions: { maxRetries: 0 },
      additionalPolicies: [
        { policy, position: 'perCall' },
        { policy: newToken, position: 'perRetry' },
      ],
      ...(httpClient === undefined ? {} : { httpClient }),
    }
  }

  const { converse } = settings
  return {
    cloud,
    credential,
    now,
    wait,
    sdk,
    ...rawSender({ cloud, credential, policies, newToken, httpClient }),
    command: commandSender(converse),
  }
}

function uptime(): number {
  return performance.now()
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal })
}
