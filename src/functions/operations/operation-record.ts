// What is stored of an operation beside the vault's tags: why it failed, or failed last.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import type { KeySlot } from '../../engine/key-ring.ts'
import type { Log } from '../../engine/ports.ts'
import type { RekeyError } from '../../engine/rekey-error.ts'
import { isExplicit, isRevoke, type RotationRequest } from '../../engine/request.ts'
import type { Target } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import type { Command } from '../http/answer-request.ts'

const Failure = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.optional(z.string()),
  at: z.string(),
})
/** An error as an operation shows it. */
export type OperationError = z.output<typeof Failure>

const Attempted = z.object({ status: z.enum(['Running', 'Failed']), error: Failure })
/** `Failed`: it is over. `Running`: the last try failed, and another follows. */
export type Attempt = z.output<typeof Attempted>

/** What is recorded of a request of one target; undefined: nothing. Throws RekeyError. */
export function attemptOf(app: App, request: string, target: string): Promise<Attempt | undefined> {
  return readAttempt(app, nameOf(request, target))
}

/** Why a revoke of a list waits for an operator, or last did; undefined: nothing is recorded. Throws RekeyError. */
export function waitOf(app: App, request: string, target: string): Promise<Attempt | undefined> {
  return readAttempt(app, nameOf(request, target, waitFolder))
}

async function readAttempt(app: App, name: string): Promise<Attempt | undefined> {
  return Attempted.safeParse(await app.operations.read(name)).data
}

/**
 * Records that a request failed for good (`Failed`), or that it is tried again (`Running`), for whoever follows its operation. Only
 * of requests that a caller made. Never throws: where the record cannot be written, the tags and the expiry still end the operation.
 */
export async function recordAttempt(
  app: App,
  log: Log,
  request: RotationRequest,
  status: Attempt['status'],
  error: RekeyError,
): Promise<void> {
  if (!isExplicit(request)) return
  const goesOn = status === 'Running' && isMember(request.id)
  // Of a list only failures are recorded, and once that a revoke waits for an operator: each attempt of thousands would be a write that
  // is never read.
  if (goesOn && !(isRevoke(request) && !error.transient && request.failedWith !== error.code)) return
  const record: Attempt = { status, error: shown(error, iso(app.clock.now())) }
  try {
    await app.operations.write(nameOf(request.id, request.target, goesOn ? waitFolder : folder), record)
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'the failure of a request could not be recorded', {
      target: request.target,
      request: request.id,
      code,
      detail: message,
    })
  }
}

const folder = 'requests/'
/** Of lists: beside the failures, which are listed by their names alone. */
const waitFolder = 'waits/'
const Swapped = z.object({ slot: z.string() })

/**
 * The slot that a swap goes to. A swap leaves the version as it is: sent again, it would go back. So where the caller may send it again,
 * what it meant the first time is recorded, and holds. Throws RekeyError.
 */
export async function repeatedSlot(
  { app, asked }: Pick<Command, 'app' | 'asked'>,
  target: Target,
  meant: () => KeySlot,
): Promise<KeySlot> {
  if (!asked.repeatable) return meant()
  const name = nameOf(asked.id, target.name, 'repeats/')
  const known = Swapped.safeParse(await app.operations.read(name))
  if (known.success) return known.data.slot
  const slot = meant()
  if (await app.operations.create(name, { slot })) return slot
  // Sent twice at the same time: the other request was first.
  return Swapped.parse(await app.operations.read(name)).slot
}

/** The id of the request of one target of a list, by its place there. */
export function memberId(list: string, place: number): string {
  return `${list}.${place}`
}

function isMember(request: string): boolean {
  return /\.\d+$/.test(request)
}

/** The requests of a list that have failed for good. Throws RekeyError. */
export function failedMembers(app: App, list: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return membersIn(app, folder, list, signal)
}

/** The revokes of a list that an operator has had to help. Throws RekeyError. */
export function waitingMembers(app: App, list: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return membersIn(app, waitFolder, list, signal)
}

async function membersIn(app: App, within: string, list: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = await app.operations.names(`${within}${list}.`, signal)
  return new Set(names.map((name) => name.slice(within.length).split('/')[0]!))
}

export function shown({ code, message, details: { remedy } }: RekeyError, at: string): OperationError {
  return { code, message, ...(remedy === undefined ? {} : { remedy }), at }
}

/** Ids of requests are what callers and messages say: a character that a blob's name cannot hold is written as its code. */
function nameOf(request: string, target: string, within = folder): string {
  const safe = (text: string) => text.replace(/[^0-9A-Za-z.-]/g, (character) => `_${character.codePointAt(0)}_`)
  return `${within}${safe(request)}/${safe(target)}.json`
}
