// Every provider of the registry, loaded: for the tests that run over all of them.

import { loadProviders } from '../../src/providers/index.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'

export const providers: readonly KeyProvider[] = await loadProviders()

/** The provider that targets.json means by this id; undefined: there is none. */
export function providerById(id: string): KeyProvider | undefined {
  return providers.find((provider) => provider.id === id)
}
