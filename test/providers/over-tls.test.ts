// Once through the real HTTP client, TLS and Azure's real host names. A stand-in for the socket would accept a POST without a
// length, or a header that is not valid.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { slowOperation } from '../../simulator/faults.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
import { startServer } from '../../simulator/server.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { oldMetadata } from '../memory-lease.ts'
import { providers } from './all-providers.ts'
import { revealed } from './opened.ts'
import { fleet } from './provider-fleet.ts'

/** Operations take a second: what is tried here is the wire. */
const cloud = simulatedCloud({ faults: [slowOperation({ ms: 1000 })] })
const azure = createAzureClients({ cloud: clouds.public, credential: cloud.identity.credential() })
const end: (() => unknown)[] = []

before(async () => {
  const server = await startServer(cloud)
  const restore = redirectAzure({ port: server.port, ca: server.caPem })
  end.push(restore, () => server.close())
})

after(async () => {
  for (const step of end) await step()
})

for (const provider of providers) {
  test(`${provider.id}: a key is read, regenerated and probed over TLS`, async () => {
    const { fields, handle } = fleet[provider.id]!(cloud, `tls-${provider.id}`)
    const holder = provider.open(provider.resource.parse(fields), azure)
    const { signal } = new AbortController()
    const [slot] = provider.slots

    const before = revealed(await holder.read(signal))
    const made = await holder.regenerate(slot, { signal, keepLease: async () => {}, metadata: oldMetadata() })
    const verdict = await holder.probe?.(slot, made[slot]!, signal)

    assert.notEqual(revealed(made)[slot], before[slot])
    assert.equal(revealed(made)[slot], handle.keyOf(slot))
    assert.equal(verdict, provider.can.probe ? 'accepted' : undefined)
  })
}
