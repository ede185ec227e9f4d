// Every route of the OpenAPI document: what it is for, what it takes, and what it answers. A test compares it with the functions
// that the app registers, and with the roles that they accept.

import type * as z from 'zod/mini'
import type { ErrorCode } from '../../src/engine/rekey-error.ts'
import { CandidateCollection } from '../../src/functions/http/schemas/candidate-schema.ts'
import { Health } from '../../src/functions/http/schemas/health-schema.ts'
import { HistoryCollection } from '../../src/functions/http/schemas/history-schema.ts'
import { AcceptedOperation, Operation, OperationCollection } from '../../src/functions/http/schemas/operation-schema.ts'
import { Outcome } from '../../src/functions/http/schemas/outcome-schema.ts'
import { PlanCollection, TargetPlan } from '../../src/functions/http/schemas/plan-schema.ts'
import { ProviderCollection } from '../../src/functions/http/schemas/provider-schema.ts'
import { RevocationDryRun } from '../../src/functions/http/schemas/revocation-schema.ts'
import { Target, TargetCollection } from '../../src/functions/http/schemas/target-schema.ts'
import type { ErrorGroup } from './problem-responses.ts'
import type { RequestBodyName } from './request-bodies.ts'

export interface RouteEntry {
  readonly method: 'get' | 'post'
  /** Below the app's address. */
  readonly path: string
  readonly tag: 'Targets' | 'Commands' | 'Many targets' | 'Operations' | 'App'
  readonly summary: string
  readonly description: string
  /** The least role that may call it; `open`: no key and no sign-in is needed. */
  readonly role: 'Rekey.Read' | 'Rekey.Rotate' | 'Rekey.Revoke' | 'open'
  /** Names of parameters in components, beside `api-version`. */
  readonly parameters?: readonly string[]
  readonly body?: RequestBodyName
  readonly answers: readonly Answer[]
  readonly errors: ErrorGroup
  /** Errors beside those. */
  readonly codes?: readonly ErrorCode[]
}

interface Answer {
  readonly status: 200 | 202 | 503
  /** Absent: another content. */
  readonly schema?: z.ZodMiniType
  readonly content?: 'text/html' | 'application/openapi'
  /** Also as CSV, where the caller asks for it. */
  readonly csv?: true
  readonly description: string
  readonly headers?: readonly string[]
}

const accepted: Answer = {
  status: 202,
  schema: AcceptedOperation,
  description: 'The queue carries it out, or finishes it. `Operation-Location` is where to follow it.',
  headers: ['OperationLocation', 'RetryAfter', 'RepeatabilityResult'],
}
const done: Answer = {
  status: 200,
  schema: Outcome,
  description: 'Done.',
  headers: ['RepeatabilityResult'],
}
const repeatable = ['RepeatabilityRequestId', 'RepeatabilityFirstSent']
const targetFilters = ['StatusFilter', 'ProviderFilter', 'VaultFilter', 'Search', 'SkipToken']
const ofCommand = ['TargetName', ...repeatable, 'Prefer']

