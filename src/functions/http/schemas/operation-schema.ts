// Operations: commands that were answered with 202, of one target or of many.

import * as z from 'zod/mini'
import { EmbeddedError, leftOut } from './error-schema.ts'
import { Outcome } from './outcome-schema.ts'
import { about, collectionOf, component, count, moment, type Shown, text } from './schema-parts.ts'
import { Target } from './target-schema.ts'

const status = about(
  z.enum(['NotStarted', 'Running', 'Succeeded', 'Failed']),
  'As of every long-running operation in Azure. No command can be canceled.',
)
const kind = about(z.enum(['rotations', 'revocations']), 'Of many targets: what was requested.')

const Counts = component(
  'OperationCounts',
  'How many targets have got how far.',
  z.object({
    total: count('All of them.'),
    succeeded: count('Done.'),
    failed: count('Ended by failing.'),
    running: count('Queued, or under way.'),
    waiting: z.optional(count('Of the revokes that are running: those that wait for an operator.')),
  }),
)

const MemberFailure = component(
  'MemberFailure',
  'A target of many, and the code of what stopped it.',
  z.object({ target: text('The name of the target.', 'vision'), code: text('The error code.', 'PermissionDenied') }),
)

const operation = {
  id: text('The id: the last part of the address in `Operation-Location`.'),
  status,
  kind: z.optional(kind),
  target: z.optional(text('Of one target: its name.', 'vision')),
  createdAt: z.optional(moment('When it was requested.')),
  expiresAt: z.optional(moment('When it fails, if it is not done by then.')),
  actor: z.optional(text('Of many targets: who asked for it.')),
  note: z.optional(text('What they said.')),
  error: z.optional(EmbeddedError),
  lastError: z.optional(EmbeddedError),
  result: z.optional(
    about(
      z.union([Target, z.object({ counts: Counts })]),
      'Of one that has succeeded: the target as it is now; of many: the counts.',
    ),
  ),
  counts: z.optional(Counts),
  failures: z.optional(about(z.array(MemberFailure), 'Of many: the first hundred that failed.')),
  waiting: z.optional(about(z.array(MemberFailure), 'Of many revokes: the first hundred that wait for an operator.')),
}

export const Operation = component(
  'Operation',
  'How a command is going that was answered with 202, and how it ended. Ask again after `Retry-After` until `status` is `Succeeded` or `Failed`.',
  z.object(operation),
  {
    id: 'rotate.vision.0b7c7c3e-58a1-4f0c-8d0a-2f0a4f6d9c11.mih2xk00.mi7w3s00',
    status: 'Running',
    target: 'vision',
    expiresAt: '2026-12-10T10:00:00.000Z',
    lastError: {
      code: 'Throttled',
      message: 'POST …/regenerateKey: 429',
      remedy: 'It is tried again after the time that the service names.',
      at: '2026-12-01T10:00:00.000Z',
    },
  },
)
export type Operation = Shown<typeof Operation>

export const AcceptedOperation = component(
  'AcceptedOperation',
  'The operation that an accepted command became. `Operation-Location` is where to follow it.',
  z.object({
    ...operation,
    request: z.optional(text("The id of the caller's request: `Repeatability-Request-ID`, or a new one.")),
    soFar: z.optional(Outcome),
    targets: z.optional(
      about(z.array(z.string()), 'Of many: the first hundred names, in the order in which they are carried out.'),
    ),
    ...leftOut,
  }),
)
export type AcceptedOperation = Shown<typeof AcceptedOperation>

const ListedOperation = component(
  'ListedOperation',
  'A request for many targets. `status` and `counts` are there once it has ended.',
  z.object({
    id: operation.id,
    kind,
    status: z.optional(status),
    createdAt: moment('When it was requested.'),
    expiresAt: moment('When it fails, if it is not done by then.'),
    actor: text('Who asked for it.'),
    note: z.optional(text('What they said.')),
    total: count('How many targets it has.'),
    counts: z.optional(Counts),
  }),
)
export type ListedOperation = Shown<typeof ListedOperation>

export const OperationCollection = component(
  'OperationCollection',
  'Requests for many targets, newest first.',
  collectionOf(ListedOperation, {}),
)
export type OperationCollection = Shown<typeof OperationCollection>
