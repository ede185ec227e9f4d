// The right to change one credential: a blob lease of 60 seconds, one blob per credential.

import { createHash, randomUUID } from 'node:crypto'
import type { BlobLeaseClient, BlockBlobClient } from '@azure/storage-blob'
import { type LeaseEntries, mergeEntries, sinceEntry } from '../engine/lease-metadata.ts'
import type { Lease, LeaseMetadata, Leases } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import { type Instant, leaseLength, seconds } from '../engine/target.ts'
import { failureOf } from './failure-facts.ts'
import { isTaken } from './json-blob.ts'
import { rebuild } from './service-error.ts'
import { inLimit, type Storage } from './storage.ts'

export const leaseContainer = 'rekey-leases'
const operation = 'lease of a credential'
// Another holder, also one whose lease is being broken. Any other 409, such as a container being deleted, is an error.
const heldCode = 'LeaseAlreadyPresent'

/**
 * Leases on blobs of the container `rekey-leases`; both are created when first needed. `PUT {blob}?comp=lease`. A lease that
 * expired and was not taken since can still be renewed: the holder's clock, not a renewal, says whether it was held
 * throughout. `now`: wall-clock milliseconds, recorded in a blob when it is created. Throws RekeyError.
 */
export function createLeases(storage: Storage, now: () => Instant = Date.now): Leases {
  return {
    acquire: async (credential, signal) => {
      const limited = inLimit(signal)
      const container = (await storage.blobs()).getContainerClient(leaseContainer)
      const blob = container.getBlockBlobClient(blobName(credential))
      // Our own id, a new one each time: an acquire that is sent twice gets the same lease, and no other worker can get it.
      const lease = blob.getBlobLeaseClient(randomUUID())

      const first = await take(lease, limited)
      if (first !== 'missing') return first === 'taken' ? holding(blob, lease) : undefined
      await attempt(() => container.createIfNotExists({ abortSignal: limited }))
      await createBlob(blob, credential, now(), limited)
      const second = await take(lease, limited)
      if (second === 'missing') throw gone()
      return second === 'taken' ? holding(blob, lease) : undefined
    },
  }
}

/** What the blobs of leases say, for callers that only read. */
export interface LeaseNotes {
  /** The entries of one credential's lease; undefined: it was never held. `HEAD {blob}`. Throws RekeyError. */
  of(credential: string, signal: AbortSignal): Promise<LeaseEntries | undefined>
  /** Those of all, in pages of 5,000. `GET {container}?comp=list&include=metadata`. Throws RekeyError. */
  all(signal: AbortSignal): Promise<(credential: string) => LeaseEntries | undefined>
}

/** Reads the metadata of the leases without holding any. */
export function createLeaseNotes(storage: Storage): LeaseNotes {
  const open = async () => (await storage.blobs()).getContainerClient(leaseContainer)
  return {
    of: async (credential, signal) => {
      try {
        const blob = (await open()).getBlockBlobClient(blobName(credential))
        return (await blob.getProperties({ abortSignal: inLimit(signal) })).metadata ?? {}
      } catch (error) {
        if (failureOf(error).status === 404) return undefined
        throw rebuild(error, operation)
      }
    },
    all: async (signal) => {
      const found = new Map<string, LeaseEntries>()
      try {
        const pages = (await open()).listBlobsFlat({ includeMetadata: true, abortSignal: signal })
        for await (const { name, metadata = {} } of pages) found.set(name, metadata)
      } catch (error) {
        if (failureOf(error).status !== 404) throw rebuild(error, operation)
      }
      return (credential) => found.get(blobName(credential))
    },
  }
}

function holding(blob: BlockBlobClient, lease: BlobLeaseClient): Lease {
  return {
    metadata: metadataUnder(lease.leaseId, blob),
    renew: async (signal) => {
      try {
        await lease.renewLease({ abortSignal: inLimit(signal) })
        return true
      } catch (error) {
        if (isLost(error)) return false
        throw rebuild(error, operation)
      }
    },
    release: async (signal) => {
      try {
        await lease.releaseLease({ abortSignal: inLimit(signal) })
      } catch (error) {
        // A lease that another worker has, or none has, is released already.
        if (!isLost(error)) throw rebuild(error, operation)
      }
    },
  }
}

/**
 * The blob's metadata, read once, then cached: no other worker writes it while the lease is held. HEAD of the blob;
 * `PUT {blob}?comp=metadata`, which replaces all of it.
 */
function metadataUnder(leaseId: string, blob: BlockBlobClient): LeaseMetadata {
  const conditions = { leaseId }
  let known: LeaseEntries | undefined

  async function read(signal: AbortSignal): Promise<LeaseEntries> {
    known ??= await unlessLost(async () => {
      const { metadata = {} } = await blob.getProperties({ abortSignal: inLimit(signal), conditions })
      return metadata
    })
    return known
  }

  return {
    read,
    write: async (changes, signal) => {
      const merged = mergeEntries(await read(signal), changes)
      await unlessLost(() => blob.setMetadata({ ...merged }, { abortSignal: inLimit(signal), conditions }))
      known = merged
    },
  }
}

/** For reads, and writes that may be repeated: their failures leave no unknown outcome. Throws `LeaseLost`. */
async function unlessLost<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw isLost(error) ? lost() : rebuild(error, operation).ofHarmlessCall()
  }
}

async function take(lease: BlobLeaseClient, abortSignal: AbortSignal): Promise<'taken' | 'held' | 'missing'> {
  try {
    await lease.acquireLease(leaseLength / 1000, { abortSignal })
    return 'taken'
  } catch (error) {
    const { status, codes } = failureOf(error)
    if (status === 409 && codes.includes(heldCode)) return 'held'
    if (status === 404) return 'missing'
    throw rebuild(error, operation)
  }
}

/**
 * An empty blob. Its metadata names the credential that it stands for, for an operator who lists the container, and since when.
 * One that another worker created meanwhile, or already leased, serves as well.
 */
async function createBlob(
  blob: BlockBlobClient,
  credential: string,
  now: Instant,
  abortSignal: AbortSignal,
): Promise<void> {
  const metadata = {
    credential: encodeURIComponent(credential.toLowerCase()),
    [sinceEntry]: new Date(now).toISOString(),
  }
  try {
    await blob.upload('', 0, { abortSignal, metadata, conditions: { ifNoneMatch: '*' } })
  } catch (error) {
    if (!isTaken(error)) throw rebuild(error, operation)
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw rebuild(error, operation)
  }
}

function isLost(error: unknown): boolean {
  const { status } = failureOf(error)
  return status === 404 || status === 409 || status === 412
}

/**
 * The name of the blob that stands for a lease. Resource ids may hold any character and are compared without case; blob
 * names are not. The id is not a secret.
 */
function blobName(credential: string): string {
  return createHash('sha256').update(credential.toLowerCase()).digest('hex')
}

function lost(): RekeyError {
  return new RekeyError('LeaseLost', {
    message: `${operation}: another worker holds it`,
    remedy: 'No action is needed: the app reads the target again soon.',
    retryAfter: seconds(30),
  })
}

function gone(): RekeyError {
  return new RekeyError('ServiceBusy', {
    message: `${operation}: the blob was deleted as soon as it was created`,
    remedy: `Exclude the container ${leaseContainer} from any cleanup.`,
    retryAfter: seconds(30),
  })
}
