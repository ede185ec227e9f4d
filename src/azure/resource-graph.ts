// Azure Resource Graph: an inventory of what the identity may read. It lags behind the resources, so nothing is changed by what it says.

import * as z from 'zod/mini'
import { RekeyError } from '../engine/rekey-error.ts'
import { seconds } from '../engine/target.ts'
import type { AzureClients, RawRequest } from './clients.ts'

export interface GraphQuery {
  /** It projects `id`, and is ordered by it: otherwise a page may repeat what another had, or leave it out. */
  readonly query: string
  /** Ids; absent: every subscription that the identity may read. */
  readonly subscriptions?: readonly string[]
  /** From the page before, which must be of the same query. */
  readonly skipToken?: string
}

export interface GraphPage {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** Absent: this is the last page. */
  readonly skipToken?: string
}

const apiVersion = '2024-04-01'
/** The most that the service answers at once. */
const pageSize = 1000
const operation = 'POST Microsoft.ResourceGraph/resources'

const Answer = z.object({
  data: z.array(z.record(z.string(), z.unknown())),
  resultTruncated: z.optional(z.union([z.string(), z.boolean()])),
  $skipToken: z.nullish(z.string()),
})

const errorCodes: NonNullable<RawRequest['errorCodes']> = {
  means: {
    AccessDenied: {
      code: 'PermissionDenied',
      what: 'shows the identity nothing, because it may read no subscription',
      remedy:
        "Give the app's identity Reader where it shall look: set DISCOVERY_SCOPES and deploy again, or assign the role. A new assignment takes some minutes to work.",
    },
    RateLimiting: 'Throttled',
  },
}

/**
 * One page of a query: POST Resources, 2024-04-01, retried within the call limit. Throws RekeyError: `Throttled` beyond 15 queries in 5
 * seconds, `PermissionDenied` where the identity may read nothing, `UnexpectedAnswer` where rows are missing.
 */
export async function queryResourceGraph(
  azure: AzureClients,
  { query, subscriptions, skipToken }: GraphQuery,
  signal: AbortSignal,
): Promise<GraphPage> {
  const { resourceManager } = azure.cloud
  const options = { resultFormat: 'objectArray', $top: pageSize, ...(skipToken ? { $skipToken: skipToken } : {}) }
  const { body } = await azure.send({
    method: 'POST',
    url: `${resourceManager}/providers/Microsoft.ResourceGraph/resources?api-version=${apiVersion}`,
    scope: `${resourceManager}/.default`,
    body: { query, options, ...(subscriptions ? { subscriptions } : {}) },
    // It reads, although it is a POST.
    attempts: 'retry',
    signal,
    operation,
    errorCodes,
  })
  const read = Answer.safeParse(body)
  if (!read.success) throw unexpected('the answer has no list of resources')
  const { data, resultTruncated, $skipToken } = read.data
  // Cut off, without a way to the rest.
  if (!$skipToken && String(resultTruncated) === 'true')
    throw unexpected('the answer is cut off, and names no next page')
  return { rows: data, ...($skipToken ? { skipToken: $skipToken } : {}) }
}

function unexpected(what: string): RekeyError {
  return new RekeyError('UnexpectedAnswer', {
    message: `${operation}: ${what}`,
    remedy: 'Ask again in a minute. If it lasts, ask for one subscription at a time.',
    service: { operation },
    retryAfter: seconds(30),
  })
}
