// The lease blobs that Rekey would have left behind for the sample fleet.

import { createHash } from 'node:crypto'
import { BlobServiceClient } from '@azure/storage-blob'

/**
 * Creates the blobs of these leases, as of `since`: Rekey takes a new lease blob to mean that nothing is known of the
 * time before.
 */
export async function leaveLeases(connectionString: string, leases: readonly string[], since: number): Promise<void> {
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('rekey-leases')
  await container.createIfNotExists()
  for (const lease of leases) {
    const name = createHash('sha256').update(lease.toLowerCase()).digest('hex')
    const metadata = { credential: encodeURIComponent(lease.toLowerCase()), since: new Date(since).toISOString() }
    await container.getBlockBlobClient(name).upload('', 0, { metadata })
  }
}
