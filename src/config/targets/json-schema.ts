// The JSON schema of targets.json, for editors: built from the same fields that the app reads, one branch per provider.

import * as z from 'zod/mini'
import { clouds } from '../../azure/clouds.ts'
import type { KeyProvider } from '../../providers/provider.ts'
import { discoverFields } from './discover-field.ts'
import { reminder } from './reminder.ts'
import { type PolicyFields, policyFields, targetFields } from './target-fields.ts'

/** What targets.json may hold, as a JSON schema (draft 7, which every editor reads), with the providers of the registry. */
export function targetsJsonSchema(registry: readonly KeyProvider[]): Readonly<Record<string, unknown>> {
  // Which cloud it will run in is not known here; the schema's pattern lets the vaults of all of them through.
  const { vaultSuffix } = clouds.public
  const policy = policyFields(vaultSuffix)
  const branches: z.ZodMiniObject[] = registry.map((provider) => {
    const { name, ...others } = targetFields(policy, provider)
    const id = z.literal(provider.id).register(z.globalRegistry, { description: provider.title })
    return z.strictObject({ name, provider: id, ...provider.resource.shape, ...others })
  })
  branches.push(reminderBranch(policy))
  const document = z.strictObject({
    $schema: z.optional(z.string()),
    defaults: z
      .optional(z.strictObject(policy))
      .register(z.globalRegistry, { description: 'values for every target that does not set its own' }),
    discover: z
      .optional(z.strictObject(discoverFields(vaultSuffix)))
      .register(z.globalRegistry, { description: 'where secrets become targets by their tags, without an entry here' }),
    targets: z.array(z.union(branches)).register(z.globalRegistry, { description: 'the credentials to rotate' }),
  })
  return {
    title: 'Targets of Rekey',
    ...z.toJSONSchema(document, { io: 'input', target: 'draft-7' }),
  }
}

/** A reminder lacks the fields that are about keys. */
function reminderBranch(policy: PolicyFields) {
  const { name, secrets, vault, rotateEvery, enabled } = targetFields(policy, reminder)
  const id = z.literal(reminder.id).register(z.globalRegistry, { description: reminder.title })
  return z.strictObject({ name, provider: id, ...reminder.resource.shape, secrets, vault, rotateEvery, enabled })
}
