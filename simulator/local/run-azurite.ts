// Runs Azurite in this process: blobs and queues in memory, gone when the process ends.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

interface AzuriteServer {
  start(): Promise<void>
  close(): Promise<void>
  getHttpServerAddress(): string
}
type Construct<T> = new (...args: unknown[]) => T

const account = 'devstoreaccount1'
// The emulator's well-known key, the same on every machine: no secret.
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export interface Azurite {
  readonly connectionString: string
  readonly blobUrl: string
  readonly queueUrl: string
  close(): Promise<void>
}

/** Paths of PEM files. Empty: without TLS. */
interface Tls {
  readonly cert: string
  readonly key: string
}

/**
 * Blobs and queues. `tls`: over HTTPS. Takes about a second for the first one in a process (module loading), 25 ms for each after it.
 * Port 0 is any free one; `UseDevelopmentStorage=true` means 10000 and 10001.
 */
export async function startAzurite(
  ports: { blob: number; queue: number } = { blob: 0, queue: 0 },
  tls: Tls = { cert: '', key: '' },
): Promise<Azurite> {
  insides<{ configLogger(on: boolean): void }>('common/Logger').configLogger(false)
  const blob = await start('blob/BlobConfiguration', 'blob/BlobServer', ports.blob, tls)
  const queue = await start('queue/QueueConfiguration', 'queue/QueueServer', ports.queue, tls)
  const blobUrl = `${blob.getHttpServerAddress()}/${account}`
  const queueUrl = `${queue.getHttpServerAddress()}/${account}`

  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${blobUrl};QueueEndpoint=${queueUrl};`,
    blobUrl,
    queueUrl,
    close: async () => {
      await Promise.all([blob.close(), queue.close()])
    },
  }
}

async function start(configuration: string, server: string, port: number, tls: Tls): Promise<AzuriteServer> {
  const Configuration = insides<{ default: Construct<unknown> }>(configuration).default
  const Server = insides<{ default: Construct<AzuriteServer> }>(server).default
  // host, port, keepAlive, metadata, extents, persistence, access log, its stream, debug log, its path, loose,
  // skipApiVersionCheck (the blob client is newer than Azurite), cert, key, pwd, oauth, productStyleUrl, inMemory
  const files = ['', '', []]
  const logs = [false, undefined, false, undefined]
  const started = new Server(
    new Configuration(
      '127.0.0.1',
      port,
      5,
      ...files,
      ...logs,
      false,
      true,
      tls.cert,
      tls.key,
      '',
      undefined,
      false,
      true,
    ),
  )
  await started.start()
  return started
}

function insides<T>(path: string): T {
  return require(`azurite/dist/src/${path}.js`) as T
}
