// Room: the providers, what goes over the wire. May import zod, the azure interfaces and the core.
// ARM's long-running operations: the change is taken, and a second address says how it goes.

import { z } from 'zod'
import type { AzureClients, RawAnswer } from '../../azure/clients.ts'
import { RekeyError } from '../../rotation/errors.ts'
import type { Call } from '../../rotation/ports.ts'
import { type Duration, type Instant, minutes, seconds } from '../../rotation/target.ts'
import { parseAnswer, type ServiceOperation, serviceCall, unexpected } from './answer.ts'

const pollEvery: Duration = seconds(2)
/** The longest wait without a sign of life: well inside the call limit, which a renewed lease starts anew. */
const slice: Duration = seconds(10)
/**
 * How long a change may take from the write until it is seen. Well below `functionTimeout` in host.json, for that ends the
 * whole worker. After it, the change is left to the next reconcile, which reads back what became of it.
 */
export const longestChange: Duration = minutes(6)

const Operation = z.object({
  status: z.string(),
  error: z.object({ code: z.union([z.string(), z.number()]).optional() }).nullish(),
})

/**
 * Waits until the operation that `answer` began has succeeded. Polls `azure-asyncoperation` (GET, no api-version of ours:
 * the service's address has one), as slowly as Retry-After asks, and keeps the lease meanwhile, until
 * `until`.
 * Throws RekeyErrors that leave open what happened: the change was taken.
 */
export async function finished(
  answer: RawAnswer,
  azure: AzureClients,
  call: Call,
  what: ServiceOperation,
  until: Instant,
): Promise<void> {
  const url = answer.headers['azure-asyncoperation']
  if (url === undefined) {
    if (answer.status === 200) return
    throw unexpected(what.operation, 'the change was taken, but nothing says how it goes')
  }
  if (!isResourceManager(url, azure))
    throw unexpected(what.operation, 'the operation is to be polled at a strange address')

  let wait = retryAfter(answer) ?? 0
  for (let left = until - azure.now(); left > 0; left = until - azure.now()) {
    await pause(Math.min(wait, left), azure, call, what)
    const poll = await serviceCall(what, () =>
      azure.send({
        method: 'GET',
        url,
        scope: `${azure.cloud.resourceManager}/.default`,
        attempts: 'retry',
        signal: call.signal,
        operation: what.operation,
      }),
    )
    // 202 without a body is the older way of saying "still at it".
    const { status, error } =
      poll.status === 202 && poll.body === undefined
        ? { status: 'Running', error: null }
        : parseAnswer(Operation, poll.body, what)
    if (status === 'Succeeded') return
    if (status === 'Failed' || status === 'Canceled') throw failed(what, status, error?.code)
    wait = retryAfter(poll) ?? pollEvery
  }
  throw unexpected(what.operation, 'the operation was still running when we stopped waiting for it')
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

function retryAfter({ headers }: RawAnswer): Duration | undefined {
  const value = Number(headers['retry-after'] ?? Number.NaN)
  return Number.isFinite(value) && value >= 0 ? seconds(value) : undefined
}

function failed({ operation }: ServiceOperation, status: string, code: string | number | undefined): RekeyError {
  const name = /^[\w.-]{1,64}$/.test(String(code ?? '')) ? String(code) : undefined
  return new RekeyError('ServiceRefused', {
    message: `${operation}: the service took the change, then its operation ended as ${status}${name ? ` (${name})` : ''}`,
    remedy:
      'Nothing at first: it is read again and tried again. If it goes on, look at the activity log of the resource.',
    service: { operation, ...(name ? { code: name } : {}) },
    retryAfter: minutes(1),
    outcomeUnknown: true,
  })
}

function outOfTime({ operation }: ServiceOperation): RekeyError {
  return new RekeyError('OutOfTime', {
    message: `${operation}: the time for this call ran out while the service was still at it`,
    remedy: 'Nothing: the service is read again before anything else is done.',
    service: { operation },
    retryAfter: seconds(30),
    outcomeUnknown: true,
  })
}
