// Calls the app. A request whose answer is lost is sent once more: the headers of repeatable requests make both of them one.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { apiVersion, apiVersionParameter } from '../../src/functions/http/request-rules.ts'
import { isWithin } from './app-address.ts'
import type { CallerHeaders } from './caller-headers.ts'
import { Ended, type ExitName } from './ended.ts'
import type { Loose } from './loose-answer.ts'

export interface Reply<Answer = unknown> {
  readonly status: number
  readonly headers: Headers
  /** The JSON of the answer. */
  readonly body: Loose<Answer>
  readonly text: string
}

/** What was received, whatever it is. */
interface Received extends Omit<Reply, 'body'> {
  /** Undefined where it is no JSON. */
  readonly body: unknown
}

export interface AppClient {
  readonly address: string
  /** `also`: statuses beside 2xx that are an answer. Throws Ended for every other answer, and without one. */
  get<Answer>(
    path: string,
    query?: Query,
    options?: { readonly also?: readonly number[]; readonly accept?: string },
  ): Promise<Reply<Answer>>
  /** A request that may change something. `prefer`: the header of that name. */
  post<Answer>(path: string, body: object, prefer?: string): Promise<Reply<Answer>>
  /** The address that an answer names, which must be in the app. */
  follow<Answer>(link: string, accept?: string): Promise<Reply<Answer>>
  /** Every page of a collection. */
  pages<Page extends Linked>(path: string, query?: Query): AsyncIterable<Loose<Page>>
}

/** A page of a collection. */
interface Linked {
  readonly nextLink?: string | undefined
}

type Query = Readonly<Record<string, string | undefined>>

export interface ClientOptions {
  readonly address: string
  readonly callerHeaders: CallerHeaders
  /** Called before a request is sent again, and with --verbose for each request. Never with a header or a body. */
  readonly note: (text: string) => void
  readonly verbose: boolean
}

/** A little longer than the app and the platform in front of it take to answer. */
const readTime = 100_000
const commandTime = 235_000
/** How long a repeated request waits where the first one is still carried out, at most. */
const longestBusy = 60_000

interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export function appClient(options: ClientOptions): AppClient {
  const { address } = options
  const urlOf = (path: string, query: Query = {}) => {
    const url = new URL(`${address}/api/${path}`)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    // An app of another version says so, rather than being misread.
    url.searchParams.set(apiVersionParameter, apiVersion)
    return url
  }
  const get: AppClient['get'] = async (path, query, { also = [], accept = 'application/json' } = {}) =>
    checked(await answerTo(options, { method: 'GET', url: urlOf(path, query), headers: { accept } }), also)
  const follow: AppClient['follow'] = async (link, accept = 'application/json') => {
    if (!isWithin(address, link)) throw asElsewhere(link)
    return checked(await answerTo(options, { method: 'GET', url: new URL(link), headers: { accept } }))
  }
  return {
    address,
    get,
    follow,
    async post(path, body, prefer) {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        'repeatability-request-id': randomUUID(),
        'repeatability-first-sent': new Date().toUTCString(),
        ...(prefer === undefined ? {} : { prefer }),
      }
      const sent = { method: 'POST', url: urlOf(path), headers, body: JSON.stringify(body) } as const
      return checked(await answerTo(options, sent))
    },
    async *pages<Page extends Linked>(path: string, query?: Query) {
      const seen = new Set<string>()
      for (let page = (await get<Page>(path, query)).body; ; ) {
        yield page
        const { nextLink: next } = page as Linked
        if (typeof next !== 'string') return
        if (seen.has(next)) throw asUnexpected('a page names a page before it as the next one')
        seen.add(next)
        page = (await follow<Page>(next)).body
      }
    },
  }
}

/** The answer, at the second try if the first was lost. Throws Ended where there is none. */
async function answerTo(options: ClientOptions, outgoing: Outgoing): Promise<Received> {
  const first = await attempt(options, outgoing)
  if (!('lost' in first)) return first
  options.note(`No answer (${first.lost}). Sending the same request again…`)
  const second = await attempt(options, outgoing)
  if ('lost' in second) throw asLost(options.address, outgoing, second.lost)
  if (outgoing.method === 'GET' || codeIn(second) !== 'Busy') return second
  // The first one is still being carried out.
  options.note('The first request is still being carried out. Waiting for its result…')
  await pause(Math.min(retryAfter(second) ?? longestBusy, longestBusy))
  const third = await attempt(options, outgoing)
  if ('lost' in third) throw asLost(options.address, outgoing, third.lost)
  return third
}

