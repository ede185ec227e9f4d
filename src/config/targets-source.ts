// Keeps targets.json in memory: checked for a change at most once a minute, also while it cannot be read. What cannot be
// applied is reported, and the last valid definitions stay in force.

import { createHash } from 'node:crypto'
import type { AzureClients } from '../azure/clients.ts'
import type { StateBlob } from '../azure/state-blob.ts'
import type { Clock } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import type { Instant, Target } from '../engine/target.ts'
import type { Problem } from './targets/configuration-problems.ts'
import { applied, type Definition, type DiscoverInForce, type InForce, type NotApplied } from './targets/in-force.ts'
import { type LastValid, lastValidBlob, type Removal, textOf } from './targets/last-valid.ts'
import { failedHold, hold, type StoredRecord, storedRecord } from './targets/stored-record.ts'
import { blobReader, fileReader, type TextResult } from './targets/targets-text.ts'
import type { TargetsFile } from './targets.ts'

/** What is in force of targets.json, and what is not. */
export interface Configuration {
  readonly targets: readonly Target[]
  /** Of the file that is in force, wholly or partly: the blob's ETag, or a hash of the file. */
  readonly version: string
  readonly since: Instant
  /** What is wrong with the newest file. */
  readonly problems: readonly Problem[]
  /** Targets of the newest file whose entries cannot be applied. */
  readonly notApplied: readonly NotApplied[]
  /** Absent: no secret becomes a target by its tags. */
  readonly discover?: DiscoverInForce | undefined
  /** Known once it is recorded. */
  readonly removal?: Removal | undefined
}

/** A configuration, or why there is none: nothing valid is known. */
export type ReadTargets = Configuration | { readonly problems: readonly Problem[] }

export interface TargetsSource {
  /** The same object until something changes. Never throws. */
  read(): Promise<ReadTargets>
  /**
   * Ensures that the last valid file holds what is in force, and returns that with what only the record knows. For callers that
   * change targets or report on them; a plain read need not wait for the storage account. Throws RekeyError.
   */
  recorded(): Promise<ReadTargets>
}

export interface TargetsSourceSettings {
  /** `ROTATION_TARGETS`: a path, relative to `root`, or the https URL of a blob. */
  readonly location: string
  /** The app's folder. */
  readonly root: string
  readonly clock: Pick<Clock, 'monotonic' | 'now'>
  parse(text: string): TargetsFile | Promise<TargetsFile>
  /** Called only when the location is a blob. */
  azure(): AzureClients
  /** Where the last valid file is kept. */
  readonly state: StateBlob
  /** Whether this process may write there: the doctor may not. */
  readonly writes: boolean
}

/** What is in force, and whether it is recorded. */
interface Current extends InForce {
  readonly version: string
  readonly since: Instant
  readonly removal?: Removal | undefined
  /** It is in the record, or it was taken from there. */
  readonly recorded: boolean
  /** What was in force before could not be read when it was wanted: this is less than it should be, and must not be recorded. */
  readonly lacksRecord?: boolean
}

/** What was in force before: of this process or of the record, whichever is newer. `problem`: the record cannot be read. */
interface Former {
  readonly definitions: readonly Definition[]
  readonly current?: Current | undefined
  readonly problem?: Problem
}

/** What one reading of targets.json leads to. */
interface Result {
  readonly read: ReadTargets
  readonly current: Current | undefined
  /** The record was needed, and could not be read: it is requested again soon. */
  readonly lacksRecord: boolean
}

/** What a new file is judged with. */
interface Basis extends Pick<TargetsSourceSettings, 'parse' | 'clock'> {
  readonly record: StoredRecord
  /** What is in force now, in this process. */
  inForce(): Current | undefined
}

/** One source for the life of the process. */
export function targetsSource(settings: TargetsSourceSettings): TargetsSource {
  const { location, root, clock, parse, azure, state, writes } = settings
  const remote = location.startsWith('https://')
  const reader = remote ? blobReader(location, azure()) : fileReader(location, root)
  const record = storedRecord(state, clock, writes)
  /** The version that need not be read again; undefined: the next check reads the text again. */
  let known: string | undefined
  let current: Current | undefined
  let read: ReadTargets | undefined
  /** Until when a blob is not requested again. A file is checked each time: that costs nothing. */
  let until = Number.NEGATIVE_INFINITY
  const basis: Basis = { parse, clock, record, inForce: () => current }

  async function check(): Promise<ReadTargets> {
    const found = await reader(known)
    if (found.found === 'unchanged') {
      until = clock.monotonic() + hold
      return read!
    }
    const isText = found.found === 'text'
    const result = isText
      ? await accept(found.text, remote ? found.version : hashOf(found.text), basis)
      : await keepOn([asUnreadable(found)], basis)
    current = result.current
    known = isText && !result.lacksRecord ? found.version : undefined
    const hasFailed = result.lacksRecord || (!isText && !('targets' in result.read))
    until = clock.monotonic() + (hasFailed ? failedHold : hold)
    return result.read
  }

  async function write(): Promise<void> {
    if (current === undefined || current.recorded || current.lacksRecord) return
    const writing = current
    const written = await record.write(writing)
    if (written === undefined || current !== writing) return
    const { since, removal } = written
    current = { ...writing, since, removal, recorded: true }
    if (read && 'targets' in read) read = { ...read, since, removal }
  }

  const checked = shared(check)
  const recorded = shared(write)

  async function readNow(): Promise<ReadTargets> {
    if (remote && read && clock.monotonic() < until) return read
    read = await checked()
    return read
  }

  return {
    read: readNow,
    recorded: async () => {
      await readNow()
      await recorded()
      return read!
    },
  }
}

