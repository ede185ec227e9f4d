// An app that answers as a test says: also as no Rekey does, and sometimes not at all.

import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: a test reads bodies member by member
  readonly body: any
}

export interface Scripted {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown
}

/** What to answer; 'lost': the connection is cut after the request has been read. */
export type Script = (request: Received, url: string) => Scripted | 'lost'

/** On loopback, on a free port. */
export async function scriptedApp(script: Script) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { pathname, searchParams } = new URL(request.url!, url)
    const text = Buffer.concat(chunks).toString('utf8')
    const body = text === '' ? undefined : JSON.parse(text)
    const got = { method: request.method!, path: pathname, query: searchParams, headers: request.headers, body }
    received.push(got)
    const answer = script(got, url)
    if (answer === 'lost') return void request.socket.destroy()
    const { status = 200, headers = {}, body: sent = {} } = answer
    const isText = typeof sent === 'string'
    response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
    response.end(isText ? sent : JSON.stringify(sent))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, received, close }
}
