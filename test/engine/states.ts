// States to decide on: that of a healthy target, and small changes to it, each named by what it means.

import assert from 'node:assert/strict'
import { checks, decide, type Step } from '../../src/engine/checks.ts'
import type { KeyRing } from '../../src/engine/key-ring.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { Secret } from '../../src/engine/secret.ts'
import { type State, stateOf } from '../../src/engine/state.ts'
import type { Reason, Stamps, StoredSecret } from '../../src/engine/stored-secret.ts'
import { days, type Instant, type Target } from '../../src/engine/target.ts'

/** A Monday at noon. */
export const now: Instant = Date.UTC(2026, 5, 1, 12)
export const published = now - days(10)
export const standbyMade = now - days(40)

export interface Draft {
  target: Target
  request: RotationRequest
  /** Key by slot. */
  keys: Record<string, string>
  stored: Record<string, StoredSecret | undefined>
  earlier: Record<string, StoredSecret | undefined>
  vaultRefused: boolean
  swapEndsOther?: true
}

export type Change = (draft: Draft) => void

const outputs = {
  lead: { name: 'lead', output: 'key' },
  connection: { name: 'connection', output: 'connectionString' },
  workspace: { name: 'workspace', output: 'workspaceId' },
} as const

export type Name = keyof typeof outputs

function credential(key: string): KeyRing[string] {
  return { key: Secret.of(key), connectionString: Secret.of(`connection=${key}`), workspaceId: Secret.of('workspace') }
}

/** What a secret holds when it holds this key. */
function valueFor(name: string, key: string): Secret {
  return credential(key)[outputs[name as Name].output]!
}

const stamps: Stamps = {
  target: 'target',
  rotatedAt: published,
  createdAfter: published,
  standbyCreatedAfter: standbyMade,
  announced: true,
  reason: 'due',
  actor: 'schedule',
}

export function stored(name: string, key: string): StoredSecret {
  return {
    name,
    version: `${name}-1`,
    value: valueFor(name, key),
    enabled: true,
    created: published,
    expiresOn: published + days(90),
    stamps,
    slot: 'A',
    address: '/stand/target',
    otherTags: {},
  }
}

/** Two slots, two outputs, rotated ten days ago into slot A, announced, nothing wanted: there is nothing to do. */
function healthy(): Draft {
  return {
    target: {
      name: 'target',
      provider: 'stand',
      resource: undefined,
      address: '/stand/target',
      lease: 'target',
      vault: 'https://stand.vault.azure.net',
      secrets: [outputs.lead, outputs.connection],
      slots: ['A', 'B'],
      rotateEvery: days(60),
      validFor: days(90),
      overlap: days(2),
      probe: 'on',
      adopt: false,
      enabled: true,
    },
    request: { id: 'r', target: 'target', actor: 'caller', expiresAt: now + days(7) },
    keys: { A: 'a', B: 'b' },
    stored: { lead: stored('lead', 'a'), connection: stored('connection', 'a') },
    earlier: {},
    vaultRefused: false,
  }
}

export function stateIn({ keys, ...draft }: Draft): State {
  const ring = Object.fromEntries(Object.entries(keys).map(([slot, key]) => [slot, credential(key)]))
  return stateOf({ ...draft, now, ring, reasons: [], changed: false, wroteLead: false })
}

/** The healthy target with these changes, in order. */
export function at(...changes: readonly Change[]): State {
  const draft = healthy()
  for (const change of changes) change(draft)
  return stateIn(draft)
}

/** The names of all checks that apply, in order: the first decides. */
export function hits(state: State): readonly string[] {
  return checks.filter(([, check]) => check(state) !== undefined).map(([name]) => name)
}

/** What is decided, where something is: why, and either what is done or until when it waits. */
export interface Found {
  readonly reason: Reason
  readonly step?: Step
  readonly until?: Instant
}

/** The decision on a state; undefined where nothing is to be done. */
export function found(state: State, without?: ReadonlySet<string>): Found | undefined {
  const { kind, ...decision } = decide(state, without)
  return kind === 'done' ? undefined : (decision as Found)
}

/** The decision on the healthy target with these changes. */
export function decided(...changes: readonly Change[]): Found {
  const decision = found(at(...changes))
  assert.ok(decision, 'nothing is to be done')
  return decision
}

export const wants =
  (desired: Partial<RotationRequest>): Change =>
  (draft) => {
    draft.request = { ...draft.request, ...desired }
  }

export const targetHas =
  (fields: Partial<Target>): Change =>
  (draft) => {
    draft.target = { ...draft.target, ...fields }
  }

/** A target of these outputs only, the first of them the lead. */
export const holds =
  (first: Name, ...others: Name[]): Change =>
  (draft) => {
    draft.target = { ...draft.target, secrets: [outputs[first], ...others.map((name) => outputs[name])] }
    draft.stored = Object.fromEntries([first, ...others].map((name) => [name, draft.stored[name] ?? stored(name, 'a')]))
  }

export const ringOfOne: Change = (draft) => {
  draft.target = { ...draft.target, slots: ['A'] }
  draft.keys = { A: 'a' }
}

const change =
  (fields: (secret: StoredSecret) => Partial<StoredSecret>) =>
  (name: Name): Change =>
  (draft) => {
    const secret = draft.stored[name] ?? stored(name, 'a')
    draft.stored[name] = { ...secret, ...fields(secret) }
  }

export const missing =
  (name: Name): Change =>
  (draft) => {
    draft.stored[name] = undefined
  }

/** The secret holds this key: `a`, `b`, or one that is dead. */
export const holding = (name: Name, key: string): Change => change(() => ({ value: valueFor(name, key) }))(name)

export const written = (name: Name, created: Instant): Change => change(() => ({ created }))(name)

export const marked = (name: Name, fields: Partial<StoredSecret>): Change => change(() => fields)(name)

/** Fields of our tag; undefined takes one away. */
export const stamped =
  (name: Name, fields: { [Field in keyof Stamps]?: Stamps[Field] | undefined }): Change =>
  (draft) => {
    const secret = draft.stored[name]!
    const all = Object.entries({ ...secret.stamps, ...fields }).filter(([, value]) => value !== undefined)
    draft.stored[name] = { ...secret, stamps: Object.fromEntries(all) as unknown as Stamps }
  }

/** It cannot be read; its tags are still there. */
export const disabled =
  (name: Name): Change =>
  (draft) => {
    const { value: _, ...rest } = draft.stored[name]!
    draft.stored[name] = { ...rest, enabled: false }
  }

/** Without any tag of ours, as another client writes it. */
export const untagged =
  (name: Name): Change =>
  (draft) => {
    const { stamps: _, slot: __, address: ___, ...rest } = draft.stored[name]!
    draft.stored[name] = rest
  }

/** The version of ours that another client has overwritten: it held this key. */
export const formerly =
  (name: Name, key: string, fields: Partial<StoredSecret> = {}): Change =>
  (draft) => {
    draft.earlier[name] = { ...stored(name, key), version: `${name}-0`, ...fields }
  }

/** A swap is several changes of the service, and the standby's key is refused in between. */
export const swapEndsOther: Change = (draft) => {
  draft.swapEndsOther = true
}

export const refusedByService: Change = (draft) => {
  draft.vaultRefused = true
}
