// One large blob of the container `rekey-state`: lines of text, compressed, read again only when they have changed.

import { Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { RekeyError } from '../engine/rekey-error.ts'
import { failureOf } from './failure-facts.ts'
import { isTaken, putBlob } from './json-blob.ts'
import { rebuild } from './service-error.ts'
import { stateContainer } from './state-blob.ts'
import { inLimit, type Storage } from './storage.ts'

export interface PackedText {
  readonly etag: string
  /** One after the other, so that never all of them are in memory. Throws RekeyError `UnexpectedAnswer` where the blob is damaged. */
  lines(): AsyncIterable<string>
}

export interface PackedBlob {
  /** `GET Blob`. Undefined: it does not exist. Throws RekeyError. */
  read(signal?: AbortSignal): Promise<PackedText | undefined>
  /** The same with If-None-Match, where `etag` is that of a version that is known. Throws RekeyError. */
  readNewer(etag: string | undefined, signal?: AbortSignal): Promise<PackedText | 'unchanged' | undefined>
  /**
   * `PUT Blob`, with If-Match, or If-None-Match where `etag` is undefined; the container is created when it is missing. False:
   * another instance has written meanwhile. Throws RekeyError.
   */
  write(lines: Iterable<string>, etag: string | undefined, signal?: AbortSignal): Promise<boolean>
}

/** The blob of this name in the container `rekey-state`. */
export function createPackedBlob(storage: Storage, name: string): PackedBlob {
  const container = async () => (await storage.blobs()).getContainerClient(stateContainer)

  async function download(known: string | undefined, signal: AbortSignal | undefined): Promise<PackedText | undefined> {
    const conditions = known === undefined ? {} : { ifNoneMatch: known }
    try {
      const blob = (await container()).getBlockBlobClient(name)
      const options = { abortSignal: inLimit(signal), conditions }
      const { etag, readableStreamBody } = await blob.download(0, undefined, options)
      const chunks: Buffer[] = []
      for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk))
      return { etag: etag ?? '', lines: () => unpacked(chunks, name) }
    } catch (error) {
      if (failureOf(error).status === 404) return undefined
      throw error
    }
  }

  return {
    read: (signal) =>
      download(undefined, signal).catch((error: unknown) => {
        throw rebuild(error, `GET blob ${stateContainer}/${name}`)
      }),
    readNewer: async (etag, signal) => {
      try {
        return await download(etag, signal)
      } catch (error) {
        if (failureOf(error).status === 304) return 'unchanged'
        throw rebuild(error, `GET blob ${stateContainer}/${name}`)
      }
    },
    write: async (lines, etag, signal) => {
      const condition = etag === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: etag }
      const bytes = await packed(lines)
      try {
        await putBlob(await container(), name, { bytes, type: 'application/gzip' }, condition, inLimit(signal))
        return true
      } catch (error) {
        if (isTaken(error)) return false
        throw rebuild(error, `PUT blob ${stateContainer}/${name}`)
      }
    },
  }
}

/** The lines as the blob holds them. */
export async function packed(lines: Iterable<string>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of Readable.from(withEnds(lines)).pipe(createGzip())) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function* withEnds(lines: Iterable<string>): Iterable<string> {
  for (const line of lines) yield `${line}\n`
}

const lineEnd = 0x0a

/** The lines of what the blob of this name holds. Throws RekeyError `UnexpectedAnswer`. */
export async function* unpacked(packed: readonly Buffer[], name: string): AsyncIterable<string> {
  const text = createGunzip({ chunkSize: 2 ** 16 })
  const chunks = Readable.from(packed).pipe(text)
  try {
    yield* linesIn(chunks)
  } catch (error) {
    if (text.errored !== error) throw error
    throw new RekeyError('UnexpectedAnswer', {
      message: `the blob ${stateContainer}/${name} was not written by Rekey, or is damaged`,
      remedy: 'No action is needed: the next tick of the schedule writes it anew.',
    })
  }
}

async function* linesIn(chunks: AsyncIterable<Buffer>): AsyncIterable<string> {
  /** The beginning of a line that the chunks so far do not end. */
  let begun: Buffer[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(lineEnd); end >= 0; end = chunk.indexOf(lineEnd, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]).toString('utf8')
      begun = []
      from = end + 1
    }
    begun.push(chunk.subarray(from))
  }
}
