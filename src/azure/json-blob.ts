// Writes a blob that may not exist yet, in a container that may not exist yet either.

import type { ContainerClient } from '@azure/storage-blob'
import { failureOf } from './failure-facts.ts'

/** When a blob is written: only where it does not exist (`ifNoneMatch: '*'`), only over this version, or always. */
export type WriteCondition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string } | Record<string, never>

/** `putBlob` of a JSON text. */
export async function putJson(
  container: ContainerClient,
  name: string,
  text: string,
  conditions: WriteCondition,
  abortSignal: AbortSignal,
): Promise<void> {
  await putBlob(container, name, { bytes: Buffer.from(text), type: 'application/json' }, conditions, abortSignal)
}

/** What is written, and its media type. */
interface Content {
  readonly bytes: Buffer
  readonly type: string
}

/**
 * `PUT Blob`. Creates the container where it is missing. Throws the client's error, also where the condition is not met:
 * `isTaken` recognizes that.
 */
export async function putBlob(
  container: ContainerClient,
  name: string,
  { bytes, type }: Content,
  conditions: WriteCondition,
  abortSignal: AbortSignal,
): Promise<void> {
  const blob = container.getBlockBlobClient(name)
  const blobHTTPHeaders = { blobContentType: type }
  const write = async () => {
    await blob.upload(bytes, bytes.length, { abortSignal, conditions, blobHTTPHeaders })
  }
  await creatingFirst(() => container.createIfNotExists({ abortSignal }), write)
}

/** Runs a write. Where its container or queue does not exist, runs `create`, and the write once more. Throws what they throw. */
export async function creatingFirst(create: () => Promise<unknown>, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (failureOf(error).status !== 404) throw error
    await create()
    await write()
  }
}

/** Whether a conditional write failed because another client has written the blob, or holds its lease. */
export function isTaken(error: unknown): boolean {
  const { status } = failureOf(error)
  return status === 409 || status === 412
}
