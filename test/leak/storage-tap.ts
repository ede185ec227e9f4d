// A proxy in front of the app's storage account that keeps everything sent and received: messages that are not visible yet
// cannot be peeked at.

import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StorageTap {
  /** The connection string for the app: the same account, by way of the tap. */
  readonly connectionString: string
  /** Requests and answers as text, signatures left out: those belong on the wire. */
  readonly seen: readonly string[]
  close(): void
}

/** Stands between an app and the account of a connection string with endpoints of plain http. */
export async function tapStorage(connectionString: string): Promise<StorageTap> {
  const seen: string[] = []
  const endpoints = [...connectionString.matchAll(/(Blob|Queue)Endpoint=(http:[^;]+)/g)].map(([, kind, url]) => ({
    kind: kind!,
    url: new URL(url!),
  }))
  const taps = await Promise.all(endpoints.map(({ url }) => tap(url, seen)))
  let tapped = connectionString
  for (const [index, { url }] of endpoints.entries()) tapped = tapped.replace(url.host, taps[index]!.host)
  return { connectionString: tapped, seen, close: () => void taps.map(({ close }) => close()) }
}

async function tap(to: URL, seen: string[]): Promise<{ readonly host: string; close(): void }> {
  const server = createServer(async (incoming, outgoing) => {
    const body = await whole(incoming)
    const { authorization: _, ...headers } = incoming.headers
    seen.push(`${incoming.method} ${incoming.url} ${JSON.stringify(headers)} ${readable(body)}`)
    const options = {
      host: to.hostname,
      port: to.port,
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    }
    const onward = request(options, async (answer) => {
      const answered = await whole(answer)
      seen.push(`${answer.statusCode} ${JSON.stringify(answer.headers)} ${readable(answered)}`)
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders).end(answered)
    })
    onward.on('error', () => outgoing.destroy())
    onward.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** A body as it is, and what a message in it says: messages are base64. */
function readable(body: Buffer): string {
  const text = body.toString('utf8')
  const messages = [...text.matchAll(/<MessageText>([^<]*)<\/MessageText>/g)].map(([, message]) =>
    Buffer.from(message!, 'base64').toString('utf8'),
  )
  return [text, ...messages].join(' ')
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
