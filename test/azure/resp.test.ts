// Commands over TLS: what goes onto the wire, and what a server may do instead of answering.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import { certificateAuthority } from '../../simulator/certificates.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
// Its hosts are those that can be redirected, and that certificates are made for.
import '../../simulator/services/index.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { Secret } from '../../src/engine/secret.ts'
import { anyToken } from './wire.ts'

const authority = await certificateAuthority()
const host = 'contoso.redis.cache.windows.net'

/** A server that does `answer` once it has heard something; what it has heard so far. */
async function serving(t: TestContext, answer: (socket: TLSSocket) => void, ca = authority.caPem) {
  const heard: Buffer[] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer(authority.certificate, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      heard.push(chunk)
      answer(socket)
    })
  })
  // The client ends what it does not trust.
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const restore = redirectAzure({ port: (server.address() as AddressInfo).port, ca })
  t.after(() => {
    restore()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const azure = createAzureClients({ cloud: clouds.public, credential: anyToken })
  const command = (signal = new AbortController().signal) =>
    azure.command({
      host,
      port: 6380,
      commands: [['AUTH', Secret.of('key-one=')], ['PING']],
      signal,
      operation: `AUTH at ${host}`,
    })
  return { command, heard: () => Buffer.concat(heard).toString(), sockets }
}

test('commands are sent as arrays of strings with their lengths, in one piece, with the secret shown', async (t) => {
  const { command, heard } = await serving(t, (socket) => socket.write('+OK\r\n+PONG\r\n'))

  const replies = await command()

  assert.deepEqual(replies, ['+OK', '+PONG'])
  assert.equal(heard(), '*2\r\n$4\r\nAUTH\r\n$8\r\nkey-one=\r\n*1\r\n$4\r\nPING\r\n')
})

test('replies may come in pieces', async (t) => {
  const { command } = await serving(t, (socket) => {
    socket.write('+O')
    setTimeout(() => socket.write('K\r\n+PO'), 5)
    setTimeout(() => socket.write('NG\r\n'), 10)
  })

  assert.deepEqual(await command(), ['+OK', '+PONG'])
})

test('a server that ends the connection after its first line has answered', async (t) => {
  const { command } = await serving(t, (socket) => socket.end('-WRONGPASS no\r\n'))

  assert.deepEqual(await command(), ['-WRONGPASS no'])
})

for (const [what, answer] of [
  ['ends the connection', (socket: TLSSocket) => socket.end()],
  ['cuts the connection', (socket: TLSSocket) => socket.destroy()],
  ['cuts its first line short', (socket: TLSSocket) => socket.end('+OK')],
  ['says much without a line', (socket: TLSSocket) => socket.write('x'.repeat(100_000))],
] as const) {
  test(`a server that ${what} is unavailable`, async (t) => {
    const { command } = await serving(t, answer)

    await assert.rejects(command(), { code: 'ServiceUnavailable' })
  })
}

test('a server that stays silent is left when the call ends', async (t) => {
  const controller = new AbortController()
  const { command, sockets } = await serving(t, () => controller.abort())

  await assert.rejects(command(controller.signal), { code: 'ServiceUnavailable' })

  const [socket] = sockets
  if (!socket!.destroyed) await once(socket!, 'close')
})

test('a call that has ended opens no connection', async (t) => {
  const { command, sockets } = await serving(t, () => undefined)

  await assert.rejects(command(AbortSignal.abort()), { code: 'ServiceUnavailable' })

  assert.equal(sockets.size, 0)
})

test('nothing is sent to a server whose certificate is of another authority, and the error shows no secret', async (t) => {
  const { caPem } = await certificateAuthority()
  const { command, heard } = await serving(t, () => undefined, caPem)

  const error = await command().catch((thrown: Error) => thrown)

  assert.equal((error as { code?: string }).code, 'ServiceUnavailable')
  assert.equal(heard(), '')
  assert.doesNotMatch(`${(error as Error).stack}${JSON.stringify(error)}`, /key-one/)
})
