// Health of what every rotation needs: vaults, storage, topic. Changes nothing.

import { leaseContainer } from '../../azure/blob-lease.ts'
import { type QueueName, requestQueue, revocationQueue } from '../../azure/request-queue.ts'
import { rebuild } from '../../azure/service-error.ts'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { leadOf } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault } from '../shared/read-secrets.ts'
import { grantLine, roles, scopes } from './grant.ts'
import { type Check, checked, isRefused, type RemedyFor, type Round, unseen } from './health-check.ts'

/** How many vaults are checked at once. */
const vaults = 8

/** Each vault: whether secrets can be listed and read. `GET /secrets`, `GET /secrets/{name}`. */
export async function checkVaults(round: Round): Promise<readonly Check[]> {
  const { app, signal } = round
  const checks = await atMost(vaults, [...byVault(app.configuration.targets)], async ([url, targets]) => {
    const vault = app.vault(url)
    const { name } = leadOf(targets[0]!)
    const grant = granting(app, roles.vault, scopes.vault(url), signal)
    return Promise.all([
      checked(
        round,
        'vault: list secrets',
        url,
        async () => {
          for await (const page of vault.listCurrent(signal)) return `answers, ${page.length} secrets on the first page`
          return 'answers, no secrets yet'
        },
        grant,
      ),
      checked(
        round,
        'vault: read secrets',
        url,
        async () => {
          const lead = await vault.current(name, signal)
          return lead === undefined ? `answers; "${name}" does not exist yet` : `answers; "${name}" can be read`
        },
        grant,
      ),
      unseen('vault: write secrets', url, 'cannot be checked without writing: needs setSecret and update'),
    ])
  })
  return checks.flat()
}

/** The storage account: the container of the leases and the queues of the requests. */
export function checkStorage(round: Round): readonly Promise<Check>[] {
  const { app, signal } = round
  const { storage } = app.settings
  const place = storage.by === 'identity' ? storage : { blobs: undefined, queues: undefined }
  const checkContainer = async () => {
    try {
      const blobs = (await app.storage.blobs()).getContainerClient(leaseContainer)
      return (await blobs.exists({ abortSignal: signal })) ? 'can be reached' : 'is created with the first rotation'
    } catch (error) {
      throw rebuild(error, `GET container ${leaseContainer}`)
    }
  }
  const readQueue = (name: QueueName) => async () =>
    `can be reached, about ${await app.queue.depth(signal, name)} messages`
  const leases = storageRemedy(app, roles.blobs, place.blobs, signal)
  const queues = storageRemedy(app, roles.queues, place.queues, signal)
  return [
    checked(round, 'storage: leases', `container ${leaseContainer}`, checkContainer, leases),
    checked(round, 'storage: requests', `queue ${requestQueue}`, readQueue(requestQueue), queues),
    checked(round, 'storage: revocations', `queue ${revocationQueue}`, readQueue(revocationQueue), queues),
  ]
}

/** `url`: the account, where the app uses its identity. A connection string holds a key, and no role assignment helps. */
function storageRemedy(app: App, role: string, url: string | undefined, signal: AbortSignal): RemedyFor {
  if (url !== undefined) return granting(app, role, scopes.storage(url), signal)
  return async (error) => {
    if (isRefused(error))
      return 'Copy the connection string in AzureWebJobsStorage again, or use its identity-based form.'
    if (error.code !== 'ServiceUnavailable') return undefined
    return 'On your own machine: start Azurite (npx azurite --skipApiVersionCheck). Otherwise check the account that AzureWebJobsStorage names, and the network.'
  }
}

/** The topic: sends an empty batch, which is accepted or refused by its sender and delivers no event. `POST /api/events`. */
export async function checkTopic(round: Round): Promise<Check> {
  const { app, signal } = round
  const { topic } = app.settings
  const check = 'topic: announce'
  if (topic === undefined) {
    return unseen(check, 'ROTATION_TOPIC', 'is not set: events are only written to the log')
  }
  if (topic.key !== undefined) {
    return unseen(check, topic.endpoint, 'the key can only be checked by sending an event')
  }
  const run = async () => {
    const { status } = await app.azure.ask({
      method: 'POST',
      url: `${new URL(topic.endpoint).origin}/api/events?api-version=2018-01-01`,
      scope: 'https://eventgrid.azure.net/.default',
      body: [],
      attempts: 'retry',
      signal,
      operation: 'POST events',
    })
    if (status !== 401 && status !== 403) return 'can be reached, and does not refuse the identity'
    throw new RekeyError('PermissionDenied', {
      message: `the topic refuses the identity of the app (${status})`,
      service: { operation: 'POST events', status },
    })
  }
  return checked(round, check, topic.endpoint, run, granting(app, roles.sender, scopes.topic(topic.endpoint), signal))
}

function granting(app: App, role: string, scope: string, signal: AbortSignal): RemedyFor {
  return async (error) => (isRefused(error) ? grantLine(app, role, scope, signal) : undefined)
}
