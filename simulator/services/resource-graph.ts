// Azure Resource Graph over what this cloud has: pages, quota, lag, and only what the caller may read. It understands one form of query, the
// one that is sent here: `resources | where type in~ (…) | project … | order by id asc`. Any other is refused as a mistake in a query is.

import type { Kernel } from '../kernel.ts'
import { type Call, type Operation, operationRouter, type Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof resourceGraph> {}
}

export const service: SimulatedService = { install: resourceGraph }

/** Documented: "at most 15 queries within every 5-second window". */
const quota = { queries: 15, window: 5000 }
/** Documented as the most, and as the default. */
const mostRows = 1000

/** How many moments of a resource are remembered. */
const kept = 20

type Row = Readonly<Record<string, unknown>>

/** What a resource looked like at a moment. */
interface Snapshot {
  readonly at: number
  readonly row: Row
}

function resourceGraph(kernel: Kernel) {
  const windows = new Map<string, { readonly from: number; used: number }>()
  const snapshots = new Map<string, Snapshot[]>()
  const tags = new Map<string, Record<string, string>>()
  const router = operationRouter()
  let routed = 0

  /** As the service itself answers a GET of the resource; some services have none, and then there is the id alone. */
  function rowOf(id: string, call: Call): Row {
    for (; routed < kernel.operations.length; routed += 1) router.add(kernel.operations[routed]!)
    const match = router.match('resource-manager', 'GET', id)
    const asked: Call = Object.create(call, {
      params: { value: match?.params ?? {} },
      readAt: { value: kernel.clock.now() },
    })
    const reply = match?.operation.handle(asked) as Reply | undefined
    const body = (reply?.body ?? {}) as { readonly properties?: unknown; readonly location?: unknown }
    const [, , subscriptionId, , group, , namespace, kind, name] = id.split('/')
    return {
      id,
      name,
      type: `${namespace}/${kind}`.toLowerCase(),
      location: body.location ?? 'westeurope',
      resourceGroup: group?.toLowerCase(),
      subscriptionId,
      tags: tags.get(id.toLowerCase()) ?? null,
      properties: body.properties ?? {},
    }
  }

  /** As it was at `readAt`, as far as that is known; undefined: it was not there yet. */
  function indexed(id: string, addedAt: number, call: Call): Row | undefined {
    const key = id.toLowerCase()
    const known = snapshots.get(key) ?? []
    known.push({ at: kernel.clock.now(), row: rowOf(id, call) })
    snapshots.set(key, known.slice(-kept))
    if (addedAt > call.readAt) return undefined
    return (known.findLast(({ at }) => at <= call.readAt) ?? known[0]!).row
  }

  /** Every outermost resource, by its id, with the moment at which it was added. */
  function outermost(): ReadonlyMap<string, { readonly id: string; readonly addedAt: number }> {
    const found = new Map<string, { id: string; addedAt: number }>()
    for (const [key, { resourceId }] of kernel.resources) {
      if (!key.startsWith('/subscriptions/')) continue
      const id = resourceId.split('/').slice(0, 9).join('/')
      const addedAt = Math.min(kernel.addedAt(key)!, found.get(id.toLowerCase())?.addedAt ?? Number.POSITIVE_INFINITY)
      found.set(id.toLowerCase(), { id, addedAt })
    }
    return found
  }

  function spend(call: Call): Record<string, string> {
    const caller = call.token!.objectId
    const now = kernel.clock.now()
    const before = windows.get(caller)
    const window = before && now < before.from + quota.window ? before : { from: now, used: 0 }
    windows.set(caller, window)
    window.used += 1
    const rest = Math.max(1, Math.ceil((window.from + quota.window - now) / 1000))
    const headers = {
      'x-ms-user-quota-remaining': String(Math.max(0, quota.queries - window.used)),
      'x-ms-user-quota-resets-after': `00:00:0${rest}`,
    }
    if (window.used <= quota.queries) return headers
    const what =
      'Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.'
    throw refused(call, 429, 'RateLimiting', [{ code: 'RateLimiting', message: what }], {
      ...headers,
      'retry-after': String(rest),
    })
  }

  function answer(call: Call): Reply {
    const headers = spend(call)
    const { query, subscriptions, options = {} } = call.json() as Partial<QueryRequest>
    const asked = parseQuery(call, query)
    const scope = subscriptions?.map((id) => id.toLowerCase())
    const inScope = [...outermost().values()].filter(
      ({ id }) => scope === undefined || scope.includes(id.split('/')[2]!.toLowerCase()),
    )
    const readable = inScope.filter(({ id }) => {
      const [, , , , , , namespace, kind] = id.split('/')
      return kernel.identity.may(`${namespace}/${kind}/read`, id)
    })
    if (readable.length === 0 && inScope.length > 0) {
      const what = 'Access is denied to the requested resource. The user might not have enough permission.'
      throw refused(call, 403, 'AccessDenied', [{ code: 'AccessDenied', message: what }], headers)
    }
    const rows = readable
      .flatMap(({ id, addedAt }): readonly Row[] => [indexed(id, addedAt, call)].filter((row) => row !== undefined))
      .filter(({ type }) => asked.types.includes(String(type)))
      .toSorted((a, b) => (String(a['id']).toLowerCase() < String(b['id']).toLowerCase() ? -1 : 1))
    const from = options.$skipToken === undefined ? 0 : tokenRead(options.$skipToken)
    if (from === undefined) throw badQuery(call)
    return {
      status: 200,
      headers,
      body: pageOf(rows, asked, { from, size: Math.min(options.$top ?? mostRows, mostRows) }),
    }
  }

  const operation: Operation = {
    operation: 'resource-graph/resources',
    host: 'resource-manager',
    method: 'POST',
    path: '/providers/Microsoft.ResourceGraph/resources',
    apiVersions: ['2021-03-01', '2022-10-01', '2024-04-01'],
    authenticate: (call) => void call.authenticated(),
    handle: answer,
  }
  kernel.register([operation])
  return {
    resourceGraph: {
      /** Sets the tags of a resource, as its owner would. */
      tag: (id: string, given: Record<string, string>) => void tags.set(id.toLowerCase(), given),
    },
  }
}

