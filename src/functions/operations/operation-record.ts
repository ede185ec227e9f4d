// What is stored of an operation beside the vault's tags: why it failed, or failed last.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import type { KeySlot } from '../../engine/key-ring.ts'
import type { Log } from '../../engine/ports.ts'
import type { RekeyError } from '../../engine/rekey-error.ts'
import { isExplicit, type RotationRequest } from '../../engine/request.ts'
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
export async function attemptOf(app: App, request: string, target: string): Promise<Attempt | undefined> {
  const read = Attempted.safeParse(await app.operations.read(nameOf(request, target)))
  return read.success ? read.data : undefined
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
  // Of a list only failures are recorded: each attempt of thousands would be a write that is never read.
  if (!isExplicit(request) || (status === 'Running' && isMember(request.id))) return
  const record: Attempt = { status, error: shown(error, iso(app.clock.now())) }
  try {
    await app.operations.write(nameOf(request.id, request.target), record)
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
export async function failedMembers(app: App, list: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = await app.operations.names(`${folder}${list}.`, signal)
  return new Set(names.map((name) => name.slice(folder.length).split('/')[0]!))
}

export function shown({ code, message, details: { remedy } }: RekeyError, at: string): OperationError {
  return { code, message, ...(remedy === undefined ? {} : { remedy }), at }
}

/** Ids of requests are what callers and messages say: a character that a blob's name cannot hold is written as its code. */
function nameOf(request: string, target: string, within = folder): string {
  const safe = (text: string) => text.replace(/[^0-9A-Za-z.-]/g, (character) => `_${character.codePointAt(0)}_`)
  return `${within}${safe(request)}/${safe(target)}.json`
}
