// The data plane of Cosmos DB accounts: each region has a host of its own and checks the signature of a master key.

import { createHmac } from 'node:crypto'
import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import { type Call, ConnectionLost, type Operation, type Reply } from '../service-operations.ts'
import { acceptedIn, type CosmosAccount, settled } from './cosmos-account.ts'

const allowedSkew = 15 * 60_000

/** Its errors have no `error` around them. */
export const cosmosDialect: Dialect = {
  audiences: ['https://cosmos.azure.com'],
  body: ({ code, message }, { requestId }) => ({
    code,
    message: `${message}\r\nActivityId: ${requestId}, Microsoft.Azure.Documents.Common/2.14.0`,
  }),
  headers: ({ requestId }) => ({ 'x-ms-activity-id': requestId, 'x-ms-gatewayversion': 'version=2.14.0' }),
  unauthenticated: { code: 'Unauthorized', message: "Required Header 'authorization' is missing." },
  forbidden: () => ({ code: 'Forbidden', message: 'The principal does not have the required RBAC permissions.' }),
  networkDenied: {
    status: 403,
    code: 'Forbidden',
    message:
      'Request originated from IP 203.0.113.7 through public internet. This is blocked by your Cosmos DB account firewall settings.',
  },
  throttled: { code: '429', message: 'Message: {"Errors":["Request rate is large."]}' },
}

/** `named`: the accounts whose name a host begins with. */
export function cosmosDataPlane(kernel: Kernel, named: (host: string) => readonly CosmosAccount[]): Operation[] {
  function operation(name: string, path: string, type: string, answer: (account: CosmosAccount) => Reply): Operation {
    return {
      operation: `cosmos-db/${name}`,
      host: 'cosmos-db',
      method: 'GET',
      path,
      handle(call) {
        const first = call.host.split('.')[0]!.toLowerCase()
        const found = named(first).map((account) => ({ account, region: regionOf(account, first) }))
        const at = found.find(({ region }) => region >= 0)
        if (at === undefined) throw new ConnectionLost(`${call.host} is no host of an account`)
        check(call, type, settled(at.account, kernel.clock.now()), at.region)
        return answer(at.account)
      },
    }
  }
  return [
    operation('readAccount', '/', '', shown),
    // Expected of a read-only key too; not recorded.
    operation('listDatabases', '/dbs', 'dbs', () => ({
      status: 200,
      body: { _rid: '', Databases: [], _count: 0 },
    })),
  ]
}

/** Below zero: not this account's. The account's own host is that of the region which is written to. */
function regionOf({ name, regions }: CosmosAccount, label: string): number {
  if (label === name) return 0
  return regions.findIndex((region) => label === `${name}-${region.toLowerCase().replaceAll(' ', '')}`)
}

function check(call: Call, type: string, account: CosmosAccount, region: number): void {
  const { headers, now } = call
  const sent = headers.get('authorization')
  if (sent === null) throw call.refuse(401, 'Unauthorized', cosmosDialect.unauthenticated.message)
  if (account.keysDisabled) {
    const message = 'Local Authorization is disabled. Use an AAD token to authorize all requests.'
    throw call.refuse(401, 'Unauthorized', message, { headers: { 'x-ms-substatus': '5202' } })
  }
  const date = headers.get('x-ms-date') ?? ''
  if (!(Math.abs(now - Date.parse(date)) <= allowedSkew)) {
    throw call.refuse(403, 'Forbidden', 'The authorization token is not valid at the current time.')
  }
  const text = `get\n${type}\n\n${date.toLowerCase()}\n\n`
  const isSignedBy = (key: string) => {
    const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64')
    return sent === encodeURIComponent(`type=master&ver=1.0&sig=${signature}`)
  }
  if (acceptedIn(account, region, now).some(isSignedBy)) return
  throw call.refuse(
    401,
    'Unauthorized',
    "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol.",
  )
}

/** What a client reads first: the regions of the account, and how consistent it is. */
function shown({ name, regions }: CosmosAccount): Reply {
  const locations = regions.map((region) => ({
    name: region,
    databaseAccountEndpoint: `https://${name}-${region.toLowerCase().replaceAll(' ', '')}.documents.azure.com:443/`,
  }))
  return {
    status: 200,
    body: {
      _self: '',
      id: name,
      _rid: `${name}.documents.azure.com`,
      media: '//media/',
      addresses: '//addresses/',
      _dbs: '//dbs/',
      writableLocations: locations.slice(0, 1),
      readableLocations: locations,
      enableMultipleWriteLocations: false,
      userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
    },
  }
}
