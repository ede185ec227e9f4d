// Room: the doorways. Health of what every rotation needs: vaults, storage, topic. Changes nothing.

import { rebuild } from '../../azure/errors.ts'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../rotation/errors.ts'
import { leadOf } from '../../rotation/target.ts'
import { byVault } from '../shared/fleet.ts'
import { type Check, checked, unseen } from './check.ts'

/** Each vault: whether secrets can be listed and read. `GET /secrets`, `GET /secrets/{name}`. */
export function checkVaults(app: App, signal: AbortSignal): readonly Promise<readonly Check[]>[] {
  return [...byVault(app.targets)].map(async ([url, targets]) => {
    const vault = app.vault(url)
    const { name } = leadOf(targets[0]!)
    return Promise.all([
      checked('vault: list secrets', url, async () => {
        for await (const page of vault.listCurrent(signal)) return `answers, ${page.length} secrets on the first page`
        return 'answers, no secrets yet'
      }),
      checked('vault: read secrets', url, async () => {
        const lead = await vault.current(name, signal)
        return lead === undefined ? `answers; "${name}" does not exist yet` : `answers; "${name}" can be read`
      }),
      unseen('vault: write secrets', url, 'cannot be seen without writing: needs setSecret and update'),
    ])
  })
}

/** The storage account: the container of the leases and the queue of the requests. */
export function checkStorage(
  app: Pick<App, 'storage' | 'queue'>,
  signal: AbortSignal,
): readonly Promise<readonly Check[]>[] {
  const container = checked('storage: leases', 'container rekey-leases', async () => {
    try {
      const blobs = (await app.storage.blobs()).getContainerClient('rekey-leases')
      return (await blobs.exists({ abortSignal: signal })) ? 'can be reached' : 'is made with the first rotation'
    } catch (error) {
      throw error instanceof RekeyError ? error : rebuild(error, 'GET container rekey-leases')
    }
  })
  const queue = checked('storage: requests', 'queue rekey-requests', async () => {
    const depth = await app.queue.depth(signal)
    return `can be reached, about ${depth} messages`
  })
  return [Promise.all([container]), Promise.all([queue])]
}

/** The topic: an empty batch is refused or accepted by who sends it, and tells nobody anything. `POST /api/events`. */
export async function checkTopic(app: App, signal: AbortSignal): Promise<readonly Check[]> {
  const { topic } = app.settings
  const check = 'topic: announce'
  if (topic === undefined) {
    return [unseen(check, 'ROTATION_TOPIC', 'is not set: events are written to the log, and told to nobody else')]
  }
  if (topic.key !== undefined) {
    return [unseen(check, topic.endpoint, 'whether the key is right is seen with the first event')]
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
    if (status === 401 || status === 403) throw notAllowed(topic.endpoint, status)
    return 'can be reached, and does not refuse the identity'
  }
  return [await checked(check, topic.endpoint, run)]
}

function notAllowed(endpoint: string, status: number): RekeyError {
  const name = new URL(endpoint).host.split('.')[0]
  return new RekeyError('PermissionDenied', {
    message: `the topic refuses the identity of the app (${status})`,
    remedy:
      'az role assignment create --role "EventGrid Data Sender" --assignee <client id of the identity>' +
      ` --scope "$(az eventgrid topic list --query "[?name=='${name}'].id" -o tsv)"`,
  })
}
