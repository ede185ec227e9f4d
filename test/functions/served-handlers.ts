// The handlers of the functions world over HTTP, at the paths that docs/openapi.json has: for clients that call addresses.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HttpRequest } from '@azure/functions'
import { answer } from '../../src/functions/http/answer-request.ts'
import { routes } from '../../src/functions/http/route-list.ts'
import type { World } from './functions-world.ts'
import { document } from './openapi-contract.ts'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

const templates = Object.entries(document.paths).map(([path, methods]) => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  methods,
}))

/** On loopback, on a free port. */
export async function serveHandlers(made: World): Promise<Served> {
  const server = createServer((incoming, response) => {
    handled(made, incoming).then(
      ({ status = 200, headers = {}, body }) => {
        response.writeHead(status, headers as Record<string, string>)
        response.end(body as string)
      },
      (error: unknown) => response.destroy(error as Error),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function handled(made: World, incoming: IncomingMessage) {
  const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`)
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  for (const { pattern, methods } of templates) {
    const groups = pattern.exec(url.pathname)
    const operation = methods[incoming.method!.toLowerCase()]
    if (groups === null || operation === undefined) continue
    const request = new HttpRequest({
      method: incoming.method!,
      url: url.href,
      params: { ...groups.groups },
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers as Record<string, string>,
      ...(chunks.length > 0 && { body: { bytes: Buffer.concat(chunks) } }),
    })
    const handler = await routes.get(operation.operationId)!.load()
    return answer(handler, request, made.context(operation.operationId), made.compose)
  }
  return { status: 404 }
}
