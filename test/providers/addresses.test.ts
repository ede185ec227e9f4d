// Keys, and what is signed with them, go to the hosts that a provider declares, whatever its service answers. What a provider makes
// of particular answers is in its own tests.

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Fault } from '../../simulator/faults.ts'
import { hostsAsked } from './addresses.ts'
import { providers } from './all-providers.ts'
import { opened } from './opened.ts'

/** Not one that carries a provider's keys. */
const platform = ['management.azure.com', 'graph.microsoft.com']

for (const provider of providers) {
  const { id, slots, hosts, can } = provider
  const isDeclared = (host: string) => hosts?.public.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))

  test(`${id}: every request goes to Resource Manager, Microsoft Graph or a host that the provider declares`, async () => {
    const on = opened(provider)

    const ring = await on.holder.read(on.signal)
    await on.holder.probe?.(slots[0], ring[slots[0]]!, on.signal)

    // Commands over TLS have a port of their own.
    const names = hostsAsked(on).map((host) => host.replace(/:\d+$/, ''))
    const others = names.filter((host) => !platform.includes(host))
    assert.deepEqual(
      others.filter((host) => !isDeclared(host)),
      [],
    )
    assert.ok(!can.probe || others.length > 0)
  })

  if (!can.probe) continue
  test(`${id}: a service that names another host for its data plane gets no key there`, async () => {
    const on = opened(provider)
    on.cloud.faults.add(elsewhere(hosts!.public))

    const ring = await on.holder.read(on.signal)
    await on.holder.probe!(slots[0], ring[slots[0]]!, on.signal)

    assert.deepEqual(
      hostsAsked(on).filter((host) => host.includes('evil')),
      [],
    )
  })
}

/** Answers of Resource Manager name hosts of this service below another domain. */
function elsewhere(suffixes: readonly string[]): Fault {
  const moved = (text: string) =>
    suffixes.reduce((changed, suffix) => changed.replaceAll(suffix, `${suffix}.evil.example`), text)
  return {
    name: 'elsewhere',
    install: () => ({
      after: (call, reply) =>
        call.operation.host === 'resource-manager' && reply.body !== undefined
          ? { ...reply, body: JSON.parse(moved(JSON.stringify(reply.body))) }
          : undefined,
    }),
  }
}
