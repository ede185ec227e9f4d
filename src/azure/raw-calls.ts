// Calls for which no SDK fits, through core-rest-pipeline, so that tokens, retries, limits and the redirection of tests
// are the same as for all others.

import type { TokenCredential } from '@azure/core-auth'
import type { HttpClient, Pipeline, PipelinePolicy, PipelineResponse } from '@azure/core-rest-pipeline'
import { Secret } from '../engine/secret.ts'
import type { Attempts, AzureClients, RawRequest } from './clients.ts'
import type { Cloud } from './clouds.ts'
import { lazily } from './lazily.ts'
import { rebuild, refusal, unreadable } from './service-error.ts'
import { assertTokenHost } from './trusted-hosts.ts'

interface Means {
  readonly cloud: Cloud
  readonly credential: TokenCredential
  readonly policies: Readonly<Record<Attempts, PipelinePolicy>>
  /** Requests a new token after a 401 for an expired one. */
  readonly newToken: PipelinePolicy
  readonly httpClient: HttpClient | undefined
}

type Send = (request: RawRequest) => Promise<PipelineResponse>

/** `send` and `ask` of the Azure clients. */
export function rawSender(means: Means): Pick<AzureClients, 'send' | 'ask'> {
  const loaded = lazily(() => load(means))
  const call: Send = async (request) => {
    if (request.scope !== undefined) assertTokenHost(request.url, means.cloud, request.tokenHosts)
    try {
      return await (await loaded())(request)
    } catch (error) {
      throw rebuild(error, request.operation)
    }
  }

  return {
    send: async (request) => {
      const { status, headers, bodyAsText } = await call(request)
      if (status < 200 || status > 299) {
        throw refusal(
          { status, header: (name) => headers.get(name), body: parsed(bodyAsText) },
          request.operation,
          request.errorCodes,
        )
      }
      const body = parsed(bodyAsText)
      if (body === undefined && bodyAsText) throw unreadable(request.operation, status)
      return { status, headers: headers.toJSON(), body }
    },
    ask: async (request) => {
      const { status, headers, bodyAsText } = await call(request)
      return { status, headers: headers.toJSON(), text: bodyAsText ?? '' }
    },
  }
}

async function load({ credential, policies, newToken, httpClient }: Means): Promise<Send> {
  const rest = await import('@azure/core-rest-pipeline')
  const client = httpClient ?? rest.createDefaultHttpClient()
  // One pipeline for each way of sending and each scope: the policy that adds a token is part of it, and keeps the token.
  const pipelines = new Map<string, Pipeline>()

  const pipelineFor = (attempts: Attempts, scope: string | undefined): Pipeline => {
    const id = `${attempts} ${scope}`
    const known = pipelines.get(id)
    if (known !== undefined) return known
    // No redirects: a probe would show its key to whoever it is sent on to.
    const pipeline = rest.createPipelineFromOptions({
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
    })
    pipeline.addPolicy(policies[attempts])
    // Without a token it is a probe, which may be signed: a signature of Azure Storage covers every `x-ms-` header that arrives.
    if (scope === undefined) pipeline.removePolicy({ name: rest.setClientRequestIdPolicyName })
    if (scope !== undefined) {
      const bearer = rest.bearerTokenAuthenticationPolicy({ credential, scopes: scope })
      pipeline.addPolicy(bearer, { phase: 'Sign' })
      pipeline.addPolicy(newToken, { phase: 'Sign', afterPolicies: [bearer.name] })
    }
    pipelines.set(id, pipeline)
    return pipeline
  }

  return async ({ method, url, scope, headers, body, attempts, signal }) => {
    const json = body === undefined ? undefined : JSON.stringify(body, revealed)
    const request = rest.createPipelineRequest({
      method,
      url,
      headers: rest.createHttpHeaders({
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, shown(value)])),
      }),
      abortSignal: signal,
      ...(json === undefined ? {} : { body: json }),
    })
    return await pipelineFor(attempts, scope).sendRequest(client, request)
  }
}

function shown(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value
}

/** For JSON.stringify: a secret itself would print as "[secret]". */
function revealed(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const given = this[name]
  return given instanceof Secret ? given.reveal() : value
}

/** The body where it is JSON; undefined where it is empty, or not. */
function parsed(text: string | null | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text. That it could not be read is all that may be known of it.
    return undefined
  }
}
