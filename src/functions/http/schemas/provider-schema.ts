// Providers: what can be rotated, and what each service needs for it.

import * as z from 'zod/mini'
import { about, collectionOf, component, type Shown, text } from './schema-parts.ts'

const Provider = component(
  'Provider',
  'A service whose keys can be rotated.',
  z.object({
    id: text('What `provider` in targets.json says.', 'cognitive-services'),
    title: text('The name of the service.'),
    slots: about(z.array(z.string()), 'What the service regenerates separately, in order.'),
    outputs: about(
      z.array(
        z.object({
          name: text('Its name.', 'key'),
          changes: about(z.boolean(), 'Whether it changes with a rotation.'),
          needsField: z.optional(text('The field of the target without which it is not there.')),
        }),
      ),
      'What its secrets can hold.',
    ),
    fields: about(
      z.array(
        z.object({
          name: text('Its name.', 'resource'),
          required: about(z.boolean(), 'Whether a target must have it.'),
          description: z.optional(text('What it says.')),
          example: z.optional(about(z.unknown(), 'An example.')),
        }),
      ),
      'What it adds to a target in targets.json.',
    ),
    rights: about(
      z.array(
        z.object({
          kind: about(z.enum(['action', 'dataAction', 'appRole']), 'What it is an entry of.'),
          name: text('Its name.'),
          why: text('What for.'),
          optional: z.optional(about(z.literal(true), 'It works without.')),
        }),
      ),
      "The rights that the app's identity needs.",
    ),
    grantedAt: z.optional(text('The type of resource at which they are granted.')),
    limit: about(
      z.object({
        of: text("What the service's limit is counted by."),
        writesPerSecond: about(z.number(), 'What the schedule spends at most.'),
        writesPerRotation: about(z.number(), 'What a rotation costs.'),
      }),
      "The service's limit.",
    ),
    longRunning: about(z.boolean(), 'Whether a change takes minutes.'),
    proof: about(z.enum(['probe', 'none']), 'What shows that a key works before it is published.'),
    swap: about(z.boolean(), 'Whether its slots can be exchanged at the service.'),
    atOnce: about(z.boolean(), 'Whether every slot can be replaced in one call.'),
    clouds: about(z.array(z.enum(['public', 'usgov', 'china'])), 'The clouds that it works in.'),
  }),
)
export type Provider = Shown<typeof Provider>

export const ProviderCollection = component('ProviderCollection', 'All providers.', collectionOf(Provider, {}))
export type ProviderCollection = Shown<typeof ProviderCollection>
