// Targets: in lists, and one with everything that is known of it.

import * as z from 'zod/mini'
import type { Status } from '../status/summarize-target.ts'
import { EmbeddedError, notRead } from './error-schema.ts'
import { about, asOf, collectionOf, component, duration, moment, type Shown, text } from './schema-parts.ts'

const statuses: Readonly<Record<Status, string>> = {
  disabled: 'switched off in targets.json',
  new: 'no secret yet, or one that may be taken over',
  untagged: 'a secret is there without a tag of Rekey',
  unmanaged: 'the secret is of another target or resource',
  paused: 'an operator disabled one of its secrets',
  unfinished: 'something was begun and has not ended',
  expired: 'past its expiry',
  due: 'to be rotated at the next tick',
  closed: 'due, outside its window',
  current: 'nothing is to do',
  failed: 'the last change failed: `lastError`',
  overdue: 'more than a day past its due date',
  unreadable: 'it could not be read: `lastError`',
  unknown: 'the schedule has not read it yet',
}

export const TargetStatus = component(
  'TargetStatus',
  `How a target stands, in one word. ${Object.entries(statuses)
    .map(([status, means]) => `\`${status}\`: ${means}.`)
    .join(' ')}`,
  z.enum(Object.keys(statuses) as [Status]),
)

const Secret = component(
  'TargetSecret',
  'A secret of a target: what of the credential it holds.',
  z.object({
    name: text('Its name in the vault.', 'vision-key'),
    output: text('Which output of the provider it holds.', 'key'),
    version: z.optional(text('Its current version. Absent in lists, and where it does not exist.')),
  }),
)

const summary = {
  name: text('Its name in targets.json.', 'vision'),
  provider: text("The provider's id, or `reminder`.", 'cognitive-services'),
  resource: text('The resource, as targets.json has it.'),
  vault: about(z.url(), 'The vault that its secrets are in.', 'https://kv-contoso.vault.azure.net'),
  status: TargetStatus,
  reason: z.optional(text('Why the current version was written, in a word.', 'due')),
  actor: z.optional(text('Who asked for it: a signed-in name, `http`, `schedule`, …', 'schedule')),
  slot: z.optional(text('The active slot: the one whose key the vault holds.', 'Key1')),
  rotatedAt: z.optional(moment('When the current key was created, as far as is known.')),
  dueAt: z.optional(moment('From when on it is to be rotated; of a reminder: to be renewed.')),
  nextRotationAt: z.optional(
    moment(
      'When the schedule rotates it: the first moment, at `dueAt` or later, in its window. Absent where it will not.',
    ),
  ),
  expiresAt: z.optional(moment('When the version in the vault expires.')),
  lastComparedAt: z.optional(moment('When it was last compared with its service, and agreed or was repaired.')),
  lastError: z.optional(EmbeddedError),
  secrets: about(z.array(Secret), 'Its secrets, the lead first.'),
  asOf: z.optional(moment('In a list: when it was read, where that was before the rest of the list.')),
}

export const TargetSummary = component(
  'TargetSummary',
  'A target as lists show it, by the tags of its secrets.',
  z.object(summary),
)
export type TargetSummary = Shown<typeof TargetSummary>

const Window = component(
  'Window',
  'When scheduled rotations may happen, as in targets.json.',
  z.object({
    days: about(z.array(z.enum(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])), 'The days on which it opens.'),
    start: text('The local time at which it opens.', '02:00'),
    length: duration('How long it stays open.', 'PT4H'),
    timeZone: text('The IANA name of the time zone.', 'Europe/Zurich'),
  }),
)

export const Target = component(
  'Target',
  'A target with everything that its secrets and targets.json say of it. Never a value of a secret.',
  z.object({
    ...summary,
    version: z.optional(text('The current version of its lead secret: what promote and swap want as `from`.')),
    note: z.optional(text('What the caller said whose request made this version.')),
    isReminder: z.optional(about(z.literal(true), 'Its secret has no service: an operator renews it.')),
    enabled: about(z.boolean(), 'Whether targets.json has it switched on.'),
    rotateEvery: duration('How often a new key is created.', 'P60D'),
    slots: z.optional(about(z.array(z.string()), 'Its slots, in order.')),
    overlap: z.optional(
      text(
        'How long the key before the current one stays valid after a rotation: an ISO 8601 duration, or `none`.',
        'P2D',
      ),
    ),
    window: z.optional(Window),
    publishedAt: z.optional(moment('When the current version was written.')),
    previousKeyValidUntil: z.optional(
      moment('Until then the key before the current one stays valid. Absent where there is none.'),
    ),
    retiresAt: z.optional(moment('When the key before the current one is invalidated, where `retireAfter` says so.')),
    lastComparedError: z.optional(EmbeddedError),
  }),
  {
    name: 'vision',
    provider: 'cognitive-services',
    resource:
      '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/vision',
    vault: 'https://kv-contoso.vault.azure.net',
    status: 'current',
    reason: 'due',
    actor: 'schedule',
    slot: 'Key2',
    version: '5f1d0c6a9b8e4f3a8c7d6e5f4a3b2c1d',
    rotatedAt: '2026-12-01T10:00:00.000Z',
    dueAt: '2027-01-29T04:12:00.000Z',
    nextRotationAt: '2027-01-30T01:00:00.000Z',
    expiresAt: '2027-03-01T10:00:00.000Z',
    lastComparedAt: '2026-12-02T03:15:00.000Z',
    secrets: [{ name: 'vision-key', output: 'key', version: '5f1d0c6a9b8e4f3a8c7d6e5f4a3b2c1d' }],
    enabled: true,
    rotateEvery: 'P60D',
    slots: ['Key1', 'Key2'],
    overlap: 'P2D',
    window: { days: ['Sat', 'Sun'], start: '02:00', length: 'PT4H', timeZone: 'Europe/Zurich' },
    publishedAt: '2026-12-01T10:00:00.000Z',
    previousKeyValidUntil: '2026-12-03T10:00:00.000Z',
  },
)
export type Target = Shown<typeof Target>

export const TargetCollection = component(
  'TargetCollection',
  'A page of targets.',
  collectionOf(TargetSummary, { asOf, notRead: z.optional(notRead) }),
)
export type TargetCollection = Shown<typeof TargetCollection>
