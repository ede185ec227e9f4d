// Candidates: what has keys and is no target yet.

import * as z from 'zod/mini'
import { notRead } from './error-schema.ts'
import { about, collectionOf, component, moment, type Shown, text } from './schema-parts.ts'

const Candidate = component(
  'Candidate',
  'A resource that has keys, lets them in, and is no target yet.',
  z.object({
    id: text('Its ARM id.'),
    name: text('Its name.'),
    type: text('Its type.', 'Microsoft.CognitiveServices/accounts'),
    provider: text('The provider that can rotate its keys.', 'cognitive-services'),
    title: text('The name of the service.'),
    subscription: text('The id of its subscription.'),
    resourceGroup: text('The name of its resource group.'),
    location: z.optional(text('Its region.', 'westeurope')),
    localAuth: z.optional(about(z.literal(true), 'It lets keys in. Absent where the listing does not say.')),
    oldestKeyAt: z.optional(moment('When its oldest key was created, where the service tells it.')),
    ageDays: z.optional(about(z.int(), 'How old that key is, in days.')),
    keyPolicyDays: z.optional(about(z.int(), "How old the resource's own policy lets a key become, in days.")),
    from: about(z.enum(['resourceGraph', 'tags']), 'How it was found.'),
    targetsEntry: about(z.record(z.string(), z.unknown()), 'The entry of targets.json that makes it a target.'),
    grant: text('The entry of ROTATION_GRANTS that lets the app rotate its keys.'),
    note: z.optional(text('What to know before adding it.')),
  }),
)
export type Candidate = Shown<typeof Candidate>

export const CandidateCollection = component(
  'CandidateCollection',
  'A page of candidates. It may be empty and not the last.',
  collectionOf(Candidate, {
    asOf: moment('When they were read.'),
    notRead: z.optional(notRead),
  }),
)
export type CandidateCollection = Shown<typeof CandidateCollection>