/** Applies a new text: wholly where it is valid; else its valid entries, and the last valid definitions of the others. */
async function accept(text: string, version: string, basis: Basis): Promise<Result> {
  const file = await basis.parse(text)
  if (file.problems.length === 0) {
    const current = { ...applied(file, []), version, since: sinceOf(version, basis), recorded: false }
    return { read: configurationOf(current, []), current, lacksRecord: false }
  }
  if (!file.usable) return await keepOn(file.problems, basis)
  const { definitions, problem } = await formerlyInForce(basis)
  const problems = [...file.problems, ...(problem ? [problem] : [])]
  const lacksRecord = problem !== undefined
  const since = sinceOf(version, basis)
  const current = { ...applied(file, definitions), version, since, recorded: false, lacksRecord }
  return { read: configurationOf(current, problems), current, lacksRecord }
}

/** Nothing can be taken from the newest file: what was in force stays so. */
async function keepOn(problems: readonly Problem[], basis: Basis): Promise<Result> {
  const { current, problem } = await formerlyInForce(basis)
  const said = [...problems, ...(problem ? [problem] : [])]
  const read = current ? configurationOf(current, said) : { problems: said }
  return { read, current, lacksRecord: problem !== undefined }
}

async function formerlyInForce({ inForce, record, parse }: Basis): Promise<Former> {
  const current = inForce()
  const own = { definitions: current?.definitions ?? [], current }
  try {
    const last = await record.read()
    const isNewer = current && !current.lacksRecord && last && current.since >= last.since
    if (last === undefined || isNewer) return own
    const definitions = await definitionsIn(last, parse)
    const targets = definitions.flatMap(({ target, suspended }) => (suspended ? [] : [target]))
    const { version, since, removal, discover } = last
    const taken = {
      ...(discover && { discover }),
      targets,
      definitions,
      notApplied: [],
      version,
      since,
      removal,
      recorded: true,
    }
    return { definitions, current: taken }
  } catch (thrown) {
    if (!(thrown instanceof RekeyError)) throw thrown
    return { ...own, problem: asProblem(thrown) }
  }
}

/** An instance that starts with what is recorded goes on with the moment that is recorded. */
function sinceOf(version: string, { inForce, record, clock }: Basis): Instant {
  const current = inForce()
  if (current?.version === version) return current.since
  const last = record.latest()
  return last?.version === version ? last.since : clock.now()
}

/** Runs once at a time: a caller that arrives meanwhile gets the result of the run that is under way. */
function shared<Done>(run: () => Promise<Done>): () => Promise<Done> {
  let running: Promise<Done> | undefined
  return () => {
    running ??= run().finally(() => {
      running = undefined
    })
    return running
  }
}

function configurationOf(current: Current, problems: readonly Problem[]): Configuration {
  const { targets, version, since, notApplied, removal, discover } = current
  return { targets, version, since, problems, notApplied, removal, discover }
}

/** The definitions of a record; what is no longer valid, in another cloud for instance, is left out. */
async function definitionsIn(record: LastValid, parse: TargetsSourceSettings['parse']): Promise<readonly Definition[]> {
  const files = await Promise.all(record.files.map((each) => parse(textOf(each))))
  return files.flatMap((file) => {
    const definitions = file.usable ? applied(file, []).definitions : []
    return definitions.map((definition): Definition => {
      return record.suspended.includes(definition.target.name) ? { ...definition, suspended: true } : definition
    })
  })
}

/** Names the version of a file that has no ETag: the same on every instance. targets.json holds no secrets. */
function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

function asUnreadable({ message, remedy }: TextResult & { found: 'nothing' }): Problem {
  return { path: 'ROTATION_TARGETS', message, remedy }
}

function asProblem({ message, details }: RekeyError): Problem {
  return {
    path: lastValidBlob,
    message: `the last valid definitions cannot be read: ${message}`,
    remedy:
      details.remedy ??
      'No action is needed: the app reads it again soon. Until then, targets whose entries are invalid are off.',
  }
}
