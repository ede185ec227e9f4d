// Plans: what would be done with one target now, and what the next tick of the schedule does with each.

import * as z from 'zod/mini'
import { EmbeddedError, notRead } from './error-schema.ts'
import { about, asOf, collectionOf, component, moment, type Shown, text } from './schema-parts.ts'
import { TargetStatus } from './target-schema.ts'

const AllowedCommand = component(
  'AllowedCommand',
  'Whether a command may be given now. Where it may not, the rest is of the problem that it would be answered with.',
  z.object({
    allowed: about(z.boolean(), 'Whether it would be carried out or queued.'),
    code: z.optional(text('The error code.', 'Cooling')),
    message: z.optional(text('Why not.')),
    remedy: z.optional(text('What to do about it.')),
    until: z.optional(moment('When it may be given.')),
  }),
)
export type AllowedCommand = Shown<typeof AllowedCommand>

export const TargetPlan = component(
  'TargetPlan',
  'What a run would do with a target now, by its service and its vault. It is read, and nothing is changed.',
  z.object({
    target: text('The name of the target.', 'vision'),
    enabled: about(z.boolean(), 'Whether targets.json has it switched on.'),
    slots: about(z.array(z.string()), 'The slots that the service has, in order.'),
    slot: z.optional(text('The active slot. Absent where the vault holds no live key.', 'Key1')),
    version: z.optional(text('The current version of its lead secret.')),
    dueAt: z.optional(moment('From when on it is to be rotated.')),
    reason: z.optional(text('Why something is to do, in a word. Absent where nothing is.', 'due')),
    until: z.optional(moment('Until then nothing can be done.')),
    steps: about(z.array(z.string()), 'What would be done, in order.', ['regenerate Key2', 'publish Key2', 'announce']),
    lastError: z.optional(EmbeddedError),
    commands: about(
      z.object({
        rotate: AllowedCommand,
        promote: AllowedCommand,
        swap: AllowedCommand,
        revoke: AllowedCommand,
        repair: AllowedCommand,
      }),
      'Which commands this caller may give now.',
    ),
  }),
)
export type TargetPlan = Shown<typeof TargetPlan>

const PlanEntry = component(
  'PlanEntry',
  'What the next tick of the schedule does with a target, by the tags of its secrets.',
  z.object({
    target: text('The name of the target.', 'vision'),
    status: TargetStatus,
    does: text('What it does.', 'nothing until it is due'),
    dueAt: z.optional(moment('From when on it is to be rotated.')),
    nextRotationAt: z.optional(moment('When the schedule rotates it.')),
  }),
)
export type PlanEntry = Shown<typeof PlanEntry>

export const PlanCollection = component(
  'PlanCollection',
  'A page of the plan.',
  collectionOf(PlanEntry, { asOf, notRead: z.optional(notRead) }),
)
export type PlanCollection = Shown<typeof PlanCollection>
