// One blob of the container `rekey-state`: text that every instance of the app reads, and that only an instance which has
// read the latest version may write.

import { failureOf } from './failure-facts.ts'
import { isTaken, putJson } from './json-blob.ts'
import { rebuild } from './service-error.ts'
import { inLimit, type Storage } from './storage.ts'

export const stateContainer = 'rekey-state'

export interface StoredText {
  readonly text: string
  readonly etag: string
}

export interface StateBlob {
  /** `GET Blob`. Undefined: it does not exist. Throws RekeyError. */
  read(signal?: AbortSignal): Promise<StoredText | undefined>
  /**
   * `PUT Blob`, with If-Match, or If-None-Match where `etag` is undefined; the container is created when it is missing. False:
   * another instance has written meanwhile. Throws RekeyError.
   */
  write(text: string, etag: string | undefined, signal?: AbortSignal): Promise<boolean>
}

/** The blob of this name in the container `rekey-state`. */
export function createStateBlob(storage: Storage, name: string): StateBlob {
  const container = async () => (await storage.blobs()).getContainerClient(stateContainer)
  return {
    read: async (signal) => {
      try {
        const blob = (await container()).getBlockBlobClient(name)
        const { etag, readableStreamBody } = await blob.download(0, undefined, { abortSignal: inLimit(signal) })
        const chunks: Buffer[] = []
        for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk))
        return { text: Buffer.concat(chunks).toString('utf8'), etag: etag ?? '' }
      } catch (error) {
        if (failureOf(error).status === 404) return undefined
        throw rebuild(error, `GET blob ${stateContainer}/${name}`)
      }
    },
    write: async (text, etag, signal) => {
      const abortSignal = inLimit(signal)
      const condition = etag === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: etag }
      try {
        await putJson(await container(), name, text, condition, abortSignal)
        return true
      } catch (error) {
        if (isTaken(error)) return false
        throw rebuild(error, `PUT blob ${stateContainer}/${name}`)
      }
    },
  }
}
