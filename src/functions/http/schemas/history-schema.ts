// The versions of secrets: who changed what, when and why.

import * as z from 'zod/mini'
import { EmbeddedError } from './error-schema.ts'
import { about, collectionOf, component, moment, type Shown, text } from './schema-parts.ts'

const HistoryEntry = component(
  'HistoryEntry',
  'A version of a secret. Never its value.',
  z.object({
    target: text('The name of the target.', 'vision'),
    vault: about(z.url(), 'The vault.', 'https://kv-contoso.vault.azure.net'),
    secret: text('The name of the secret.', 'vision-key'),
    output: text('Which output of the provider it holds.', 'key'),
    version: text('The version.'),
    createdAt: moment('When the vault got it.'),
    expiresAt: z.optional(moment('When it expires.')),
    enabled: about(z.boolean(), 'Whether the vault gives it out.'),
    slot: z.optional(text('The slot whose key it holds.', 'Key1')),
    reason: z.optional(text('Why it was written, in a word.', 'due')),
    actor: z.optional(text('Who asked for it.', 'schedule')),
    note: z.optional(text('What they said.')),
    rotatedAt: z.optional(moment('When its key was created, as far as is known.')),
    announced: z.optional(about(z.boolean(), 'Whether its event was sent.')),
    lastError: z.optional(EmbeddedError),
  }),
)
export type HistoryEntry = Shown<typeof HistoryEntry>

const UnreadTarget = component(
  'UnreadTarget',
  'A target whose history could not be read, and why.',
  z.extend(EmbeddedError, { target: text('The name of the target.', 'vision') }),
)

export const HistoryCollection = component(
  'HistoryCollection',
  'Versions, newest first; of all targets, a page of targets at a time.',
  collectionOf(HistoryEntry, {
    notRead: z.optional(about(z.array(UnreadTarget), 'Of all targets: those that could not be read.')),
  }),
)
export type HistoryCollection = Shown<typeof HistoryCollection>
