// Every provider of the registry, loaded: for the tests that run over all of them.

import { loadProviders } from '../../src/providers/index.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'

export const providers: readonly KeyProvider[] = await loadProviders()

/** The provider that targets.json means by this id; undefined: there is none. */
export function providerById(id: string): KeyProvider | undefined {
  return providers.find((provider) => provider.id === id)
}

/** The first provider of which that is true. Throws TypeError where there is none. */
function providerThat(is: (provider: KeyProvider) => boolean): KeyProvider {
  const found = providers.find(is)
  if (found === undefined) throw new TypeError(`no provider is such that ${is}`)
  return found
}

/** For tests that need a service of a kind, whichever it is. */
export const kinds = {
  oneSlot: providerThat(({ slots }) => slots.length === 1),
  probed: providerThat(({ slots, can, longRunning }) => slots.length === 2 && !!can.probe && !longRunning),
  unprobed: providerThat(
    ({ slots, can, longRunning }) => slots.length === 2 && !can.probe && !longRunning && !!can.swap,
  ),
  swapped: providerThat(({ can, longRunning }) => !!can.swap && !longRunning),
  swappedSlowly: providerThat(({ can, longRunning }) => !!can.swap && !!longRunning),
  slow: providerThat(({ longRunning }) => !!longRunning),
}

/** The first provider of each kind of ring: how many slots, what it can do beside regenerating, and whether that takes minutes. */
export const firstOfEachKind: readonly KeyProvider[] = providers.filter(
  (provider, n) => n === providers.findIndex((other) => kindOf(other) === kindOf(provider)),
)

function kindOf({ slots, can, longRunning }: KeyProvider): string {
  return [slots.length, can.swap, can.probe, can.atOnce, longRunning].join()
}
