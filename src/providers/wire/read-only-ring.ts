// Resources with two rings of keys, one that may write and one that may only read: which of them a target is.

import * as z from 'zod/mini'

export type Ring = 'readWrite' | 'readOnly'

/** The field `keys` of such a target. `resource`: what people call the resource, as in "account". */
export function ringField(resource: string) {
  return z._default(z.enum(['readWrite', 'readOnly']), 'readWrite').register(z.globalRegistry, {
    description: `Which keys of the ${resource}: those that may write, or those that may only read`,
    examples: ['readWrite'],
  })
}

/** What distinguishes the credential from the other ring's, in names and in `ProviderAddress`. The ring that may write needs nothing. */
export function ringPart({ keys }: { readonly keys: Ring }): string | undefined {
  return keys === 'readOnly' ? 'readOnlyKeys' : undefined
}
