// The metadata of a lease, kept in memory.

import { type LeaseEntries, mergeEntries, sinceEntry } from '../src/engine/lease-metadata.ts'
import type { LeaseMetadata } from '../src/engine/ports.ts'

/** Every credential's entries. They outlive the leases, as a blob does, and begin when they are first asked for. */
export function metadataInMemory(now: () => number): (credential: string) => LeaseMetadata {
  const blobs = new Map<string, LeaseEntries>()
  return (credential) => {
    const made = blobs.get(credential) ?? { [sinceEntry]: new Date(now()).toISOString() }
    blobs.set(credential, made)
    return {
      read: async () => blobs.get(credential)!,
      write: async (changes) => void blobs.set(credential, mergeEntries(blobs.get(credential)!, changes)),
    }
  }
}

/** The metadata of a blob that has been there for long, and says nothing else. */
export function oldMetadata(): LeaseMetadata {
  return metadataInMemory(() => 0)('any')
}
