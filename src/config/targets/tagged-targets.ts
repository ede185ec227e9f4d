// Makes targets of tagged secrets. Tags are set by whoever may write the vault, so each is judged like an entry of targets.json, and what
// targets.json says always wins.

import type { Target } from '../../engine/target.ts'
import type { Entry, TargetsFile } from '../targets.ts'
import type { Configuration } from '../targets-source.ts'
import { isInScope } from './discover-field.ts'
import type { DiscoverInForce } from './in-force.ts'
import type { TaggedSecret } from './tagged-secrets.ts'

/** A tagged secret that is no target, and why. */
export interface NotTaken {
  readonly secret: TaggedSecret
  readonly message: string
  readonly remedy: string
  /** Another tagged secret wants what this one wants: what was rotated before may not be now. */
  readonly contested?: true
  /** As targets.json would have it. Absent: it could not be a target there either. */
  readonly entry?: Readonly<Record<string, unknown>>
}

export interface TaggedTargets {
  readonly targets: readonly Target[]
  readonly notTaken: readonly NotTaken[]
}

/** What tagged secrets are judged with. */
export interface Judging {
  readonly configuration: Pick<Configuration, 'targets' | 'notApplied'>
  readonly discover: DiscoverInForce
  parse(text: string): Promise<TargetsFile>
  /** What no two targets may have, without case. */
  credentialOf(target: Target): string
}

/** More than these are not taken: each costs a call of its service every day. */
const mostTaken = 5000

/** The targets of these secrets, those that were verified first. Never throws for what tags say. */
export async function taggedTargets(secrets: readonly TaggedSecret[], judging: Judging): Promise<TaggedTargets> {
  const { configuration, discover, parse } = judging
  const claimed = claimedBy(configuration)
  const inVaults = secrets.filter((secret) => discover.vaults.includes(secret.vault) && !claimed.secret(secret))
  // What was verified comes first: new tags must not push it out.
  const open = inVaults.toSorted((a, b) => Number(b.verified ?? false) - Number(a.verified ?? false))
  const candidates = open.slice(0, mostTaken).filter(({ provider }) => provider !== undefined)
  const entries = candidates.map(entryOf)
  const file = await parse(JSON.stringify({ defaults: discover.defaults, targets: entries }))
  const targets: Target[] = []
  const notTaken: NotTaken[] = open.flatMap((secret, index) => untaken(secret, index) ?? [])
  for (const [index, secret] of candidates.entries()) {
    const read = { secret, given: entries[index]!, entry: file.entries[index], file }
    const refused = refusal(read, judging, claimed)
    if (refused === undefined) targets.push(verifiedOrNot(read.entry!.target!, secret))
    else notTaken.push({ secret, ...refused })
  }
  return { targets, notTaken }
}

/** What can be said of a secret without reading it as a target. */
function untaken(secret: TaggedSecret, index: number): NotTaken | undefined {
  if (index >= mostTaken) {
    const message = `more than ${mostTaken} secrets have the tags of Microsoft's templates`
    return { secret, message, remedy: 'Write some of them into targets.json, or name fewer vaults in discover.vaults.' }
  }
  if (secret.provider !== undefined) return undefined
  const message = 'its tag ProviderAddress is not the id of a resource whose keys Rekey rotates'
  return { secret, message, remedy: 'Correct the tag, or remove it: then the secret is left alone.' }
}

/** Whole days, as the templates write them. */
const wholeDays = /^[1-9]\d{0,4}$/
/** How long before the expiry Key Vault warns, which is when the templates rotate. */
const nearExpiry = 30

/** The entry of targets.json that would say the same. What is no number of days stays as it is, and is refused for it. */
function entryOf({ vault, name, address, validity, provider }: TaggedSecret): Readonly<Record<string, unknown>> {
  const valid = wholeDays.test(validity) ? Number(validity) : undefined
  const every = valid && valid - Math.min(nearExpiry, Math.floor(valid / 2))
  const periods = valid === undefined ? {} : { rotateEvery: `P${every}D`, validFor: `P${valid}D` }
  return { name, provider, resource: address, vault, secrets: { [name]: 'key' }, ...periods }
}

