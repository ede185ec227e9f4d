// The JSON schema of targets.json, for editors: built from the same fields that the app reads, one branch per provider.

import * as z from 'zod'
import { clouds } from '../../azure/clouds.ts'
import type { KeyProvider } from '../../providers/provider.ts'
import { policyFields, targetFields } from './fields.ts'

/** What targets.json may hold, as a JSON schema (draft 7, which every editor reads), with the providers of the registry. */
export function targetsJsonSchema(registry: readonly KeyProvider[]): Readonly<Record<string, unknown>> {
  // Which cloud it will run in is not known here; the schema's pattern lets the vaults of all of them through.
  const { vaultSuffix } = clouds.public
  const branches = registry.map((provider) => {
    const { name, ...others } = targetFields(vaultSuffix, provider)
    const id = z.literal(provider.id).meta({ description: provider.title })
    return z.strictObject({ name, provider: id, ...provider.resource.shape, ...others })
  })
  const document = z.strictObject({
    $schema: z.string().optional(),
    defaults: z
      .strictObject(policyFields(vaultSuffix))
      .optional()
      .meta({ description: 'values for every target that does not set its own' }),
    targets: z.array(z.union(branches)).meta({ description: 'the credentials to rotate' }),
  })
  return {
    title: 'Targets of Rekey',
    ...z.toJSONSchema(document, { io: 'input', target: 'draft-7' }),
  }
}