/** By the name of the function, which is the operation's id. */
export const routeTable: Readonly<Record<string, RouteEntry>> = {
  listTargets: {
    method: 'get',
    path: '/api/targets',
    tag: 'Targets',
    summary: 'List the targets',
    description:
      'Every target by name, reminders among them: status, due date, last failure, as the schedule saw them last. Up to 1,000 a page.',
    role: 'Rekey.Read',
    parameters: targetFilters,
    answers: [{ status: 200, schema: TargetCollection, description: 'A page of targets.' }],
    errors: 'reading',
  },
  showTarget: {
    method: 'get',
    path: '/api/targets/{name}',
    tag: 'Targets',
    summary: 'Show a target',
    description: 'One target with its versions, settings, due date and last failure, by the tags of its secrets.',
    role: 'Rekey.Read',
    parameters: ['TargetName'],
    answers: [{ status: 200, schema: Target, description: 'The target.' }],
    errors: 'ofTarget',
  },
  planTarget: {
    method: 'get',
    path: '/api/targets/{name}/plan',
    tag: 'Targets',
    summary: 'Say what a run would do with a target now',
    description:
      'By reading its service and its vault, which shows drift as well. `commands` says which commands this caller may give now, and why not.',
    role: 'Rekey.Read',
    parameters: ['TargetName'],
    answers: [{ status: 200, schema: TargetPlan, description: 'The plan. Nothing is changed.' }],
    errors: 'ofTarget',
  },
  targetHistory: {
    method: 'get',
    path: '/api/targets/{name}/history',
    tag: 'Targets',
    summary: "List the versions of a target's secrets",
    description: 'Newest first, the hundred newest of each secret: when, why, by whom. Never a value.',
    role: 'Rekey.Read',
    parameters: ['TargetName', 'Format'],
    answers: [{ status: 200, schema: HistoryCollection, csv: true, description: 'The versions.' }],
    errors: 'ofTarget',
  },
  listHistory: {
    method: 'get',
    path: '/api/history',
    tag: 'Targets',
    summary: "List the versions of all targets' secrets",
    description: 'A page of targets at a time; of each, newest first. As CSV for an audit.',
    role: 'Rekey.Read',
    parameters: ['Format', 'SkipToken'],
    answers: [
      { status: 200, schema: HistoryCollection, csv: true, description: 'A page of versions.', headers: ['Link'] },
    ],
    errors: 'reading',
  },
  listPlan: {
    method: 'get',
    path: '/api/plan',
    tag: 'Targets',
    summary: 'List what the next tick does',
    description: 'What the next tick of the schedule does with each target, by the tags of its secrets.',
    role: 'Rekey.Read',
    parameters: targetFilters,
    answers: [{ status: 200, schema: PlanCollection, description: 'A page of the plan.' }],
    errors: 'reading',
  },
  rotateTarget: {
    method: 'post',
    path: '/api/targets/{name}/rotate',
    tag: 'Commands',
    summary: 'Rotate a key',
    description:
      'A new key becomes the current one. The key before it stays valid for the overlap; until that has passed, another rotation is 409 `Cooling`.',
    role: 'Rekey.Rotate',
    parameters: ofCommand,
    body: 'RotateRequest',
    answers: [done, accepted],
    errors: 'targetCommand',
    codes: ['Cooling'],
  },
  promoteTarget: {
    method: 'post',
    path: '/api/targets/{name}/promote',
    tag: 'Commands',
    summary: "Promote the other slot's key",
    description: "A roll-back: the other slot's present key becomes the current one. No key is made.",
    role: 'Rekey.Rotate',
    parameters: ofCommand,
    body: 'MoveRequest',
    answers: [done, accepted],
    errors: 'targetCommand',
    codes: ['Drifted', 'Superseded'],
  },
  swapTarget: {
    method: 'post',
    path: '/api/targets/{name}/swap',
    tag: 'Commands',
    summary: 'Exchange the slots at the service',
    description: 'Where the service can: the active key moves to the other slot, and the vault keeps its value.',
    role: 'Rekey.Rotate',
    parameters: ofCommand,
    body: 'MoveRequest',
    answers: [done, accepted],
    errors: 'targetCommand',
    codes: ['Cooling', 'Drifted', 'Superseded'],
  },
  repairTarget: {
    method: 'post',
    path: '/api/targets/{name}/repair',
    tag: 'Commands',
    summary: 'Compare a target with its service, and repair drift',
    description:
      'A key that the service no longer accepts is replaced by one that works. No key is made that is only due.',
    role: 'Rekey.Rotate',
    parameters: ofCommand,
    body: 'RepairRequest',
    answers: [done, accepted],
    errors: 'targetCommand',
  },
  revokeTarget: {
    method: 'post',
    path: '/api/targets/{name}/revoke',
    tag: 'Commands',
    summary: 'Revoke every key of a target',
    description:
      'An emergency: no slot keeps a key older than now. Consumers fail until they read the new key. A revoke waits for whatever prevents it.',
    role: 'Rekey.Revoke',
    parameters: ofCommand,
    body: 'RevokeRequest',
    answers: [done, accepted],
    errors: 'targetCommand',
  },
  startRotations: {
    method: 'post',
    path: '/api/rotations',
    tag: 'Many targets',
    summary: 'Rotate the keys of many targets',
    description: "One operation for all. It is paced so that no service's limit is hit.",
    role: 'Rekey.Rotate',
    parameters: repeatable,
    body: 'RotationsRequest',
    answers: [accepted],
    errors: 'manyCommand',
  },
  startRevocations: {
    method: 'post',
    path: '/api/revocations',
    tag: 'Many targets',
    summary: 'Revoke the keys of many targets',
    description:
      "As after the leak of a vault: in the order listed, at the services' whole limits. A dry run says how many they are; the request repeats that count.",
    role: 'Rekey.Revoke',
    parameters: repeatable,
    body: 'RevocationsRequest',
    answers: [
      {
        status: 200,
        schema: RevocationDryRun,
        description: 'Of a dry run. Nothing is changed.',
        headers: ['RepeatabilityResult'],
      },
      accepted,
    ],
    errors: 'manyCommand',
    codes: ['CountDiffers'],
  },
  listOperations: {
    method: 'get',
    path: '/api/operations',
    tag: 'Operations',
    summary: 'List the requests for many targets',
    description: 'Rotations and revocations of the last two weeks, newest first.',
    role: 'Rekey.Read',
    parameters: ['SkipToken'],
    answers: [{ status: 200, schema: OperationCollection, description: 'A page of them.' }],
    errors: 'reading',
  },
  showOperation: {
    method: 'get',
    path: '/api/operations/{id}',
    tag: 'Operations',
    summary: 'Show how an accepted command is going',
    description: 'The address is in `Operation-Location` of the 202. Every operation ends as `Succeeded` or `Failed`.',
    role: 'Rekey.Read',
    parameters: ['OperationId'],
    answers: [
      {
        status: 200,
        schema: Operation,
        description: 'The operation. `Retry-After` is there while it goes on.',
        headers: ['RetryAfter'],
      },
    ],
    errors: 'reading',
    codes: ['UnknownOperation'],
  },
  listCandidates: {
    method: 'get',
    path: '/api/candidates',
    tag: 'App',
    summary: 'Find what is not rotated yet',
    description:
      'Resources that have keys, let them in, and are no target, each with the entry of targets.json that adds it.',
    role: 'Rekey.Read',
    parameters: ['ProviderFilter', 'SubscriptionFilter', 'SkipToken'],
    answers: [{ status: 200, schema: CandidateCollection, description: 'A page of candidates.' }],
    errors: 'reading',
  },
  listProviders: {
    method: 'get',
    path: '/api/providers',
    tag: 'App',
    summary: 'List what can be rotated',
    description: 'Of each provider its slots, outputs, fields, rights and limit. Needs no valid configuration.',
    role: 'Rekey.Read',
    answers: [{ status: 200, schema: ProviderCollection, description: 'All providers.' }],
    errors: 'static',
  },
  health: {
    method: 'get',
    path: '/api/health',
    tag: 'App',
    summary: 'Check the configuration, the vaults and the rights',
    description:
      'Every failure has the line that mends it. Changes no key and no secret. Needs no valid configuration.',
    role: 'Rekey.Read',
    answers: [
      { status: 200, schema: Health, description: 'Healthy.' },
      { status: 503, schema: Health, description: 'Something is wrong.' },
    ],
    errors: 'static',
  },
  showOpenapi: {
    method: 'get',
    path: '/api/openapi.json',
    tag: 'App',
    summary: 'Get this document',
    description: 'With the address of this app in `servers`. Needs no valid configuration.',
    role: 'Rekey.Read',
    answers: [{ status: 200, content: 'application/openapi', description: 'The OpenAPI document.' }],
    errors: 'static',
  },
  page: {
    method: 'get',
    path: '/api/page',
    tag: 'App',
    summary: 'Open the page for operators',
    description: 'HTML without data or rights of its own, which calls the other routes.',
    role: 'open',
    answers: [{ status: 200, content: 'text/html', description: 'The page.' }],
    errors: 'static',
  },
}
