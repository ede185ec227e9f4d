// Errors: a whole answer that is one (a problem), and one inside an answer.

import * as z from 'zod/mini'
import { errorCodes } from '../../../engine/rekey-error.ts'
import { Outcome } from './outcome-schema.ts'
import { about, component, count, moment, type Shown, text } from './schema-parts.ts'

const ErrorCode = component(
  'ErrorCode',
  'A stable code. docs/reference/error-codes.md says what to do about each.',
  z.enum(errorCodes),
)

export const EmbeddedError = component(
  'EmbeddedError',
  'An error inside an answer. As `error` it is final; as `lastError` it is the last one of something that goes on.',
  z.object({
    code: text(
      'One of the error codes. Where it was read from a tag of the vault, it may be another text.',
      'PermissionDenied',
    ),
    message: text('What happened, in one sentence.', 'A permission is missing'),
    remedy: z.optional(text('What to do about it.')),
    at: z.optional(moment('When it happened.')),
    request: z.optional(text("The id of the caller's request that failed.")),
  }),
)

export type EmbeddedError = Shown<typeof EmbeddedError>

export const notRead = about(
  z.array(EmbeddedError),
  'What could not be read: the list lacks it, or shows what was known before.',
)

export const ConfigurationProblem = component(
  'ConfigurationProblem',
  'One mistake in the settings or in targets.json.',
  z.object({
    path: text('The JSON path in targets.json, or the name of the setting.', '$.targets[3].rotateEvery'),
    message: text('What is wrong.'),
    remedy: text('What to do about it.'),
    line: z.optional(about(z.int().check(z.positive()), 'The line of targets.json.')),
    target: z.optional(text('The name of the target, where it can be read.')),
  }),
)

const LeftOut = component(
  'LeftOut',
  'Targets that a request for many names and that are left out, for one reason.',
  z.object({ count: count('How many.'), targets: about(z.array(z.string()), 'The first hundred names.') }),
)

/** Why targets are left out of a request for many. */
export const leftOut = {
  disabled: z.optional(LeftOut),
  notApplied: z.optional(LeftOut),
  reminders: z.optional(LeftOut),
}

const ServiceAnswer = component(
  'ServiceAnswer',
  'What a service behind the app said, without its text.',
  z.object({
    operation: text('The REST operation.', 'POST …/regenerateKey'),
    status: z.optional(about(z.int(), 'Its HTTP status.')),
    code: z.optional(text("The service's own code.", 'AuthorizationFailed')),
    requestId: z.optional(text("The service's id of the request, for its support.")),
  }),
)

/** Referred to by its name: every error of every route is one. */
component(
  'Problem',
  'An error as RFC 9457 has it. The header `x-ms-error-code` repeats the code.',
  z.object({
    type: text('`urn:rekey:problem:<code>`', 'urn:rekey:problem:Cooling'),
    title: text('What the code means. It never changes.', 'The key before the current one must stay valid for a while'),
    status: about(z.int(), 'The HTTP status.'),
    code: ErrorCode,
    detail: text('What happened this time.'),
    remedy: z.optional(text('What to do about it.')),
    target: z.optional(text('The name of the target.')),
    step: z.optional(text('What the app was doing.', 'publish')),
    service: z.optional(ServiceAnswer),
    accepted: z.optional(about(z.literal(false), 'Of a command: it is not queued, and nothing will be done.')),
    until: z.optional(moment('Of `Cooling`: when the command can be sent again.')),
    outcome: z.optional(Outcome),
    targets: z.optional(about(z.array(z.string()), 'The names that the problem is about.')),
    problems: z.optional(about(z.array(ConfigurationProblem), 'Of `BadConfiguration`: the first hundred.')),
    problemCount: z.optional(count('How many problems there are.')),
    count: z.optional(count('Of `CountDiffers`: how many targets the request names now.')),
    ...leftOut,
  }),
  {
    type: 'urn:rekey:problem:Cooling',
    title: 'The key before the current one must stay valid for a while',
    status: 409,
    code: 'Cooling',
    detail:
      'consumers may still hold the key before the current one; it stays valid until 2026-12-03T10:01:00.000Z; nothing is queued',
    remedy:
      'Send the request again after that moment, or a rotation with {"force": true} if that key is no longer used.',
    target: 'vision',
    accepted: false,
    until: '2026-12-03T10:01:00.000Z',
  },
)
