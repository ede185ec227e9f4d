// Calls the API of this app, with the rights of whoever reads the page.

import type { Problem } from './api-shapes.ts'

/** What lets a caller in: App Service's sign-in, a key, or both of them. */
const locks = document.documentElement.dataset['signIn']
export const needsSignIn = locks !== 'key'
export const needsKey = locks !== 'entra'

/** The key lives in this variable alone: it is gone with the tab. */
let key = ''

/** Uses this key for every call from now on; empty: none. */
export function useKey(given: string): void {
  key = given
}

/** An answer that is no success, or none at all. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem

  constructor(status: number, problem: Problem) {
    super(problem.detail)
    this.status = status
    this.problem = problem
  }
}

/** Where whoever is not signed in, or whose key is refused, is sent. */
let onRefused: () => void = () => undefined

/** Calls `then` when an answer is 401. */
export function whenRefused(then: () => void): void {
  onRefused = then
}

interface Answered<Body> {
  readonly status: number
  readonly body: Body
  readonly headers: Headers
}

/** Reads a route of this app. Throws ApiError. */
export async function get<Body>(path: string, accepted: readonly number[] = [200]): Promise<Body> {
  return (await call<Body>(path, {}, accepted)).body
}

/**
 * Sends a command, as one that may be sent again: the same id and moment are one request, however often it arrives. Throws
 * ApiError.
 */
export function post<Body>(path: string, body: object, id = crypto.randomUUID(), firstSent = new Date()) {
  const headers = {
    'content-type': 'application/json',
    'repeatability-request-id': id,
    'repeatability-first-sent': firstSent.toUTCString(),
  }
  return call<Body>(path, { method: 'POST', headers, body: JSON.stringify(body) }, [200, 202])
}

/** Reads one page of a history as CSV, and the address of the next. Throws ApiError. */
export async function getCsv(path: string): Promise<{ readonly text: string; readonly nextLink: string | undefined }> {
  const { text, headers } = await send(path, { headers: { accept: 'text/csv' } }, [200])
  return { text, nextLink: /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] }
}

async function call<Body>(path: string, init: RequestInit, accepted: readonly number[]): Promise<Answered<Body>> {
  const given = { ...init, headers: { ...init.headers, accept: 'application/json' } }
  const { status, text, headers } = await send(path, given, accepted)
  return { status, body: JSON.parse(text) as Body, headers }
}

interface Sent {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

async function send(path: string, init: RequestInit, accepted: readonly number[]): Promise<Sent> {
  const headers = { ...init.headers, ...(key === '' ? {} : { 'x-functions-key': key }) }
  let response: Response
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', redirect: 'error' })
  } catch {
    throw new ApiError(0, {
      code: 'Unreachable',
      detail: 'The app did not answer.',
      remedy: 'Check the network, and try again.',
    })
  }
  if (response.status === 401) onRefused()
  const text = await response.text()
  if (!accepted.includes(response.status)) throw new ApiError(response.status, problemIn(response.status, text))
  return { status: response.status, text, headers: response.headers }
}

/** The platform's own errors have no body. */
function problemIn(status: number, text: string): Problem {
  try {
    const parsed = JSON.parse(text) as Partial<Problem>
    if (typeof parsed.detail === 'string') return { code: `${status}`, ...parsed, detail: parsed.detail }
  } catch {
    // Not JSON: an error of the platform, which is named by its status.
  }
  const said: Readonly<Record<number, string>> = {
    401: 'The sign-in has ended, or the key is not valid.',
    404: 'This app has no such route. It may be of another version than this page.',
  }
  return { code: `${status}`, detail: said[status] ?? `The app answered with status ${status}.` }
}

/** An address of the API as a path of this host: whatever host it names, only this one is called. */
export function pathIn(address: string): string {
  const { pathname, search } = new URL(address, location.href)
  // A path that begins with two slashes would name a host.
  return pathname.replace(/^\/+/, '/') + search
}

/** Reads a collection to its end, page by page; `onPage` gets what has come so far. Throws ApiError. */
export async function getAll<Item>(
  path: string,
  onPage: (items: readonly Item[], page: Readonly<Record<string, unknown>>, isLast: boolean) => void,
): Promise<void> {
  const items: Item[] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    const page: { value: readonly Item[]; nextLink?: string } = await get(next)
    items.push(...page.value)
    next = page.nextLink === undefined ? undefined : pathIn(page.nextLink)
    onPage(items, page as unknown as Readonly<Record<string, unknown>>, next === undefined)
  }
}
