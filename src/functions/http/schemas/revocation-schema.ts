// The dry run of a revocation of many targets.

import * as z from 'zod/mini'
import { leftOut } from './error-schema.ts'
import { about, component, count, duration, type Shown } from './schema-parts.ts'

export const RevocationDryRun = component(
  'RevocationDryRun',
  'What a revocation would do. The request then repeats `count`.',
  z.object({
    dryRun: z.literal(true),
    count: count('How many targets would be revoked.'),
    targets: about(z.array(z.string()), 'The first hundred names, in the order in which they would be carried out.'),
    atOnce: z.optional(count('How many of them have every slot replaced in one call.')),
    takes: duration('How long that takes at the whole limit of the services.', 'PT12M'),
    ...leftOut,
  }),
)
export type RevocationDryRun = Shown<typeof RevocationDryRun>