interface QueryRequest {
  readonly query: string
  readonly subscriptions: readonly string[]
  readonly options: { readonly $top?: number; readonly $skipToken?: string; readonly resultFormat?: string }
}

interface ParsedQuery {
  readonly types: readonly string[]
  /** Column → path. */
  readonly columns: readonly (readonly [string, string])[]
  readonly isLimited: boolean
}

/** Throws the answer to a query that is not of the one form. */
function parseQuery(call: Call, query: unknown): ParsedQuery {
  const [table, where = '', project = '', order, ...rest] = String(query ?? '')
    .split('|')
    .map((part) => part.trim())
  const types = /^where type in~ \(('[\w./-]+'(?:, '[\w./-]+')*)\)$/.exec(where)?.[1]
  const columns = /^project (.+)$/.exec(project)?.[1]?.split(', ')
  const limit = rest.length === 1 && /^(limit|take) \d+$/.test(rest[0]!)
  const isKnown = table?.toLowerCase() === 'resources' && order === 'order by id asc' && (rest.length === 0 || limit)
  if (!isKnown || types === undefined || columns === undefined) throw badQuery(call)
  return {
    types: types.split(', ').map((type) => type.slice(1, -1).toLowerCase()),
    columns: columns.map((column) => {
      const [, name, path = name] = /^([A-Za-z]\w*)(?: = ([A-Za-z][\w.]*))?$/.exec(column) ?? []
      if (name === undefined || path === undefined) throw badQuery(call)
      return [name, path] as const
    }),
    isLimited: limit,
  }
}

function pageOf(
  rows: readonly Row[],
  { columns, isLimited }: ParsedQuery,
  { from, size }: { readonly from: number; readonly size: number },
): object {
  const page = rows.slice(from, from + size)
  const more = from + size < rows.length
  // Without a column of a scalar type, or with a limit, there is no token: what is beyond the page is lost.
  const hasToken =
    more && !isLimited && columns.some(([, path]) => !['tags', 'properties'].includes(path.split('.')[0]!))
  return {
    totalRecords: rows.length,
    count: page.length,
    data: page.map((row) => Object.fromEntries(columns.map(([name, path]) => [name, valueAt(row, path)]))),
    facets: [],
    resultTruncated: more && !hasToken ? 'true' : 'false',
    ...(hasToken ? { $skipToken: tokenOf(from + size) } : {}),
  }
}

function tokenOf(rows: number): string {
  return Buffer.from(JSON.stringify({ $id: '1', MaxRows: mostRows, RowsToSkip: rows })).toString('base64')
}

/** Undefined: it is none of ours. What the service answers to one is unverified. */
function tokenRead(token: string): number | undefined {
  const rows = /"RowsToSkip":(\d+)/.exec(Buffer.from(token, 'base64').toString())?.[1]
  return rows === undefined ? undefined : Number(rows)
}

/** What is not there is null. */
function valueAt(row: Row, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => Object(value)[name], row) ?? null
}

function badQuery(call: Call): Error {
  const invalid =
    'Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.'
  const failure = { code: 'ParserFailure', message: 'ParserFailure', line: 1, characterPositionInLine: 1 }
  return refused(call, 400, 'BadRequest', [{ code: 'InvalidQuery', message: invalid }, failure])
}

/** Recorded: the outer message says nothing, the details do. */
function refused(
  call: Call,
  status: number,
  code: string,
  details: readonly object[],
  headers: Record<string, string> = {},
): Error {
  const at = new Date(call.now).toISOString()
  const message = `Please provide below info when asking for support: timestamp = ${at}, correlationId = ${call.requestId}.`
  const refusal = call.refuse(status, code, message, { headers })
  return Object.assign(refusal, { reply: { ...refusal.reply, body: { error: { code, message, details } } } })
}
