// The lists of the last two weeks, newest first: an entry for each, whose name sorts by time, because a request's id does not.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import type { Log } from '../../engine/ports.ts'
import { days, type Instant, seconds } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { atMost } from '../shared/at-most.ts'
import { vaultCalls } from '../shared/read-secrets.ts'
import type { Many, ManyKind } from './many-targets.ts'

const folder = 'index/'
/** Later than any moment, so that what is left until then sorts the newest first. */
const end = 1e13
/** As long as the container keeps a record. */
const kept = days(14)

const Entry = z.object({
  expiresAt: z.string(),
  /** When the message of the last of them becomes visible. */
  lastAt: z.string(),
  actor: z.string(),
  note: z.optional(z.string()),
  total: z.number(),
})

/** A list, as its entry says. */
export interface ListedMany extends z.output<typeof Entry> {
  readonly kind: ManyKind
  /** The id of the request. */
  readonly many: string
  readonly createdAt: Instant
  /** Names the entry, for the page after it. */
  readonly token: string
}

/**
 * Adds a list; a second time changes nothing. Never throws, because nothing may wait for it: who requests a list adds it, and again who handles
 * its message.
 */
export async function listInIndex(app: App, log: Log, request: string, many: Many): Promise<void> {
  try {
    await add(app, request, many)
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'a list could not be added to the index', { request, code, detail: message })
  }
}

async function add(app: App, request: string, many: Many): Promise<void> {
  const { kind, createdAt, expiresAt, actor, note, targets, delays } = many
  const begun = Date.parse(createdAt)
  const lastAt = iso(begun + seconds(delays.reduce((most, delay) => Math.max(most, delay), 0)))
  const said = note !== undefined && { note }
  const entry: z.output<typeof Entry> = { expiresAt, lastAt, actor, ...said, total: targets.length }
  const name = `${folder}${tokenOf(begun, kind, request)}.json`
  await app.operations.create(name, entry)
}

/** A page of them, newest first, and the token of the next page, where there is one. `after`: the token. Throws RekeyError. */
export async function indexPage(
  app: App,
  { after, most, signal }: { readonly after?: string | undefined; readonly most: number; readonly signal: AbortSignal },
): Promise<{ readonly lists: readonly ListedMany[]; readonly next?: string }> {
  const tokens = (await tokensOf(app, signal)).filter((token) => after === undefined || token > after)
  const page = tokens.slice(0, most)
  const lists = await read(app, page, signal)
  return { lists, ...(tokens.length > most && { next: page.at(-1)! }) }
}

/** The newest hundred of one kind. Throws RekeyError. */
export async function recentLists(app: App, kind: ManyKind, signal: AbortSignal): Promise<readonly ListedMany[]> {
  const tokens = (await tokensOf(app, signal)).filter((token) => token.split('.')[1] === kind)
  return await read(app, tokens.slice(0, 100), signal)
}

/** Of the lists that are kept, newest first. */
async function tokensOf(app: App, signal: AbortSignal): Promise<readonly string[]> {
  const names = await app.operations.names(folder, signal)
  const oldest = app.clock.now() - kept
  const tokens = names.map((name) => name.slice(folder.length, -'.json'.length))
  return tokens.filter((token) => momentOf(token) >= oldest).sort()
}

async function read(app: App, tokens: readonly string[], signal: AbortSignal): Promise<readonly ListedMany[]> {
  const lists = await atMost(vaultCalls, tokens, async (token) => {
    const { data } = Entry.safeParse(await app.operations.read(`${folder}${token}.json`, signal))
    const [, kind, many] = token.split('.')
    if (data === undefined) return []
    return [{ ...data, token, kind: kind as ManyKind, many: many!, createdAt: momentOf(token) }]
  })
  return lists.flat()
}

/** Whether a text may be the token of a page. */
export function isToken(text: string): boolean {
  return /^\d{13}\.(rotations|revocations)\.[0-9a-f-]{36}$/.test(text)
}

function tokenOf(at: Instant, kind: ManyKind, request: string): string {
  return `${String(end - at).padStart(13, '0')}.${kind}.${request}`
}

function momentOf(token: string): Instant {
  return end - Number(token.slice(0, 13))
}
