// The rotations of many targets that were requested together: a list that no tag can hold.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { type ErrorCode, RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, type Instant, minutes, type Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'
import { atMost } from '../shared/at-most.ts'
import { notApplied } from '../shared/not-applied.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import { attemptOf, failedMembers, memberId, type OperationError, shown } from './operation-record.ts'
import { isRotated } from './operation-state.ts'

const Counts = z.object({ total: z.number(), succeeded: z.number(), failed: z.number(), running: z.number() })
const Failure = z.object({ target: z.string(), code: z.string() })
const ManyRecord = z.object({
  createdAfter: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** In the order of their requests' ids. */
  targets: z.array(z.string()),
  /** Those whose request has not reached the queue, as far as is known. */
  unsent: z.array(z.string()),
  /** Why not, where the queue refused them; absent while they are being queued. */
  refusedWith: z.optional(z.string()),
  /** How it ended: what the tags say later changes nothing about it. */
  ended: z.optional(z.object({ counts: Counts, failures: z.array(Failure) })),
})

/** What is kept of the rotations of many targets. */
export type Many = z.output<typeof ManyRecord>

/** How far they have got. `failures` are the first hundred; `lastError`: why the status of some is not known. */
export interface ManyProgress {
  readonly counts: z.output<typeof Counts>
  readonly failures: readonly z.output<typeof Failure>[]
  readonly lastError?: OperationError
}

/** How many failures are listed; the count is of all. */
const mostFailures = 100

/** The record of a request; undefined: there is none. Throws RekeyError. */
export async function readMany(app: App, request: string): Promise<Many | undefined> {
  const read = ManyRecord.safeParse(await app.operations.read(nameOf(request)))
  return read.success ? read.data : undefined
}

/**
 * Records the list of a request, and returns it; where the same request has recorded one before, or at the same time, returns
 * that one. Throws RekeyError.
 */
export async function recordMany(app: App, request: string, many: Many): Promise<Many> {
  if (await app.operations.create(nameOf(request), many)) return many
  return (await readMany(app, request)) ?? many
}

/** Throws RekeyError. */
export async function writeMany(app: App, request: string, many: Many): Promise<void> {
  await app.operations.write(nameOf(request), many)
}

/** By the tags of all of them, vault by vault, and by the records of those that failed. `lastTryAt`: until when they may go on. */
export async function progressOfMany(
  app: App,
  request: string,
  many: Many,
  { lastTryAt, signal }: { readonly lastTryAt: Instant; readonly signal: AbortSignal },
): Promise<ManyProgress> {
  if (many.ended !== undefined) return many.ended
  const failed = await failedMembers(app, request, signal)
  const { seen, lastError } = await tagsOf(app, many.targets, signal)
  const [isExpired, unsent] = [app.clock.now() > lastTryAt, new Set(many.unsent)]
  const unsentCode = codeOfUnsent(app, many)
  const codes = new Map<string, string | undefined>()
  let succeeded = 0
  for (const [place, name] of many.targets.entries()) {
    const id = memberId(request, place)
    const secrets = seen.get(name)
    const target = app.targetNamed(name)
    if (failed.has(id)) codes.set(name, undefined)
    else if (target && secrets && isRotated(target, secrets, Date.parse(many.createdAfter))) succeeded += 1
    else if (unsent.has(name) && unsentCode) codes.set(name, unsentCode)
    else if (target === undefined && !notApplied(app, name)) codes.set(name, 'UnknownTarget')
    else if (secrets?.[0]?.stamps?.failed?.request === id) codes.set(name, secrets[0].stamps.failed.code)
    else if (isExpired) codes.set(name, 'RequestExpired')
  }
  const failures = await withCodes(app, request, many, [...codes].slice(0, mostFailures))
  const total = many.targets.length
  const running = total - succeeded - codes.size
  const counts = { total, succeeded, failed: codes.size, running }
  if (running === 0 && total > 0) await writeMany(app, request, { ...many, ended: { counts, failures } })
  return { counts, failures, ...(running > 0 && lastError && { lastError }) }
}

/** Queueing a list takes minutes at most. A target that was not queued by then never was: the app was stopped meanwhile. */
const longestQueueing: Duration = minutes(15)

function codeOfUnsent(app: App, { refusedWith, createdAfter }: Many): string | undefined {
  return refusedWith ?? (app.clock.now() > Date.parse(createdAfter) + longestQueueing ? 'OutOfTime' : undefined)
}

/** The tags of the targets that are in force, by name. A vault that cannot be read leaves its targets out. */
async function tagsOf(app: App, names: readonly string[], signal: AbortSignal) {
  const targets = names.flatMap((name) => app.targetNamed(name) ?? [])
  const seen = new Map<string, readonly Listed[]>()
  let lastError: OperationError | undefined
  await atMost(vaultCalls, [...byVault(targets)], async ([url, ofVault]: readonly [string, readonly Target[]]) => {
    try {
      for (const [name, secrets] of await secretsOf(app.vault(url), ofVault, signal)) seen.set(name, secrets)
    } catch (error) {
      if (!(error instanceof RekeyError)) throw error
      lastError = shown(error, iso(app.clock.now()))
    }
  })
  return { seen, lastError }
}

/** A failure that is only recorded is read for its code. */
function withCodes(
  app: App,
  request: string,
  { targets }: Many,
  failures: readonly (readonly [string, string | undefined])[],
) {
  return atMost(vaultCalls, failures, async ([target, known]) => {
    const recorded = known ?? (await attemptOf(app, memberId(request, targets.indexOf(target)), target))?.error.code
    return { target, code: recorded ?? ('Internal' satisfies ErrorCode) }
  })
}

function nameOf(request: string): string {
  return `lists/${request}.json`
}
