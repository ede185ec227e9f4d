// HTTP triggers, the Event Grid webhook and the management routes.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Answer, header, json, parseJson } from './answers.ts'
import { receiveEvents } from './event-grid-webhook.ts'
import { allows, type HostKeys, type Level, levelOf } from './function-keys.ts'
import type { Invoker } from './invoker.ts'
import { parseRoute, type Route } from './route-templates.ts'
import type { SimulatedSignIn } from './simulated-sign-in.ts'
import type { HttpData, Nullable, RegisteredFunction } from './worker.ts'

export interface HttpHost {
  readonly functions: readonly RegisteredFunction[]
  readonly routePrefix: string
  readonly keys: HostKeys
  readonly invoker: Invoker
  /** Undefined: the sign-in is off. */
  readonly signIn?: SimulatedSignIn | undefined
  /** Runs any function with an input, for `POST /admin/functions/<name>`. False if no function has that name. */
  fire(name: string, input: unknown): boolean
}

export interface HttpFunction {
  readonly name: string
  readonly route: Route
  /** Upper case. */
  readonly methods: readonly string[]
  readonly level: Level
}

/** As in Azure: 100 MB. */
const largestBody = 104_857_600

/** The HTTP functions in the order in which they are tried. */
function httpFunctions(functions: readonly RegisteredFunction[], routePrefix: string): HttpFunction[] {
  return functions
    .filter(({ trigger }) => trigger.type.toLowerCase() === 'httptrigger')
    .map(({ name, trigger }) => {
      const own = String(trigger['route'] ?? name)
      return {
        name,
        route: parseRoute(routePrefix === '' ? own : `${routePrefix}/${own}`),
        methods: ((trigger['methods'] as string[] | undefined) ?? []).map((method) => method.toUpperCase()),
        level: String(trigger['authLevel'] ?? 'function').toLowerCase() as Level,
      }
    })
    .sort((a, b) => (a.route.precedence < b.route.precedence ? -1 : a.route.precedence > b.route.precedence ? 1 : 0))
}

/** Serves on loopback. Throws `EADDRINUSE` if the port is in use. */
export async function serveHttp(host: HttpHost, port: number): Promise<Server> {
  const routes = httpFunctions(host.functions, host.routePrefix)
  const server = createServer((request, response) => {
    answer(host, routes, request).then(
      (result) => send(response, request, result),
      // The run has logged it; Azure does not give the caller details either.
      () => send(response, request, { status: 500 }),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  return server
}

async function answer(host: HttpHost, routes: readonly HttpFunction[], request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`)
  const body = await readBody(request)
  if (body === undefined) return { status: 413 }
  const admission = host.signIn?.admit(request, url, body) ?? { headers: headersOf(request) }
  if ('answer' in admission) return admission.answer
  const key = header(request, 'x-functions-key') ?? url.searchParams.get('code') ?? undefined
  if (/^\/admin\//i.test(url.pathname)) return manage(host, request.method ?? 'GET', url, key, body)
  if (/^\/runtime\/webhooks\/eventgrid\/?$/i.test(url.pathname)) {
    const { level } = levelOf(host.keys, key, undefined)
    if (!allows(level, 'system')) return { status: 401 }
    return receiveEvents(host, request, url.searchParams.get('functionName') ?? '', body)
  }

  // A known route with another method is 404 in Azure, not 405: the method is a constraint of the route.
  for (const candidate of routes) {
    if (candidate.methods.length > 0 && !candidate.methods.includes(request.method ?? 'GET')) continue
    const params = candidate.route.match(url.pathname)
    if (params === undefined) continue
    const { level, name: keyName } = levelOf(host.keys, key, candidate.name)
    if (!allows(level, candidate.level)) return { status: 401 }
    const http = toRpc({ request, headers: admission.headers }, url, params, body, identitiesOf(level, keyName))
    const result = await host.invoker.invoke(
      candidate.name,
      'This function was programmatically called via the host APIs.',
      {
        trigger: { http },
      },
    )
    return fromRpc(result.returnValue?.http)
  }
  return { status: 404 }
}

function manage(host: HttpHost, method: string, url: URL, key: string | undefined, body: Uint8Array): Answer {
  if (levelOf(host.keys, key, undefined).level !== 'admin') return { status: 401 }
  const path = url.pathname.toLowerCase()
  if (method === 'GET' && path === '/admin/host/status')
    return json(200, { state: 'Running', running: host.invoker.running() })
  if (method === 'GET' && path === '/admin/functions') {
    return json(
      200,
      host.functions.map(({ name, trigger }) => ({ name, trigger: trigger.type })),
    )
  }
  const name = /^\/admin\/functions\/([^/]+)$/i.exec(url.pathname)?.[1]
  if (method !== 'POST' || name === undefined) return { status: 404 }
  const parsed = parseJson(body)
  if (typeof parsed !== 'object' || parsed === null) return { status: 400 }
  const { input = '' } = parsed as { readonly input?: unknown }
  return { status: host.fire(decodeURIComponent(name), input) ? 202 : 404 }
}

function headersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  )
}

function toRpc(
  { request, headers }: { readonly request: IncomingMessage; readonly headers: Readonly<Record<string, string>> },
  url: URL,
  params: Readonly<Record<string, string>>,
  body: Uint8Array,
  identities: readonly unknown[],
): HttpData {
  const nullable = (entries: Iterable<[string, string]>): Record<string, Nullable> =>
    Object.fromEntries([...entries].map(([name, value]) => [name, { value }]))
  return {
    method: request.method ?? 'GET',
    url: url.href,
    nullableHeaders: nullable(Object.entries(headers)),
    nullableQuery: nullable(url.searchParams),
    nullableParams: nullable(Object.entries(params)),
    identities,
    ...(body.length > 0 ? { body: { bytes: body } } : {}),
  }
}

/** The key's name travels as a claim. `@azure/functions` drops identities, so that a function never sees it. */
function identitiesOf(level: Level, keyName: string | undefined): readonly unknown[] {
  if (level === 'anonymous') return []
  const claims = 'http://schemas.microsoft.com/2017/07/functions/claims'
  return [
    {
      authenticationType: { value: 'WebJobsAuthLevel' },
      claims: [
        { type: `${claims}/authlevel`, value: level },
        { type: `${claims}/invoke`, value: 'true' },
        { type: `${claims}/keyid`, value: keyName },
      ],
    },
  ]
}

function fromRpc(http: HttpData | undefined): Answer {
  if (http === undefined) return { status: 204 }
  const cookies = (http.cookies ?? []).map(({ name, value }) => `${name}=${value}`)
  const body = http.body?.bytes ?? http.body?.string ?? http.body?.json
  return {
    status: Number(http.statusCode ?? 200),
    headers: { ...http.headers, ...(cookies.length > 0 ? { 'set-cookie': cookies.join(', ') } : {}) },
    ...(body === undefined ? {} : { body }),
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > largestBody) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, request: IncomingMessage, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, { ...headers, ...(body === undefined ? { 'content-length': 0 } : {}) })
  response.end(request.method === 'HEAD' ? undefined : body)
}
