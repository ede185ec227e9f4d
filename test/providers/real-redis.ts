// A real redis-server behind TLS, whose passwords follow the keys of a simulated resource.

import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** For `test`: why a test with a real server cannot run here, or false. */
export const withoutRedis: string | false =
  spawnSync('redis-server', ['--version']).status === 0
    ? false
    : 'redis-server is not installed: apt-get install redis-server'

export interface RealRedis {
  readonly port: number
  /** What its clients must trust. */
  readonly caPem: string
  /** From now on these are the passwords of the default user. */
  setPasswords(keys: readonly string[]): Promise<void>
  /** Switches the default user off. */
  disableUser(): Promise<void>
  close(): Promise<void>
}

/** Starts a server with a certificate for `host`. */
export async function startRedis(host: string): Promise<RealRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'rekey-redis-'))
  const { caPem, key, cert } = await certificateFor(host)
  const [keyFile, certFile, socket] = ['key.pem', 'cert.pem', 'admin.sock'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const options = {
    port: ['0'],
    bind: ['127.0.0.1'],
    'tls-port': [String(port)],
    'tls-cert-file': [certFile],
    'tls-key-file': [keyFile],
    'tls-auth-clients': ['no'],
    unixsocket: [socket],
    dir: [folder],
    save: [''],
    user: ['admin', 'on', `>${password}`, '~*', '&*', '+@all'],
  }
  const child = spawn(
    'redis-server',
    Object.entries(options).flatMap(([name, values]) => [`--${name}`, ...values]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes('Ready to accept connections')) resolve()
    })
    child.once('exit', () => reject(new Error(`redis-server ended: ${said}`)))
  })

  async function administer(...rules: readonly string[]): Promise<void> {
    const admin = connect(socket)
    admin.write(`AUTH admin ${password}\r\nACL SETUSER default ${rules.join(' ')}\r\n`)
    let said = ''
    for await (const chunk of admin) {
      said += chunk
      if (said.split('\r\n').length > 2) break
    }
    if (said !== '+OK\r\n+OK\r\n') throw new Error(`redis-server said ${said}`)
  }

  return {
    port,
    caPem,
    setPasswords: (keys) => administer('reset', 'on', ...keys.map((each) => `>${each}`), '~*', '&*', '+@all'),
    disableUser: () => administer('off'),
    async close() {
      child.kill()
      await once(child, 'exit')
      rmSync(folder, { recursive: true })
    },
  }
}

async function certificateFor(host: string) {
  const elliptic = { keyType: 'ec', algorithm: 'sha256' } as const
  const ca = await generate([{ name: 'commonName', value: 'Test, this run only' }], {
    ...elliptic,
    extensions: [{ name: 'basicConstraints', cA: true, critical: true }],
  })
  const leaf = await generate([{ name: 'commonName', value: host }], {
    ...elliptic,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  })
  return { caPem: ca.cert, key: leaf.private, cert: leaf.cert }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
