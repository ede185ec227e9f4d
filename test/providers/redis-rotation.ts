// One rotation of a Redis service whose keys are the passwords of a real redis-server: what its probe says of each key.

import type { TestContext } from 'node:test'
import type { Cloud } from '../../simulator/cloud.ts'
import type { ServiceHandle } from '../../simulator/keys.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
import type { Credential } from '../../src/engine/key-ring.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { startRedis } from './real-redis.ts'

interface Rotation {
  readonly t: TestContext
  readonly cloud: Cloud
  readonly handle: ServiceHandle
  /** Where the resource answers. */
  readonly host: string
  readonly provider: KeyProvider
}

/** Rotates `Secondary`. After each answer of the control plane, the server has the passwords that the resource has. */
export async function rotatedKeys({ t, cloud, handle, host, provider }: Rotation) {
  const server = await startRedis(host)
  t.after(() => server.close())
  const follow = () => server.setPasswords(Object.values(handle.keys()))
  const holder = provider.open(
    { resource: handle.resourceId },
    connect(cloud, { sockets: 'real', afterAnswer: follow }),
  )
  t.after(redirectAzure({ port: server.port, ca: server.caPem }))
  const { signal } = new AbortController()
  const verdict = (credential: Credential) => holder.probe!('Secondary', credential, signal)

  const ring = await holder.read(signal)
  const before = await verdict(ring['Secondary']!)
  const answer = await holder.regenerate('Secondary', { signal, keepLease: async () => {}, metadata: oldMetadata() })
  const { connectionString } = answer['Secondary']!
  return {
    before,
    made: await verdict(answer['Secondary']!),
    old: await verdict(ring['Secondary']!),
    other: await verdict(ring['Primary']!),
    asString: await verdict({ connectionString: connectionString! }),
  }
}
