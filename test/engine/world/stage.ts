// What every part of the world shares in one history.

import type { RotationRequest } from '../../../src/engine/request.ts'
import type { Target } from '../../../src/engine/target.ts'
import type { blackouts, CallKind, fates, refusals } from './call-faults.ts'
import type { Knowledge } from './deeds.ts'
import type { Ledger } from './ledger.ts'
import type { Messages } from './messages.ts'
import type { Random } from './random.ts'
import type { Service } from './service.ts'
import type { Watch } from './watch.ts'
import type { Time } from './words.ts'
import type { MemoryVault } from './world-vault.ts'

/** What the service can do, and how. */
export interface Traits {
  readonly probe: boolean
  /** A write says which state it was made from, and is refused if there is a newer one. */
  readonly etag: boolean
  /** A regenerate changes every slot. */
  readonly both: boolean
  /** A regenerate is an operation of a minute, and is polled; `unreadable`: its polls are refused. */
  readonly operations: 'none' | 'readable' | 'unreadable' | 'of hours'
}

export interface Stage {
  readonly time: Time
  readonly dice: Random
  readonly target: Target
  readonly traits: Traits
  readonly service: Service
  readonly vault: MemoryVault
  readonly messages: Messages
  readonly watch: Watch
  readonly ledger: Ledger
  readonly course: ReturnType<typeof fates>
  readonly blackouts: ReturnType<typeof blackouts>
  readonly refusals: ReturnType<typeof refusals>
  readonly skew: number
  readonly without: ReadonlySet<string>
  log(line: string): void
}

export interface Worker {
  readonly id: number
  readonly skew: number
  busy: boolean
}

/** One reconcile by one worker. */
export interface Run {
  readonly id: number
  readonly worker: Worker
  readonly request: RotationRequest
  readonly started: number
  /** What the engine said it was acting on. */
  reason: string
  /** A regenerate of this run is not recorded yet. */
  open: boolean
  crashed: boolean
  /** The call under way does not go as calls should; some call of this run did not. */
  disturbed: boolean
  troubled: boolean
  readonly refused: Set<CallKind>
  /** It has released its lease. */
  letGo: boolean
  readonly knew: Knowledge
  /** The regenerates that were sent: slot and reason. */
  readonly sent: string[]
}
