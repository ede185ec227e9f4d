// The storage account, which is the Functions host's too, found by the same settings.

import type { TokenCredential } from '@azure/core-auth'
import type { BlobServiceClient } from '@azure/storage-blob'
import type { QueueServiceClient } from '@azure/storage-queue'
import { RekeyError } from '../engine/rekey-error.ts'
import { Secret } from '../engine/secret.ts'
import { callLimit, seconds } from '../engine/target.ts'
import type { Cloud } from './clouds.ts'
import { lazily } from './lazily.ts'

export type StorageSettings =
  | { readonly by: 'connectionString'; readonly connectionString: Secret }
  | { readonly by: 'identity'; readonly blobs: string; readonly queues: string; readonly clientId?: string }

export interface Storage {
  blobs(): Promise<BlobServiceClient>
  queues(): Promise<QueueServiceClient>
}

const setting = 'AzureWebJobsStorage'

/**
 * Reads `AzureWebJobsStorage` (a connection string, or `UseDevelopmentStorage=true`) or its identity-based form:
 * `__blobServiceUri` with `__queueServiceUri`, or `__accountName`; and `__clientId`. Throws RekeyError `BadConfiguration`.
 */
export function storageSettings(
  environment: Readonly<Record<string, string | undefined>>,
  cloud: Cloud,
): StorageSettings {
  const connectionString = environment[setting]
  if (connectionString) return { by: 'connectionString', connectionString: Secret.of(connectionString) }

  const account = environment[`${setting}__accountName`]
  const uri = (kind: 'blob' | 'queue') =>
    environment[`${setting}__${kind}ServiceUri`] ||
    (account ? `https://${account}.${kind}.${cloud.storageSuffix}` : undefined)
  const [blobs, queues] = [uri('blob'), uri('queue')]
  const clientId = environment[`${setting}__clientId`]
  if (blobs !== undefined && queues !== undefined && URL.canParse(blobs) && URL.canParse(queues)) {
    return { by: 'identity', blobs, queues, ...(clientId ? { clientId } : {}) }
  }
  throw new RekeyError('BadConfiguration', {
    message: `no storage account is set: the setting ${setting}, or ${setting}__blobServiceUri and ${setting}__queueServiceUri, is missing or not a URL`,
    remedy: `Set it in the app settings; on your own machine in local.settings.json: "${setting}": "UseDevelopmentStorage=true".`,
  })
}

/** The account's clients, each loaded when first needed. `credentialOf` returns the identity with this client id. */
export function openStorage(
  settings: StorageSettings,
  credentialOf: (clientId: string | undefined) => TokenCredential,
): Storage {
  return {
    blobs: lazily(() => openBlobs(settings, credentialOf)),
    queues: lazily(() => openQueues(settings, credentialOf)),
  }
}

/** Ends a storage call at the call limit, or when its caller does. */
export function inLimit(signal?: AbortSignal): AbortSignal {
  const own = AbortSignal.timeout(callLimit)
  return signal === undefined ? own : AbortSignal.any([signal, own])
}

// Every call of ours may be sent twice: a lease is taken with the id that we propose, and a request names a desired state.
const options = {
  retryOptions: { maxTries: 3, retryDelayInMs: 500, maxRetryDelayInMs: seconds(4), tryTimeoutInMs: seconds(10) },
}

async function openBlobs(
  settings: StorageSettings,
  credentialOf: (clientId: string | undefined) => TokenCredential,
): Promise<BlobServiceClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob')
  return settings.by === 'identity'
    ? new BlobServiceClient(settings.blobs, credentialOf(settings.clientId), options)
    : readable(() => BlobServiceClient.fromConnectionString(settings.connectionString.reveal(), options))
}

async function openQueues(
  settings: StorageSettings,
  credentialOf: (clientId: string | undefined) => TokenCredential,
): Promise<QueueServiceClient> {
  const { QueueServiceClient } = await import('@azure/storage-queue')
  return settings.by === 'identity'
    ? new QueueServiceClient(settings.queues, credentialOf(settings.clientId), options)
    : readable(() => QueueServiceClient.fromConnectionString(settings.connectionString.reveal(), options))
}

function readable<T>(open: () => T): T {
  try {
    return open()
  } catch {
    // The client's own message may quote the connection string.
    throw new RekeyError('BadConfiguration', {
      message: `the setting ${setting} is not a connection string of a storage account`,
      remedy: 'Copy it again from the storage account, or use the identity-based form.',
    })
  }
}
