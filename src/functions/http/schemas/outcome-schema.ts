// What one run did with a target.

import * as z from 'zod/mini'
import { about, component, moment, type Shown, text } from './schema-parts.ts'

/** The current version of a secret. */
const SecretVersion = component(
  'SecretVersion',
  'A secret and its current version.',
  z.object({ name: text('Its name in the vault.', 'vision-key'), version: text('Its version.', '9f2c…') }),
)

export const Outcome = component(
  'Outcome',
  'What was done with a target.',
  z.object({
    target: text('The name of the target.', 'vision'),
    provider: text("The provider's id.", 'cognitive-services'),
    status: about(
      z.enum(['changed', 'current', 'waiting', 'paused', 'failed']),
      '`changed`: something was done, and nothing is left. `current`: nothing was to do. `waiting`: something is left, at `nextTryAt`. `paused`: an operator has to act first. `failed`: the problem or the operation says why.',
    ),
    reason: z.optional(text('Why, in a word: the name of the check that decided.', 'requested')),
    reasons: about(z.array(z.string()), 'Every check that hit, in order.'),
    slot: z.optional(text('The active slot now.', 'Key2')),
    secrets: about(z.array(SecretVersion), 'The current version of each secret, the lead first.'),
    eventId: z.optional(text('The id of the event that was announced last.')),
    rotatedAt: z.optional(moment('When the current key was created, as far as is known.')),
    expiresAt: z.optional(moment('When the version in the vault expires.')),
    overlap: z.optional(
      about(z.string(), 'How long the key before this one stays valid: an ISO 8601 duration, or `none`.', 'P2D'),
    ),
    proven: z.optional(about(z.literal(false), 'The key was published without a verdict of its service on it.')),
    nextTryAt: z.optional(moment('When the queue goes on.')),
  }),
  {
    target: 'vision',
    provider: 'cognitive-services',
    status: 'changed',
    reason: 'requested',
    reasons: ['requested', 'unannounced'],
    slot: 'Key2',
    secrets: [{ name: 'vision-key', version: '5f1d0c6a9b8e4f3a8c7d6e5f4a3b2c1d' }],
    eventId: '5f1d0c6a9b8e4f3a8c7d6e5f4a3b2c1d',
    rotatedAt: '2026-12-01T10:00:00.000Z',
    expiresAt: '2027-03-01T10:00:00.000Z',
    overlap: 'P2D',
  },
)
export type Outcome = Shown<typeof Outcome>
