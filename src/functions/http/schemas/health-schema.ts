// Health: whether rotations can work, and what to do where they cannot.

import * as z from 'zod/mini'
import { ConfigurationProblem, EmbeddedError } from './error-schema.ts'
import { about, component, count, moment, type Shown, text } from './schema-parts.ts'

const names = (description: string) => about(z.array(z.string()), description)

const HealthCheck = component(
  'HealthCheck',
  'One check. One that failed has `error`, any other one `detail`.',
  z.object({
    check: text('What is checked.', 'vault: list secrets'),
    place: text('The vault, queue, topic, setting, or scope.', 'https://kv-contoso.vault.azure.net'),
    status: about(
      z.enum(['ok', 'warning', 'failed', 'unseen']),
      '`warning`: works, but may not be what was meant. `unseen`: cannot be known without changing something, or not at all.',
    ),
    detail: z.optional(text('What was found.')),
    remedy: z.optional(text('What to do about it.')),
    error: z.optional(EmbeddedError),
    targets: z.optional(names('The targets that it concerns.')),
  }),
)
export type HealthCheck = Shown<typeof HealthCheck>

export const Health = component(
  'Health',
  'Whether rotations can work. 200 when healthy, otherwise 503.',
  z.object({
    status: z.enum(['healthy', 'unhealthy']),
    failed: z.optional(count('How many checks failed.')),
    configuration: z.optional(
      about(
        z.object({
          version: text("The blob's ETag, or a hash of the file."),
          appliedAt: z.optional(moment('Since when this version has been in force.')),
          targets: count('How many targets it has.'),
          kept: names('The first hundred targets that keep their last valid definition.'),
          suspended: names('The first hundred that are suspended, because another target claims what they claim.'),
          off: names('The first hundred that are off, because no valid definition is known.'),
        }),
        'What of targets.json is in force. Absent where nothing is.',
      ),
    ),
    problems: about(z.array(ConfigurationProblem), 'The first hundred mistakes in settings and targets.json.'),
    problemCount: count('How many there are.'),
    checks: about(z.array(HealthCheck), 'Every check.'),
  }),
)
export type Health = Shown<typeof Health>
