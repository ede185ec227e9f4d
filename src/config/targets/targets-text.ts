// Reads the text of targets.json from a file beside the app or from a blob.

import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AzureClients } from '../../azure/clients.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { callLimit } from '../../engine/target.ts'

/** The result of one read. `lasting`: an operator has to act; `passing`: the next read may succeed. */
export type TextResult =
  | { readonly found: 'text'; readonly text: string; readonly version: string }
  | { readonly found: 'unchanged' }
  | {
      readonly found: 'nothing'
      readonly why: 'lasting' | 'passing'
      readonly message: string
      readonly remedy: string
    }

/** Reads the text, unless it still is the version that is known. */
export type TextReader = (known: string | undefined) => Promise<TextResult>

/** A file, by the time and size of its last change. A relative path starts at `root`, the app's folder. */
export function fileReader(path: string, root: string): TextReader {
  const file = resolve(root, path)
  return async (known) => {
    try {
      const { mtimeMs, size } = await stat(file)
      const version = `${mtimeMs} ${size}`
      if (version === known) return { found: 'unchanged' }
      return { found: 'text', text: await readFile(file, 'utf8'), version }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      const message =
        code === 'ENOENT' ? `the file ${file} does not exist` : `the file ${file} cannot be read (${code})`
      const remedy =
        'Copy targets.sample.json to targets.json and edit it, or set ROTATION_TARGETS to where yours is: a path, or the https URL of a blob.'
      return { found: 'nothing', why: 'lasting', message, remedy }
    }
  }
}

/** All clouds have the same audience for blobs. */
const scope = 'https://storage.azure.com/.default'
/** The first version that takes tokens is 2017-11-09; any later one reads a blob the same way. */
const version = '2023-11-03'

/**
 * A blob, with the app's identity: `GET Blob`, api-version 2023-11-03, If-None-Match, retried within the call limit. Not
 * through the storage SDK: loading it for one read would slow each cold start.
 */
export function blobReader(url: string, azure: AzureClients): TextReader {
  return async (known) => {
    try {
      return await getBlob(url, known, azure)
    } catch (error) {
      return unanswered(error)
    }
  }
}

async function getBlob(url: string, known: string | undefined, azure: AzureClients): Promise<TextResult> {
  const { status, headers, text } = await azure.ask({
    method: 'GET',
    url,
    scope,
    headers: { accept: '*/*', 'x-ms-version': version, ...(known === undefined ? {} : { 'if-none-match': known }) },
    attempts: 'retry',
    signal: AbortSignal.timeout(callLimit),
    operation: 'GET blob',
  })
  if (status === 304 && known !== undefined) return { found: 'unchanged' }
  const { etag } = headers
  if (status === 200 && etag) return { found: 'text', text, version: etag }
  return refused(status, headers['x-ms-error-code'] ?? '')
}

/** Uses only the status and code of the response: its text may name more than it should. */
function refused(status: number, code: string): TextResult {
  const message = `the blob cannot be read: ${`${status} ${code}`.trim()}`
  if (status === 404) {
    return { found: 'nothing', why: 'lasting', message, remedy: 'Upload targets.json there, or correct the URL.' }
  }
  if (status === 401 || status === 403) {
    const remedy =
      "Give the app's identity the role Storage Blob Data Reader on the container, and allow the app's network."
    return { found: 'nothing', why: 'lasting', message, remedy }
  }
  const passing = status >= 500 || status === 408 || status === 429
  const remedy = passing ? 'No action is needed: the app reads it again shortly.' : 'Correct the URL.'
  return { found: 'nothing', why: passing ? 'passing' : 'lasting', message, remedy }
}

function unanswered(error: unknown): TextResult {
  const refusal = error instanceof RekeyError && !error.transient ? error : undefined
  return {
    found: 'nothing',
    why: refusal ? 'lasting' : 'passing',
    message: refusal ? `the blob cannot be read: ${refusal.message}` : 'the blob cannot be read: there was no response',
    remedy: refusal?.details.remedy ?? "Check the URL, and that the app's network reaches the storage account.",
  }
}
