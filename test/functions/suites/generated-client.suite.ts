// A client that a public generator makes of docs/openapi.json rotates a key, and follows the operation to its end.

import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Oazapfts from '@oazapfts/runtime'
import { generateSource } from 'oazapfts'
import { apiVersion } from '../../../src/functions/http/request-rules.ts'
import { visionWorld } from '../functions-world.ts'
import { serveHandlers } from '../served-handlers.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

type Answered = Promise<{ readonly status: number; readonly data: Record<string, string>; readonly headers: Headers }>
type Version = { readonly apiVersion?: string; readonly prefer?: string }

/** What the test uses of the generated client. */
interface Client {
  readonly defaults: Oazapfts.Defaults<Oazapfts.CustomHeaders>
  showTarget(name: string, version: Version): Answered
  rotateTarget(name: string, body: { note?: string }, version: Version): Answered
  showOperation(id: string, version: Version): Answered
  promoteTarget(name: string, body: { from: string }, version: Version): Answered
}

/** The client, as generated: in a folder of its own, with this repository's packages. */
async function generatedClient(folder: string): Promise<Client> {
  const source = await generateSource(join(root, 'docs/openapi.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await writeFile(join(folder, 'rekey-client.ts'), source)
  return (await import(pathToFileURL(join(folder, 'rekey-client.ts')).href)) as Client
}

describe('A client that is generated from docs/openapi.json', () => {
  test('A client that oazapfts generates rotates a key and follows the operation, with no line written by hand', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rekey-client-'))
    t.after(() => rm(folder, { recursive: true }))
    const { made, handle, version } = await visionWorld()
    const served = await serveHandlers(made)
    t.after(served.close)
    const client = await generatedClient(folder)
    client.defaults.baseUrl = served.url
    const named = { apiVersion }

    const before = await client.showTarget('vision', named)
    const accepted = await client.rotateTarget(
      'vision',
      { note: 'by a generated client' },
      { ...named, prefer: 'respond-async' },
    )
    const begun = await client.showOperation(accepted.data['id']!, named)
    await made.drain()
    const ended = await client.showOperation(accepted.data['id']!, named)
    const after = await client.showTarget('vision', named)
    const late = await client.promoteTarget('vision', { from: version }, named)

    assert.deepEqual([before.status, before.data['version']], [200, version])
    assert.deepEqual([accepted.status, begun.data['status'], ended.data['status']], [202, 'NotStarted', 'Succeeded'])
    assert.equal(
      accepted.headers.get('operation-location'),
      `${served.url}/api/operations/${accepted.data['id']}?api-version=${apiVersion}`,
    )
    assert.deepEqual([after.data['slot'], after.data['note']], ['Key2', 'by a generated client'])
    assert.equal(made.cloud.vault('kv-prod.vault.azure.net').read('vision-key'), handle.keyOf('Key2'))
    assert.deepEqual([late.status, late.data['code']], [409, 'Superseded'])
    await made.close()
  })
})
