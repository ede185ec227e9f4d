// `discover` in targets.json: where secrets with the tags of Microsoft's rotation templates become targets, and of which resources.

import * as z from 'zod/mini'
import { described, vaultIn } from './target-fields.ts'

/** As it is in force. */
export interface Discover {
  /** Addresses of vaults, in normalized form. */
  readonly vaults: readonly string[]
  /** ARM ids without a slash at the end: what lies at or below one of them may be rotated. */
  readonly scopes: readonly string[]
}

/** A subscription, a resource group, or a resource. Names are checked with the resource that a tag names. */
const scopePattern =
  '^/subscriptions/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(/resource[gG]roups/[^/]+(/providers/[^/]+/[^/]+/[^/]+)?)?$'

const scope = described(
  z
    .string()
    .check(z.regex(new RegExp(scopePattern), 'is not the ARM id of a subscription, a resource group or a resource')),
  {
    description: 'ARM id of a subscription, a resource group or a resource, without a slash at its end',
    examples: ['/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-group'],
    pattern: scopePattern,
  },
)

/** `vaultSuffix`: the cloud's, without a leading dot. */
export function discoverFields(vaultSuffix: string) {
  return {
    vaults: described(z.array(vaultIn(vaultSuffix)).check(z.minLength(1, 'names no vault')), {
      description: "vaults whose secrets become targets where they have the tags of Microsoft's rotation templates",
      examples: [['https://kv-prod.vault.azure.net']],
    }),
    scopes: described(z.array(scope).check(z.minLength(1, 'names no scope')), {
      description: 'what their tags may name: resources at or below these ARM ids, and no others',
      examples: [['/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-group']],
    }),
  }
}

/** Whether a resource lies at or below a scope. Ids are compared without case; `address` is one that was parsed. */
export function isInScope(address: string, { scopes }: Discover): boolean {
  const id = `${address.toLowerCase()}/`
  return scopes.some((each) => id.startsWith(`${each.toLowerCase()}/`))
}
