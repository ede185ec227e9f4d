// The bodies of requests in the OpenAPI document: the schemas that the commands validate with, and what is said of each field.

import type * as z from 'zod/mini'
import { moveBody } from '../../src/functions/http/commands/promote-target.ts'
import { repairBody } from '../../src/functions/http/commands/repair-target.ts'
import { revokeBody } from '../../src/functions/http/commands/revoke-target.ts'
import { rotateBody } from '../../src/functions/http/commands/rotate-target.ts'
import { revocationsBody } from '../../src/functions/http/commands/start-revocations.ts'
import { rotationsBody } from '../../src/functions/http/commands/start-rotations.ts'

const note = 'Why, in one line. It goes into the event and into a tag of the secret: never write a secret into it.'
const atOnce = 'Replace every slot in one call, where the service can.'
const selection = {
  targets: 'The names of targets, or `all`. Exactly one of `targets`, `vault`, `subscription` and `provider` is sent.',
  vault: 'All targets with their secrets in this vault: its address.',
  subscription: 'All targets with their resources in this subscription: its id.',
  provider: 'All targets of this provider: its id.',
}

interface RequestBody {
  readonly schema: z.ZodMiniObject
  readonly description: string
  /** Of each field. */
  readonly fields: Readonly<Record<string, string>>
  readonly example: object
}

function requestBody<Shape extends z.core.$ZodShape>(
  schema: z.ZodMiniObject<Shape>,
  description: string,
  fields: Readonly<Record<keyof Shape, string>>,
  example: object,
): RequestBody {
  return { schema: schema as unknown as z.ZodMiniObject, description, fields, example }
}

/** By their names in the document. */
export const requestBodies = {
  RotateRequest: requestBody(
    rotateBody,
    'What a rotation is asked to do.',
    { note, force: 'Do not wait until the overlap of the rotation before has passed: consumers of that key fail.' },
    { note: 'planned' },
  ),
  MoveRequest: requestBody(
    moveBody,
    'What a promote or a swap is asked to do.',
    { from: 'The `version` that the target shows: if it has changed meanwhile, nothing is done.', note },
    { from: '5f1d0c6a9b8e4f3a8c7d6e5f4a3b2c1d', note: 'roll back' },
  ),
  RevokeRequest: requestBody(
    revokeBody,
    'What a revoke is asked to do.',
    { note: `${note} Required.`, atOnce },
    { note: 'seen in a log' },
  ),
  RepairRequest: requestBody(repairBody, 'What a repair is asked to do.', { note }, { note: 'restored from a backup' }),
  RotationsRequest: requestBody(
    rotationsBody,
    'Which targets are rotated.',
    { ...selection, note },
    { targets: ['vision', 'chat'], note: 'before the audit' },
  ),
  RevocationsRequest: requestBody(
    revocationsBody,
    'Which targets are revoked.',
    {
      ...selection,
      note: `${note} Required, but for a dry run.`,
      dryRun: 'Only say which targets these are.',
      count: 'The `count` of the dry run. If it is another one by now, nothing is done.',
      atOnce,
    },
    { vault: 'https://kv-contoso.vault.azure.net', note: 'the vault leaked', count: 12 },
  ),
} as const satisfies Readonly<Record<string, RequestBody>>

export type RequestBodyName = keyof typeof requestBodies
