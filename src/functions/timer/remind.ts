// Announces the secrets that an operator must renew, each once for each version when it is due and once when it is overdue.

import * as z from 'zod/mini'
import type { ListedSecret } from '../../azure/key-vault.ts'
import type { App } from '../../compose.ts'
import { renewal } from '../../engine/events.ts'
import type { Log } from '../../engine/ports.ts'
import { deadlineOf } from '../../engine/reminder.ts'
import type { Instant, Target } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import { type Line, secretsLine, unreadLine } from '../snapshot/snapshot-lines.ts'
import { see, unreadable } from './candidates.ts'
import type { Period } from './period.ts'
import type { Readings } from './read-vaults.ts'
import type { Collect } from './tick.ts'

/** Nothing is written to the vault, not even a tag, so a blob has what was announced. Lost, it is announced again, with the same ids. */
const Announced = z.record(
  z.string(),
  z.object({
    /** When the version was made, in milliseconds: a listing does not have its name. */
    created: z.number(),
    due: z.optional(z.literal(true)),
    overdue: z.optional(z.literal(true)),
  }),
)
type Notes = z.output<typeof Announced>
type What = 'due' | 'overdue'

interface Reminding {
  readonly log: Log
  readonly collect: Collect
  readonly signal: AbortSignal
}

/** A reminder and what the vault's listing shows of its secret. */
interface Listed {
  readonly target: Target
  readonly secret: ListedSecret | undefined
}

/** Every enabled reminder as the vault shows it. What cannot be read or announced is collected, and tried with the next tick. */
export async function remind(app: App, period: Period, reminding: Reminding): Promise<Readings> {
  const enabled = app.reminders.filter((target) => target.enabled)
  if (enabled.length === 0) return { seen: [], lines: [] }
  const { collect, signal } = reminding
  const listed: Listed[] = []
  const missed: Target[] = []
  const lines: Line[] = []
  await atMost(vaultCalls, [...byVault(enabled)], async ([url, targets]) => {
    const at = app.clock.now()
    try {
      const secrets = await secretsOf(app.vault(url), targets, signal)
      for (const target of targets) listed.push({ target, secret: secrets.get(target.name)?.[0] })
      lines.push(secretsLine(targets, at, secrets))
    } catch (thrown) {
      const { code } = collect(thrown, url)
      missed.push(...targets)
      lines.push(unreadLine(targets, at, code))
    }
  })
  await announceAll(app, listed, period.to, reminding).catch((thrown: unknown) => collect(thrown, 'reminders'))
  const seen = [...listed.map(({ target, secret }) => see(target, [secret], period)), ...missed.map(unreadable)]
  return { seen, lines }
}

/** Announced first and noted then: what is lost in between is announced again, with the same id. */
async function announceAll(app: App, listed: readonly Listed[], now: Instant, reminding: Reminding): Promise<void> {
  const wanted = listed.flatMap((each) => wantedOf(each, now).map((what) => ({ ...each, what })))
  if (wanted.length === 0) return
  const { collect, signal } = reminding
  const stored = await app.reminderState.read(signal)
  const notes = stored === undefined ? {} : notesIn(stored.text)
  const open = wanted.filter(({ target, secret, what }) => !isNoted(notes, target, secret!, what))
  const done: typeof open = []
  await atMost(vaultCalls, open, async (each) => {
    try {
      if (await announce(app, each, now, reminding)) done.push(each)
    } catch (thrown) {
      collect(thrown, each.target.name)
    }
  })
  if (done.length === 0) return
  await app.reminderState.write(JSON.stringify(notedAfter(notes, done, app)), stored?.etag, signal)
}

function wantedOf({ target, secret }: Listed, now: Instant): readonly What[] {
  if (!secret?.enabled) return []
  const { dueAt, deadline } = deadlineOf(target, secret)
  return [...(now >= dueAt ? ['due' as const] : []), ...(now >= deadline ? ['overdue' as const] : [])]
}

/** False: the vault shows another version by now, which the next tick sees. */
async function announce(
  app: App,
  { target, secret, what }: Listed & { readonly what: What },
  now: Instant,
  { log, signal }: Reminding,
): Promise<boolean> {
  const { name, created } = secret!
  const [newest] = await app.vault(target.vault).versions(name, 1, signal)
  if (newest?.created !== created) return false
  const { deadline } = deadlineOf(target, newest)
  log('warn', `reminder: a renewal is ${what}`, { target: target.name, version: newest.version })
  await app.ports(log).announcer.announce([renewal(target, newest, { what, deadline, now })], signal)
  return true
}

/** A blob that cannot be understood counts as lost. */
function notesIn(text: string): Notes {
  try {
    const read = Announced.safeParse(JSON.parse(text))
    return read.success ? read.data : {}
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {}
    throw thrown
  }
}

function isNoted(notes: Notes, { name }: Target, { created }: ListedSecret, what: What): boolean {
  const note = Object.hasOwn(notes, name) ? notes[name] : undefined
  return note?.created === created && note[what] === true
}

/** Those of reminders that are gone are left out. */
function notedAfter(notes: Notes, done: readonly (Listed & { readonly what: What })[], app: App): Notes {
  const names = new Set(app.reminders.map(({ name }) => name))
  const kept = new Map(Object.entries(notes).filter(([name]) => names.has(name)))
  for (const { target, secret, what } of done) {
    const { created } = secret!
    const before = kept.get(target.name)
    kept.set(target.name, { ...(before?.created === created ? before : { created }), [what]: true })
  }
  return Object.fromEntries(kept)
}
