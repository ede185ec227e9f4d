// What is known of many targets at once: what the schedule read of them, and again those that were changed since.

import type { App } from '../../compose.ts'
import { comparedAt } from '../../engine/lease-metadata.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { clockBound, type Instant, settle, type Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import { latestChanges } from './changes.ts'
import { latestSnapshot, type Snapshot } from './latest-snapshot.ts'

/** How many changed targets are read again for one answer: the newest ones. */
const mostReadAgain = 100
/** How many vaults are read at once. */
const vaults = 16
/** What was changed so shortly before a reading may be missing from it: a listing lags, and clocks differ. */
const lag = settle + clockBound

/** What is known of a target. Neither `secrets` nor `code`: nothing, the schedule has not read it yet. */
export interface KnownTarget {
  readonly target: Target
  /** Lead first, as the vault showed them at `at`; undefined: there is no such secret. */
  readonly secrets?: readonly Listed[]
  readonly at?: Instant
  /** The code of the error for which its vault could not be read. */
  readonly code?: string
  readonly comparedAt?: Instant
}

/** What lists are made of. */
export interface Knowledge {
  /** When the schedule read the vaults; without a snapshot, now. */
  readonly asOf: Instant
  /** Without a snapshot no more targets than this are read for one answer. Absent: any number is known. */
  readonly most?: number
  /** What could not be read of the storage account: what is shown is older, or lacks something. */
  readonly notRead: readonly RekeyError[]
  of(targets: readonly Target[]): Promise<readonly KnownTarget[]>
}

/** What is read, or undefined where it cannot be: that is then among what is reported. */
type OrNothing = <Read>(reading: Promise<Read>) => Promise<Read | undefined>

/** What is known now. A storage account that is out of reach leaves the vaults themselves. */
export async function knowledge(app: App, signal: AbortSignal): Promise<Knowledge> {
  const notRead: RekeyError[] = []
  const orNothing: OrNothing = async (reading) => {
    try {
      return await reading
    } catch (thrown) {
      if (!(thrown instanceof RekeyError)) throw thrown
      notRead.push(thrown)
      return undefined
    }
  }
  const [snapshot, changes] = await Promise.all([
    orNothing(latestSnapshot(app.snapshot, signal)),
    orNothing(latestChanges(app, signal)),
  ])
  if (snapshot === undefined) {
    return { asOf: app.clock.now(), most: 1000, notRead, of: (targets) => readNow(app, targets, orNothing, signal) }
  }
  return {
    asOf: snapshot.takenAt,
    notRead,
    of: async (targets) => {
      const again = changedSince(snapshot, targets, changes ?? new Map())
      const read = new Map((await readAgain(app, again, signal)).map((known) => [known.target, known]))
      return targets.map((target) => read.get(target) ?? knownIn(snapshot, target))
    },
  }
}

function knownIn(snapshot: Snapshot, target: Target): KnownTarget {
  const compared = snapshot.comparedAt(target)
  return { target, ...snapshot.of(target), ...(compared === undefined ? {} : { comparedAt: compared }) }
}

/** Those of the targets that may have been changed after they were read, the newest change first. */
function changedSince(
  snapshot: Snapshot,
  targets: readonly Target[],
  changes: ReadonlyMap<string, Instant>,
): readonly Target[] {
  const byName = new Map(targets.map((target) => [target.name, target]))
  const changed = [...changes].flatMap(([name, at]) => {
    const target = byName.get(name)
    const isKnown = target === undefined || at < (snapshot.of(target)?.at ?? 0) - lag
    return isKnown || !target.enabled ? [] : [target]
  })
  return changed.slice(0, mostReadAgain)
}

/** Each secret by itself: a listing may not show the change yet. */
function readAgain(app: App, targets: readonly Target[], signal: AbortSignal): Promise<readonly KnownTarget[]> {
  return atMost(vaultCalls, targets, async (target) => {
    const at = app.clock.now()
    try {
      const vault = app.vault(target.vault)
      const [entries, ...secrets] = await Promise.all([
        app.leaseNotes.of(target.lease, signal),
        ...target.secrets.map(({ name }) => vault.current(name, signal)),
      ])
      const compared = comparedAt(target, entries)
      return { target, at, secrets, ...(compared === undefined ? {} : { comparedAt: compared }) }
    } catch (thrown) {
      return { target, at, code: codeOf(thrown) }
    }
  })
}

/** As everything is now, before the schedule has read it. */
async function readNow(
  app: App,
  targets: readonly Target[],
  orNothing: OrNothing,
  signal: AbortSignal,
): Promise<readonly KnownTarget[]> {
  const entriesOf = await orNothing(app.leaseNotes.all(signal))
  const known = await atMost(vaults, [...byVault(targets)], async ([url, ofVault]) => {
    const at = app.clock.now()
    try {
      const secrets = await secretsOf(app.vault(url), ofVault, signal)
      return ofVault.map((target) => ({ target, at, secrets: secrets.get(target.name) ?? [] }))
    } catch (thrown) {
      const code = codeOf(thrown)
      return ofVault.map((target) => ({ target, at, code }))
    }
  })
  const byTarget = new Map(known.flat().map((each) => [each.target, each]))
  return targets.map((target) => {
    const compared = comparedAt(target, entriesOf?.(target.lease))
    return { ...byTarget.get(target)!, ...(compared === undefined ? {} : { comparedAt: compared }) }
  })
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof RekeyError) return thrown.code
  throw thrown
}
