// The places that keep what came out of the app, and what is in them.

import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import type { Cloud } from '../../simulator/cloud.ts'

/** Everything that is beside a value: values are where they belong. */
export function tagsIn(cloud: Cloud, vaultHost: string): string {
  const vault = cloud.vault(vaultHost)
  const versions = vault.names().flatMap((name) => vault.versions(name).map((version) => ({ name, ...version })))
  return JSON.stringify(versions.map(({ value: _, ...beside }) => beside))
}

export async function queuesIn(connectionString: string): Promise<string> {
  const service = QueueServiceClient.fromConnectionString(connectionString)
  const texts: string[] = []
  for await (const { name } of service.listQueues({ includeMetadata: true })) {
    const { peekedMessageItems } = await service.getQueueClient(name).peekMessages({ numberOfMessages: 32 })
    const messages = peekedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString('utf8'))
    texts.push(name, ...messages)
  }
  return texts.join('\n')
}

export async function blobsIn(connectionString: string): Promise<string> {
  const service = BlobServiceClient.fromConnectionString(connectionString)
  const texts: string[] = []
  for await (const { name: container } of service.listContainers()) {
    const client = service.getContainerClient(container)
    for await (const { name, metadata, tags, properties } of client.listBlobsFlat({ includeMetadata: true })) {
      const content = properties.contentLength ? await client.getBlobClient(name).downloadToBuffer() : ''
      texts.push(container, name, JSON.stringify({ metadata, tags, properties }), String(content))
    }
  }
  return texts.join('\n')
}

export function accountKey(connectionString: string): readonly [string, string] {
  return ['key of the storage account', /AccountKey=([^;]+)/.exec(connectionString)![1]!]
}
