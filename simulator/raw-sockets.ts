// Services whose clients speak on a TLS connection without HTTP. What a client sends becomes the body of a POST to the root of its
// host; the text of the answer goes back as it is.

import type { TLSSocket } from 'node:tls'
import { dialectOf } from './dialects.ts'
import { hostGroup } from './hosts.ts'
import { ConnectionLost } from './service-operations.ts'

type Fetch = (request: Request) => Promise<Response>

/** Whether the clients of this host speak HTTP. */
export function speaksHttp(host: string): boolean {
  const group = hostGroup(host)
  return group === undefined || dialectOf(group).onSocket !== true
}

/** What the service at `host` says to `bytes`. Rejects with ConnectionLost where it closes the connection instead. */
export async function converse(fetch: Fetch, host: string, bytes: Buffer): Promise<string> {
  const response = await fetch(new Request(`https://${host}/`, { method: 'POST', body: new Uint8Array(bytes) }))
  const text = await response.text()
  if (text === '') throw new ConnectionLost(`${host} closes the connection`)
  return text
}

/** Answers each chunk that arrives. A client that writes its commands at once has them in one. */
export function answerOnSocket(fetch: Fetch, host: string, socket: TLSSocket): void {
  socket.on('data', (chunk: Buffer) => {
    converse(fetch, host, chunk).then(
      (text) => void socket.write(text),
      (error: unknown) => {
        if (error instanceof ConnectionLost && error.how === 'silence') return
        if (!(error instanceof ConnectionLost)) console.error('simulated Azure:', error)
        socket.destroy()
      },
    )
  })
}
