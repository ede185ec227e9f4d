// Stores what the vault's tags cannot hold about an operation: small JSON blobs, kept for two weeks.

import { failureOf } from './failure-facts.ts'
import { parseJson } from './json.ts'
import { isTaken, putJson, type WriteCondition } from './json-blob.ts'
import { rebuild } from './service-error.ts'
import { inLimit, type Storage } from './storage.ts'

/** The deployment's lifecycle rule deletes its blobs 14 days after they were last written. */
export const operationContainer = 'rekey-operations'

/** Records by name. A name consists of letters, digits, hyphens, dots and slashes; the caller ensures that. */
export interface OperationStore {
  /** The record; undefined: it does not exist. `GET {blob}`. Throws RekeyError. */
  read(name: string, signal?: AbortSignal): Promise<unknown>
  /** Creates or replaces the record. `PUT {blob}`. Throws RekeyError. */
  write(name: string, record: object, signal?: AbortSignal): Promise<void>
  /** Writes only where no record exists; says whether it did. `PUT {blob}` with `If-None-Match: *`. Throws RekeyError. */
  create(name: string, record: object, signal?: AbortSignal): Promise<boolean>
  /** The first names that begin with `prefix`, in order, at most 5,000. `GET {container}?comp=list`, one call. Throws RekeyError. */
  first(prefix: string, most: number, signal?: AbortSignal): Promise<readonly string[]>
  /** The names that begin with `prefix`. `GET {container}?comp=list`, 5,000 a page. Throws RekeyError. */
  names(prefix: string, signal?: AbortSignal): Promise<readonly string[]>
}

/** Records as blobs of the container `rekey-operations`, which is created when first needed. */
export function createOperationStore(storage: Storage): OperationStore {
  const open = async () => (await storage.blobs()).getContainerClient(operationContainer)

  async function put(name: string, record: object, condition: WriteCondition, signal?: AbortSignal): Promise<void> {
    const abortSignal = inLimit(signal)
    await putJson(await open(), name, JSON.stringify(record), condition, abortSignal)
  }

  return {
    read: async (name, signal) => {
      try {
        const blob = (await open()).getBlobClient(name)
        return parseJson((await blob.downloadToBuffer(0, undefined, { abortSignal: inLimit(signal) })).toString('utf8'))
      } catch (error) {
        if (failureOf(error).status === 404) return undefined
        throw rebuild(error, `GET ${operationContainer}`)
      }
    },
    write: async (name, record, signal) => {
      await put(name, record, {}, signal).catch((error: unknown) => {
        throw rebuild(error, `PUT ${operationContainer}`)
      })
    },
    create: async (name, record, signal) => {
      try {
        await put(name, record, { ifNoneMatch: '*' }, signal)
        return true
      } catch (error) {
        if (isTaken(error)) return false
        throw rebuild(error, `PUT ${operationContainer}`)
      }
    },
    first: async (prefix, most, signal) => {
      try {
        const pages = (await open())
          .listBlobsFlat({ prefix, abortSignal: inLimit(signal) })
          .byPage({ maxPageSize: most })
        const { value } = await pages.next()
        return value?.segment.blobItems.map(({ name }: { readonly name: string }) => name) ?? []
      } catch (error) {
        if (failureOf(error).status === 404) return []
        throw rebuild(error, `GET ${operationContainer}`)
      }
    },
    names: async (prefix, signal) => {
      const names: string[] = []
      try {
        for await (const { name } of (await open()).listBlobsFlat({ prefix, abortSignal: inLimit(signal) })) {
          names.push(name)
        }
        return names
      } catch (error) {
        if (failureOf(error).status === 404) return []
        throw rebuild(error, `GET ${operationContainer}`)
      }
    },
  }
}
