// The simulated Azure on loopback: TLS for Azure's host names, plain HTTP for the managed identity and the management
// API.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls'
import { type CertificateAuthority, certificateAuthority } from './certificates.ts'
import { type Cloud, ConnectionLost } from './cloud.ts'
import { refuseInAzure } from './guard.ts'
import { azureHosts } from './hosts.ts'
import { management } from './management.ts'
import { answerOnSocket, speaksHttp } from './raw-sockets.ts'

export interface SimulatorServer {
  /** TLS. */
  readonly port: number
  /** What clients must trust. */
  readonly caPem: string
  /** Plain HTTP: managed identity and management API. */
  readonly msiPort: number
  readonly msiUrl: string
  /**
   * For another process, together with `--import simulator/preload.ts`. `close` deletes the file that
   * SIMULATED_AZURE_CA names.
   */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

type Answer = (request: Request) => Response | Promise<Response>

/** Serves a cloud on 127.0.0.1. Ports default to free ones. Refuses to run in Azure. */
export async function startServer(
  cloud: Cloud,
  options: { port?: number; msiPort?: number } = {},
): Promise<SimulatorServer> {
  refuseInAzure(process.env)
  const authority = await certificateAuthority()
  const open = new Set<TLSSocket>()
  const tls = azureServer(cloud, authority, open)
  const routes = management(cloud)
  const plain = createPlainServer(
    listener('http', (request) =>
      new URL(request.url).pathname.startsWith('/simulator') ? routes.fetch(request) : cloud.fetch(request),
    ),
  )
  const [port, msiPort] = await Promise.all([listen(tls, options.port ?? 0), listen(plain, options.msiPort ?? 0)])
  const msiUrl = `http://127.0.0.1:${msiPort}`
  const folder = await mkdtemp(join(tmpdir(), 'simulated-azure-'))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, authority.caPem)
  return {
    port,
    caPem: authority.caPem,
    msiPort,
    msiUrl,
    environment: {
      SIMULATED_AZURE_PORT: String(port),
      SIMULATED_AZURE_CA: caFile,
      SIMULATED_AZURE_HOSTS: azureHosts().join(' '),
      IDENTITY_ENDPOINT: `${msiUrl}/msi/token`,
      IDENTITY_HEADER: cloud.identity.header,
    },
    async close() {
      for (const socket of open) socket.destroy()
      plain.closeAllConnections()
      await Promise.all([stop(tls), stop(plain), rm(folder, { recursive: true, force: true })])
    },
  }
}

/** Serves Azure's host names over TLS: HTTP, or what the clients of a host speak. `open`: its sockets, while they are open. */
function azureServer(cloud: Cloud, authority: CertificateAuthority, open: Set<TLSSocket>): TlsServer {
  const http = createPlainServer(listener('https', cloud.fetch))
  // Longer than any pause of a client that keeps its connections: a reset must come from a fault, not from idling.
  http.keepAliveTimeout = 120_000
  const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
    authority.contextFor(name).then(
      (context) => done(null, context),
      (error: Error) => done(error),
    )
  }
  return createServer({ ...authority.certificate, SNICallback }, (socket) => {
    open.add(socket.once('close', () => open.delete(socket)))
    const host = socket.servername || ''
    if (speaksHttp(host)) http.emit('connection', socket)
    else answerOnSocket(cloud.fetch, host, socket)
  })
}

function listener(scheme: 'http' | 'https', answer: Answer) {
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    respond(scheme, answer, incoming, outgoing).catch((error: unknown) => {
      if (error instanceof ConnectionLost && error.how === 'silence') return
      // A bug of the simulator must not pass for an Azure failure. A caller that disconnects half-way is not a bug.
      if (!(error instanceof ConnectionLost) && incoming.complete) console.error('simulated Azure:', error)
      incoming.socket.destroy()
    })
  }
}

async function respond(
  scheme: string,
  answer: Answer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
  const method = incoming.method ?? 'GET'
  const body = chunks.length > 0 && method !== 'GET' && method !== 'HEAD' ? Buffer.concat(chunks) : null
  const request = new Request(`${scheme}://${incoming.headers.host}${incoming.url}`, { method, headers, body })
  const response = await answer(request)
  const text = Buffer.from(await response.arrayBuffer())
  outgoing.writeHead(response.status, [...response.headers, ['content-length', String(text.length)]].flat())
  outgoing.end(text)
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