async function attempt(options: ClientOptions, outgoing: Outgoing): Promise<Received | { readonly lost: string }> {
  const { method, url, body } = outgoing
  // Outside the try: that az gives no token is no lost answer.
  const headers = { ...outgoing.headers, ...(await options.callerHeaders()) }
  const started = performance.now()
  const say = (what: string) => {
    if (options.verbose)
      options.note(`${method} ${url.pathname}${url.search}: ${what}, ${Math.round(performance.now() - started)} ms`)
  }
  try {
    const signal = AbortSignal.timeout(method === 'GET' ? readTime : commandTime)
    // A redirect would take the key along.
    const response = await fetch(url, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    say(String(response.status))
    const reply = { status: response.status, headers: response.headers, text, body: parsed(text) }
    // Of the platform: a gateway that got no answer, or a function that ended before it gave one.
    const isPlatform = reply.status >= 500 && reply.body === undefined
    return isPlatform ? { lost: `HTTP ${reply.status} without a body of Rekey's` } : reply
  } catch (error) {
    const why = reasonOf(error)
    say(why)
    if (neverSent.test(why)) throw asUnreachable(options.address, why)
    return { lost: why }
  }
}

/** Codes of Node.js with which nothing was sent: trying again at once does not help. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/

/** The code of a failed fetch, or its name: messages may quote a header. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as {
    readonly name?: string
    readonly cause?: { readonly code?: string; readonly errors?: { readonly code?: string }[] }
  }
  return cause?.code ?? cause?.errors?.[0]?.code ?? (name === 'TimeoutError' ? 'it took too long' : String(name))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Milliseconds. */
export function retryAfter({ headers }: Pick<Reply, 'headers'>): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

/** The answer, if it is one. Throws Ended for a refusal, and for what Rekey does not answer. */
function checked<Answer>(received: Received, also: readonly number[] = []): Reply<Answer> {
  const { status, body, headers } = received
  const isWanted = (status >= 200 && status < 300) || also.includes(status)
  const isCsv = headers.get('content-type')?.startsWith('text/csv')
  if (isWanted && (isCsv || (typeof body === 'object' && body !== null))) return received as Reply<Answer>
  const code = codeIn(received)
  if (code !== undefined) throw asProblem(status, code, body as object)
  if (status === 401) throw asUnauthorized(headers)
  if (status === 403) throw asForbidden()
  if (status >= 300 && status < 400) throw asRedirected(headers.get('location'))
  throw asUnexpected(
    status === 404 ? 'HTTP 404: it has no such route' : `HTTP ${status}${isWanted ? ', which is not JSON' : ''}`,
  )
}

/** What Rekey says, with the exit code of its status. */
function asProblem(
  status: number,
  code: string,
  problem: { readonly detail?: unknown; readonly title?: unknown },
): Ended {
  return new Ended(exitOf(status, code), { ...problem, code, detail: String(problem.detail ?? problem.title ?? '') })
}

/** The code of a problem. */
function codeIn({ body }: Received): string | undefined {
  const { code } = Object(body) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function exitOf(status: number, code: string): ExitName {
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404) return 'notFound'
  if (status === 409 || status === 412 || code === 'NotSupported') return 'refused'
  return status >= 400 && status < 500 && status !== 429 ? 'usage' : 'failed'
}

function asUnauthorized(headers: Headers): Ended {
  const wantsToken = /bearer/i.test(headers.get('www-authenticate') ?? '')
  return new Ended('forbidden', {
    code: 'NotSignedIn',
    detail: `HTTP 401: the app does not accept ${wantsToken ? 'the token' : 'the key'}`,
    remedy:
      'Each function has a key of its own: a host key (az functionapp keys list) opens every route. With the Entra sign-in on, the app ' +
      'wants a token: run az login, and set REKEY_CLIENT_ID or give --client-id.',
  })
}

function asForbidden(): Ended {
  return new Ended('forbidden', {
    code: 'Forbidden',
    detail: 'HTTP 403, which is not an answer of Rekey: the platform in front of it does not let the call pass',
    remedy:
      'Check the access restrictions of the app and, with the sign-in on, who may sign in. A stopped app answers 403, too.',
  })
}

function asRedirected(location: string | null): Ended {
  const to = location !== null && URL.canParse(location) ? ` to ${new URL(location).origin}` : ''
  return asUnexpected(`it redirects${to}, and a key is not sent along`)
}

/** What is not Rekey's. */
export function asUnexpected(what: string): Ended {
  return new Ended('unreachable', {
    code: 'UnexpectedAnswer',
    detail: `this is not an answer of Rekey: ${what}`,
    remedy:
      'Is the address (REKEY_URL or --url) that of a Rekey app, and of the version that this command line belongs to?',
  })
}

function asElsewhere(link: string): Ended {
  const place = URL.canParse(link) ? new URL(link).origin : 'what is no address'
  return new Ended('unreachable', {
    code: 'UnexpectedAnswer',
    detail: `the answer goes on at ${place}, which is another place than the app: not followed, because it would be sent the key`,
    remedy: 'Set REKEY_URL to the address that the app itself has. A proxy in front of it must pass the host name on.',
  })
}

function asUnreachable(address: string, why: string): Ended {
  return new Ended('unreachable', {
    code: 'Unreachable',
    detail: `${new URL(address).host} cannot be reached: ${why}`,
    remedy:
      'Check the address (REKEY_URL or --url), the network, and whether the app runs. Behind a proxy, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1.',
  })
}

function asLost(address: string, { method }: Outgoing, why: string): Ended {
  const detail = `${new URL(address).host} gave no answer, twice: ${why}`
  if (method === 'GET') return new Ended('unreachable', { code: 'Unreachable', detail })
  return new Ended('unreachable', {
    code: 'Unreachable',
    detail: `${detail}. It is not known whether the command was carried out`,
    remedy: 'See what the target shows now (npm run rekey -- show <target>) before you repeat the command.',
  })
}
