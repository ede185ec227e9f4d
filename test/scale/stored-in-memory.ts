// Stands in for the storage account of a large estate: what is stored lives as long as the process.

import type { LeaseNotes } from '../../src/azure/blob-lease.ts'
import type { OperationStore } from '../../src/azure/operation-store.ts'
import { type PackedBlob, packed, unpacked } from '../../src/azure/packed-blob.ts'

/** Records as the container `rekey-operations` keeps them. */
export function recordsInMemory(): OperationStore {
  const records = new Map<string, string>()
  const put = (name: string, record: object) => void records.set(name, JSON.stringify(record))
  const named = (prefix: string) => [...records.keys()].filter((name) => name.startsWith(prefix)).sort()
  return {
    read: async (name) => (records.has(name) ? JSON.parse(records.get(name)!) : undefined),
    write: async (name, record) => put(name, record),
    create: async (name, record) => {
      const isNew = !records.has(name)
      if (isNew) put(name, record)
      return isNew
    },
    first: async (prefix, most) => named(prefix).slice(0, most),
    names: async (prefix) => named(prefix),
  }
}

/** A blob that is compressed as the real one is. */
export function packedInMemory(): PackedBlob {
  let bytes: Buffer | undefined
  let version = 0
  const read = async () => bytes && { etag: String(version), lines: () => unpacked([bytes!], 'in memory') }
  return {
    read,
    readNewer: async (etag) => (bytes !== undefined && etag === String(version) ? 'unchanged' : await read()),
    write: async (lines, etag) => {
      if (etag !== (bytes === undefined ? undefined : String(version))) return false
      bytes = await packed(lines)
      version += 1
      return true
    },
  }
}

/** No lease was ever held. */
export const noLeaseNotes: LeaseNotes = { of: async () => undefined, all: async () => () => undefined }