interface Claimed {
  secret(secret: TaggedSecret): boolean
  name(name: string): boolean
  /** The targets with this lease. */
  leased(lease: string): readonly Target[]
}

/** What targets.json claims, entries that cannot be applied included. */
function claimedBy({ targets, notApplied }: Judging['configuration']): Claimed {
  const names = new Set([...targets.map(({ name }) => name), ...notApplied.map(({ target }) => target)].map(lower))
  const written = new Set(targets.flatMap(({ vault, secrets }) => secrets.map(({ name }) => lower(`${vault} ${name}`))))
  const unapplied = new Set(notApplied.flatMap(({ secrets }) => secrets.map(lower)))
  const byLease = Map.groupBy(targets, ({ lease }) => lease)
  return {
    secret: ({ vault, name }) => written.has(lower(`${vault} ${name}`)) || unapplied.has(lower(name)),
    name: (name) => names.has(lower(name)),
    leased: (lease) => byLease.get(lease) ?? [],
  }
}

function lower(text: string): string {
  return text.toLowerCase()
}

interface ReadSecret {
  readonly secret: TaggedSecret
  readonly given: NotTaken['entry'] & object
  /** Absent: the file as a whole could not be used. */
  readonly entry: Entry | undefined
  readonly file: TargetsFile
}

/** Why the secret is no target; undefined: it is one. */
function refusal(read: ReadSecret, judging: Judging, claimed: Claimed): Omit<NotTaken, 'secret'> | undefined {
  const { secret, given, entry } = read
  if (!wholeDays.test(secret.validity)) {
    const remedy = 'Write the days for which a version is valid, such as 60.'
    return { message: 'its tag ValidityPeriodDays is not a whole number of days', remedy }
  }
  if (entry?.target === undefined) return unreadable(read)
  const { target } = entry
  if (!target.slots.some((slot) => lower(slot) === lower(secret.slot))) {
    const remedy = `Write one of ${target.slots.join(', ')}: the slot whose key the secret holds.`
    return { message: 'its tag CredentialId is not a slot of the resource', remedy }
  }
  if (!isInScope(target.address, judging.discover)) {
    const message = 'the resource that its tag ProviderAddress names is not in discover.scopes'
    return { message, remedy: 'Add its scope, or write an entry for it into targets.json.', entry: given }
  }
  const same = claimed.leased(target.lease).find((other) => lower(judging.credentialOf(other)) === entry.credential)
  if (same !== undefined) {
    const message = `the target "${same.name}" of targets.json has the same credential`
    return { message, remedy: `Add the secret to the entry of "${same.name}", or remove its tags.` }
  }
  if (!claimed.name(secret.name)) return undefined
  const message = 'targets.json has a target of the same name'
  return { message, remedy: 'Write an entry with another name for this secret.', entry: given }
}

/** It could not be an entry of targets.json: something is wrong with it, or another tagged secret claims the same. */
function unreadable({ secret, entry, file }: ReadSecret): Omit<NotTaken, 'secret'> {
  const alike = (one: Entry) => one !== entry && one.credential !== undefined && one.credential === entry?.credential
  const namesake = (one: Entry) => one !== entry && lower(one.name ?? '') === lower(secret.name)
  if (file.entries.some(alike)) {
    const message =
      'another tagged secret names the same resource: each would regenerate the key that the other has just published'
    return {
      contested: true,
      message,
      remedy: 'Remove the tags of one of them, or write an entry with both into targets.json.',
    }
  }
  if (file.entries.some(namesake)) {
    const message = 'a tagged secret of another vault has the same name, which is the name of the target'
    return { contested: true, message, remedy: 'Write an entry for one of them into targets.json, with another name.' }
  }
  const [first = file.problems[0]] = entry?.problems ?? []
  const message = `its tags make no valid target: ${first?.message ?? 'discover and defaults do not fit together'}`
  return { message, remedy: first?.remedy ?? 'Correct defaults in targets.json.' }
}

function verifiedOrNot(target: Target, { verified }: TaggedSecret): Target {
  return verified ? target : { ...target, unverified: true }
}

/** For log lines and answers: which secret it is. */
export function placeOf({ vault, name }: TaggedSecret): string {
  return `${vault}/secrets/${name}`
}
