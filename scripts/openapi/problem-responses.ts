// The errors that routes answer with, by HTTP status: each lists its codes.

import { type ErrorCode, servicesCodes } from '../../src/engine/rekey-error.ts'
import { problems } from '../../src/functions/http/problem.ts'

/** Whatever the route. */
const always: readonly ErrorCode[] = ['BadRequest', 'UnsupportedApiVersionValue', 'Forbidden', 'CrossSite', 'Internal']

const command: readonly ErrorCode[] = ['UnsupportedMediaType', 'BodyTooLarge', 'Stopped', 'NotRepeatable']

/** What a route may answer, beside what it says itself. */
const errorGroups = {
  /** It reads nothing of Azure, and needs no valid configuration. */
  static: always,
  /** It reads the vault, the storage account or a service. */
  reading: [...always, 'BadConfiguration', ...servicesCodes],
  /** It reads those of one target. */
  ofTarget: [...always, 'BadConfiguration', 'UnknownTarget', 'NotSupported', ...servicesCodes],
  /** It may change one target. */
  targetCommand: [
    ...always,
    ...command,
    ...['BadConfiguration', 'UnknownTarget', 'NotSupported', 'Disabled', 'Busy', 'Unmanaged', 'Paused'],
    ...['FromTheFuture', 'RequestExpired'],
    ...servicesCodes,
  ] as readonly ErrorCode[],
  /** It may change many targets. */
  manyCommand: [
    ...always,
    ...command,
    ...(['BadConfiguration', 'UnknownTarget', 'NotSupported', 'Disabled'] as const),
    ...servicesCodes,
  ],
} as const satisfies Readonly<Record<string, readonly ErrorCode[]>>

export type ErrorGroup = keyof typeof errorGroups

/** The responses of a route, by status: those of its group, and its own where it has further codes. */
export function problemResponses(group: ErrorGroup, further: readonly ErrorCode[]): Readonly<Record<string, object>> {
  const shared = statusesOf(errorGroups[group]).map(([status]) => [status, referenceTo(nameOf(group, status))] as const)
  const own = statusesOf([...errorGroups[group], ...further]).filter(([, codes]) =>
    codes.some((code) => further.includes(code)),
  )
  const unauthorized = ['401', referenceTo('Unauthorized')] as const
  return Object.fromEntries([
    ...shared,
    ...own.map(([status, codes]) => [status, responseOf(codes)] as const),
    unauthorized,
  ])
}

/** The responses that the routes of a group share, by their names in components. */
export function sharedResponses(): Readonly<Record<string, object>> {
  const groups = Object.entries(errorGroups) as readonly (readonly [ErrorGroup, readonly ErrorCode[]])[]
  const named = groups.flatMap(([group, codes]) =>
    statusesOf(codes).map(([status, those]) => [nameOf(group, status), responseOf(those)] as const),
  )
  return Object.fromEntries(named)
}

function statusesOf(codes: readonly ErrorCode[]): readonly (readonly [status: number, codes: readonly ErrorCode[]])[] {
  return [...Map.groupBy(new Set(codes), (code) => problems[code][0])].toSorted(([a], [b]) => a - b)
}

function nameOf(group: ErrorGroup, status: number): string {
  return `${group[0]!.toUpperCase()}${group.slice(1)}${status}`
}

function referenceTo(name: string): object {
  return { $ref: `#/components/responses/${name}` }
}

function responseOf(codes: readonly ErrorCode[]): object {
  const listed = codes.map((code) => `\`${code}\`: ${problems[code][1]}.`)
  return {
    description: listed.join(' '),
    headers: {
      'x-ms-error-code': { $ref: '#/components/headers/ErrorCode' },
      'Retry-After': { $ref: '#/components/headers/RetryAfter' },
    },
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { code: { type: 'string', enum: codes } } },
          ],
        },
      },
    },
  }
}
