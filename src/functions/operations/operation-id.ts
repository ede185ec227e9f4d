// The id of an operation contains everything needed to find out how it went. It grants nothing: whoever makes one up
// learns what GET /api/targets/{name} returns with the same key and role.

import type { KeySlot } from '../../engine/key-ring.ts'
import type { RotationRequest } from '../../engine/request.ts'
import type { Instant } from '../../engine/target.ts'
import type { ManyKind } from './many-targets.ts'

/** The state of one target that makes the operation succeed. */
export type Desired =
  | { readonly kind: 'rotate' | 'revoke' | 'repair'; readonly after: Instant }
  | { readonly kind: 'promote' | 'swap'; readonly slot: KeySlot; readonly from: string }

export interface TargetOperation {
  readonly target: string
  /** The id of the request, a UUID in lower case. */
  readonly request: string
  readonly expiresAt: Instant
  readonly desired: Desired
}

/** The longest id: some servers accept no longer path segment. */
const longest = 250

const moment = '[0-9a-z]{1,9}'
const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const head = `([0-9A-Za-z-]{1,63})\\.(${uuid})\\.(${moment})`
const timed = new RegExp(`^(rotate|revoke|repair)\\.${head}\\.(${moment})$`)
const moved = new RegExp(`^(promote|swap)\\.${head}\\.([0-9A-Za-z]{1,32})\\.([0-9A-Za-z]{1,64})$`)
const many = new RegExp(`^(rotations|revocations)\\.(${uuid})$`)

/** The id for a request of one target that was asked for over HTTP; undefined: the request has no desired state that can be followed. */
export function operationIdOf(request: RotationRequest): string | undefined {
  const desired = desiredOf(request)
  if (desired === undefined) return undefined
  const rest = 'after' in desired ? [stamp(desired.after)] : [desired.slot, desired.from]
  return [desired.kind, request.target, request.id, stamp(request.expiresAt), ...rest].join('.')
}

/** A list of targets that were requested together. */
export interface ManyOperation {
  readonly kind: ManyKind
  /** The id of the request, a UUID in lower case. */
  readonly many: string
}

/** The id for what was requested of many targets together. */
export function manyOperationId({ kind, many }: ManyOperation): string {
  return `${kind}.${many}`
}

/** What an id says; undefined for text that is not one. Safe for whatever a caller sends. */
export function parseOperationId(id: string): TargetOperation | ManyOperation | undefined {
  if (id.length > longest) return undefined
  const [, of, list] = many.exec(id) ?? []
  if (list !== undefined) return { kind: of as ManyKind, many: list }
  const [, kind, target, request, expires, slotOrMoment, from] = timed.exec(id) ?? moved.exec(id) ?? []
  if (target === undefined || request === undefined) return undefined
  const place = { target, request, expiresAt: Number.parseInt(expires!, 36) }
  return from === undefined
    ? { ...place, desired: { kind: kind as 'rotate', after: Number.parseInt(slotOrMoment!, 36) } }
    : { ...place, desired: { kind: kind as 'promote', slot: slotOrMoment!, from } }
}

function desiredOf({ createdAfter, revokeBefore, comparedAfter, promote, swap }: RotationRequest): Desired | undefined {
  if (revokeBefore !== undefined) return { kind: 'revoke', after: revokeBefore }
  if (promote !== undefined) return { kind: 'promote', ...promote }
  if (swap !== undefined) return { kind: 'swap', ...swap }
  if (createdAfter !== undefined) return { kind: 'rotate', after: createdAfter }
  if (comparedAfter !== undefined) return { kind: 'repair', after: comparedAfter }
  return undefined
}

function stamp(at: Instant): string {
  return Math.round(at).toString(36)
}
