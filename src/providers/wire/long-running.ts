// ARM's long-running operations: the change is taken, and a second address says how it goes.

import * as z from 'zod/mini'
import type { AzureClients, RawAnswer } from '../../azure/clients.ts'
import type { Call, Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, type Instant, minutes, seconds } from '../../engine/target.ts'
import { type ServiceOperation, unexpected } from './answer.ts'

const firstPoll: Duration = seconds(2)
const longestPoll: Duration = seconds(10)
/** The longest wait without a sign of life: well inside the call limit, which a renewed lease starts anew. */
const slice: Duration = seconds(10)
/**
 * How long a change may take from the write until it is seen. Well below `functionTimeout` in host.json, for that ends the
 * whole worker. After it, the change is left to the next reconcile, which reads back what became of it.
 */
export const longestChange: Duration = minutes(6)

const Operation = z.object({
  status: z.string(),
  error: z.nullish(z.object({ code: z.optional(z.union([z.string(), z.number()])) })),
})

/** How a change goes, as far as its operation says. */
type Progress = { readonly state: 'over' | 'running' | 'unknown'; readonly wait?: Duration }

/** A change that the service has taken. */
export interface TakenChange {
  /** Of the call that began it. */
  readonly answer: Pick<RawAnswer, 'status' | 'headers'>
  readonly what: ServiceOperation
  /** When to stop waiting. */
  readonly until: Instant
  readonly log?: Log | undefined
  /** Reads the resource itself: whether no change of it is under way, and it is not as it was before. */
  isOver(): Promise<boolean>
}

/**
 * Waits until a change is over, and keeps the lease meanwhile. Polls `azure-asyncoperation` (GET, no api-version of ours: the
 * service's address has one), as slowly as Retry-After asks. Whoever may change a resource may not always follow the operation:
 * the right to that can belong to the subscription. So where the poll fails, or there is nothing to poll, the resource itself
 * is asked from then on. Throws RekeyErrors that leave open what happened: the change was taken.
 */
export async function finished(change: TakenChange, azure: AzureClients, call: Call): Promise<void> {
  const { answer, what, until } = change
  const url = answer.headers['azure-asyncoperation']
  if (url === undefined && answer.status === 200) return

  let canBePolled = url !== undefined && isResourceManager(url, azure)
  let pausing = firstPoll
  let wait = retryAfter(answer) ?? pausing
  for (let left = until - azure.now(); left > 0; left = until - azure.now()) {
    await pause(Math.min(wait, left), azure, call, what)
    const polled: Progress = canBePolled ? await poll(url!, change, azure, call) : { state: 'unknown' }
    canBePolled = polled.state !== 'unknown'
    if (polled.state === 'over' || (!canBePolled && (await change.isOver()))) return
    pausing = Math.min(2 * pausing, longestPoll)
    wait = polled.wait ?? pausing
  }
  throw unexpected(what.operation, 'the operation was still running when we stopped waiting for it')
}

/** Throws `ServiceRefused` for an operation that failed, and whatever ends the call. */
async function poll(url: string, { what, log }: TakenChange, azure: AzureClients, call: Call): Promise<Progress> {
  const scope = `${azure.cloud.resourceManager}/.default`
  const { operation } = what
  const answer = await azure
    .send({ method: 'GET', url, scope, attempts: 'retry', signal: call.signal, operation })
    .catch((error: unknown) => {
      if (!(error instanceof RekeyError)) throw error
      const { status } = error.details.service ?? {}
      log?.('info', 'the operation cannot be followed: its resource is read instead', { operation, status })
      return undefined
    })
  if (answer === undefined) return { state: 'unknown' }
  const wait = retryAfter(answer)
  const running: Progress = { state: 'running', ...(wait === undefined ? {} : { wait }) }
  // 202 without a body is the older way of saying that it is still running.
  if (answer.status === 202 && answer.body === undefined) return running
  const { success, data } = Operation.safeParse(answer.body)
  if (!success) return { state: 'unknown' }
  if (data.status === 'Failed' || data.status === 'Canceled') throw failed(what, data.status, data.error?.code)
  return data.status === 'Succeeded' ? { state: 'over' } : running
}

/** Waits in slices, with the lease renewed before each and after the last. Throws `OutOfTime` when the call ends. */
export async function pause(ms: Duration, azure: AzureClients, call: Call, what: ServiceOperation): Promise<void> {
  await call.keepLease()
  for (let left = ms; left > 0; left -= slice) {
    await azure.wait(Math.min(left, slice), call.signal).catch((error: unknown) => {
      throw call.signal.aborted ? outOfTime(what) : error
    })
    await call.keepLease()
  }
}

// The token goes along with the poll, so it goes to ARM and its regions only.
function isResourceManager(url: string, azure: AzureClients): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  const home = new URL(azure.cloud.resourceManager).hostname
  return protocol === 'https:' && (hostname === home || hostname.endsWith(`.${home}`))
}

function retryAfter({ headers }: Pick<RawAnswer, 'headers'>): Duration | undefined {
  const value = Number(headers['retry-after'] ?? Number.NaN)
  return Number.isFinite(value) && value >= 0 ? seconds(value) : undefined
}

function failed({ operation }: ServiceOperation, status: string, code: string | number | undefined): RekeyError {
  const name = /^[\w.-]{1,64}$/.test(String(code ?? '')) ? String(code) : undefined
  return new RekeyError('ServiceRefused', {
    message: `${operation}: the service accepted the change, then its operation ended as ${status}${name ? ` (${name})` : ''}`,
    remedy:
      'The app reads the resource and tries again. If the error persists, check the activity log of the resource.',
    service: { operation, ...(name ? { code: name } : {}) },
    retryAfter: minutes(1),
    outcomeUnknown: true,
  })
}

function outOfTime({ operation }: ServiceOperation): RekeyError {
  return new RekeyError('OutOfTime', {
    message: `${operation}: the time for this call ran out while the operation was still running`,
    remedy: 'No action is needed: the app reads the service again before it does anything else.',
    service: { operation },
    retryAfter: seconds(30),
    outcomeUnknown: true,
  })
}
