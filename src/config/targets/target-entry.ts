// One entry of `targets`: its fields, its provider's fields, what it inherits from the defaults, and what it claims.

import type { CloudName } from '../../azure/clouds.ts'
import { plainly } from '../../azure/plain-issues.ts'
import { formatDuration } from '../../engine/duration.ts'
import { isReminder } from '../../engine/reminder.ts'
import { days, type Instant, type SecretName, type Target } from '../../engine/target.ts'
import type { KeyProvider, Place } from '../../providers/provider.ts'
import { type Finding, findingsOf, type Path } from './configuration-problems.ts'
import { nearest } from './nearest.ts'
import { isObject, type JsonObject, type Reading, readFields, refuseUnknown } from './read-fields.ts'
import { notOfReminders } from './reminder.ts'
import type { PolicyFields, TargetFields } from './target-fields.ts'
import { type Claimant, type Durations, durationFindings } from './target-relations.ts'

export interface Surroundings {
  readonly registry: readonly KeyProvider[]
  /** What targets may name. */
  readonly ids: readonly string[]
  readonly cloud: CloudName
  readonly vaultSuffix: string
  /** Where neither a target nor the defaults name one. */
  readonly vault?: string | undefined
  readonly now: Instant
}

export type Policy = Reading<PolicyFields>

/** What holds where neither the target nor the defaults say anything. */
const usual = {
  rotateEvery: days(60),
  validFor: days(90),
  overlap: days(2),
  probe: 'on',
  enabled: true,
} as const satisfies Policy['values']

/** What the target says, else what the defaults say, else what is usual; undefined where the one that counts is wrong. */
function settled<Name extends keyof PolicyFields>(name: Name, own: Policy, defaults: Policy): Policy['values'][Name] {
  const source = [own, defaults].find(({ given }) => given.has(name))
  return source ? source.values[name] : (usual as Policy['values'])[name]
}

/** The defaults' durations, and what is wrong among them. Judged as for a ring of two, which nearly all are. */
export function judgeDefaults(defaults: Policy, now: Instant): readonly Finding[] {
  const nothing: Policy = { values: {}, given: new Set() }
  const durations = durationsOf(nothing, defaults)
  return durationFindings({ durations, slots: 2, now, given: () => true, path: ['defaults'] })
}

function durationsOf(own: Policy, defaults: Policy) {
  return {
    rotateEvery: settled('rotateEvery', own, defaults),
    validFor: settled('validFor', own, defaults),
    overlap: settled('overlap', own, defaults),
    retireAfter: settled('retireAfter', own, defaults),
    window: settled('window', own, defaults),
  }
}

/** What entries of one document share. */
export interface Shared {
  readonly defaults: Policy
  readonly around: Surroundings
  readonly findings: Finding[]
  /** Built once for each provider: schemas are expensive. */
  fieldsOf(provider: KeyProvider | undefined): TargetFields
}

/** One entry as it was read, as far as it can be read. What it claims counts also where it is switched off, or wrong otherwise. */
export interface ReadEntry extends Claimant {
  /** Absent when something is wrong with it, which is then among the findings. */
  readonly target?: Target | undefined
}

/** Reads one entry, and adds what is wrong with it to the findings. */
export function readEntry(given: unknown, path: Path, shared: Shared): ReadEntry {
  const { defaults, findings } = shared
  const before = findings.length
  if (!isObject(given)) {
    findings.push({ path, message: 'must be an object', remedy: 'Write {"name": …, "provider": …, "secrets": …}.' })
    return { secrets: [] }
  }
  const provider = findProvider(given, path, shared)
  const fields = shared.fieldsOf(provider)
  const own = readFields(fields, given, path, findings)
  if (!own.given.has('vault') && !defaults.given.has('vault')) {
    findings.push({
      path: [...path, 'vault'],
      message: 'is missing',
      remedy: 'Set the vault here, in defaults for all, or in the app setting ROTATION_VAULT.',
    })
  }
  const common = ['provider', ...Object.keys(fields)]
  const resource = provider && readResource(provider, common, given, path, findings)
  if (provider?.fieldOfOutput) findings.push(...missingFields(provider.fieldOfOutput, own.values.secrets, given, path))
  if (provider && isReminder({ provider: provider.id })) findings.push(...reminderFindings(own, path))
  else judgeDurations(own, provider, path, shared)
  if (provider && resource) findings.push(...endingTooSoon(provider, resource, durationsOf(own, defaults), path))
  return {
    name: own.values.name,
    credential: resource?.place.credential || undefined,
    vault: settled('vault', own, defaults),
    secrets: Object.keys(own.values.secrets ?? {}),
    target: provider && resource && findings.length === before ? compose(own, defaults, provider, resource) : undefined,
  }
}

function findProvider(given: JsonObject, path: Path, { around, findings }: Shared): KeyProvider | undefined {
  const id = given['provider']
  const at = [...path, 'provider']
  const { ids } = around
  const found = around.registry.find((provider) => provider.id === id)
  if (!found) {
    const guess = typeof id === 'string' ? nearest(id, ids) : undefined
    const message = id === undefined ? 'is missing' : 'is not the id of a provider'
    findings.push({
      path: at,
      message,
      remedy: `${guess ? `Did you mean ${guess}? ` : ''}There are ${ids.join(', ')}.`,
    })
  } else if (!found.clouds.includes(around.cloud)) {
    const remedy = `Remove the target, or correct AZURE_CLOUD: the service exists in ${found.clouds.join(', ')}.`
    findings.push({ path: at, message: `does not exist in the cloud ${around.cloud}`, remedy })
  }
  return found
}

/** Outputs that the target cannot have without a field that it lacks. */
function missingFields(
  fieldOfOutput: NonNullable<KeyProvider['fieldOfOutput']>,
  secrets: Readonly<Record<string, string>> | undefined,
  given: JsonObject,
  path: Path,
): readonly Finding[] {
  return Object.entries(secrets ?? {}).flatMap(([secret, output]) => {
    const field = Object.hasOwn(fieldOfOutput, output) ? fieldOfOutput[output] : undefined
    if (field === undefined || Object.hasOwn(given, field)) return []
    const message = `holds the output "${output}", which needs the field "${field}"`
    return [{ path: [...path, 'secrets', secret], message, remedy: `Add "${field}", or choose another output.` }]
  })
}

/** An output that would end while a secret with it is valid, or while the key before the current one must stay valid. */
function endingTooSoon(
  provider: KeyProvider,
  { value }: Resource,
  { validFor, overlap }: Durations,
  path: Path,
): readonly Finding[] {
  const ends = provider.lifetime?.(value)
  if (ends === undefined || validFor === undefined || overlap === undefined) return []
  const least = validFor + overlap
  if (ends.lifetime >= least) return []
  const message = `"${ends.output}" would end after ${formatDuration(ends.lifetime)}, while secrets are valid for ${formatDuration(validFor)} and the one before stays valid for ${formatDuration(overlap)} more`
  const remedy = `Write ${formatDuration(least)} or more, or make validFor or overlap shorter.`
  return [{ path: [...path, ends.field], message, remedy }]
}

interface Resource {
  readonly value: unknown
  readonly place: Pick<Place, 'address' | 'credential' | 'lease'>
}

/** The provider's own fields. Keys that neither it nor any target has are refused here, where both are known. */
function readResource(
  provider: KeyProvider,
  common: readonly string[],
  given: JsonObject,
  path: Path,
  findings: Finding[],
): Resource | undefined {
  const theirs = Object.keys(provider.resource.shape)
  refuseUnknown(given, [...common, ...theirs], path, findings)
  const picked = Object.fromEntries(theirs.filter((key) => Object.hasOwn(given, key)).map((key) => [key, given[key]]))
  const parsed = provider.resource.safeParse(picked, plainly)
  if (parsed.success) return { value: parsed.data, place: placeIn(parsed.data, provider) }
  findings.push(...findingsOf(parsed.error.issues, path, provider.resource))
  return undefined
}

/**
 * The place in lower case, where case does not count. As a rule the address is the field as it was written, and the lease is the credential's: one
 * string for both, since there may be a hundred thousand of them.
 */
function placeIn(resource: unknown, provider: KeyProvider): Resource['place'] {
  const { address, credential, lease } = provider.place(resource)
  const lower = lease.toLowerCase()
  return {
    address: Object.values(Object(resource)).find((field): field is string => field === address) ?? address,
    credential: credential === lease ? lower : credential.toLowerCase(),
    lease: lower,
  }
}

/** What a reminder cannot have: nothing of it is made, tried or written. */
function reminderFindings({ given, values }: Reading<TargetFields>, path: Path): readonly Finding[] {
  const unused = notOfReminders.filter((name) => given.has(name))
  const findings: Finding[] = unused.map((name) => ({
    path: [...path, name],
    message: 'means nothing for a reminder: no key is made',
    remedy: 'Remove it.',
  }))
  if (Object.keys(values.secrets ?? {}).length > 1) {
    const message = 'names more than one secret, and a reminder is about one'
    findings.push({ path: [...path, 'secrets'], message, remedy: 'Write a reminder for each.' })
  }
  return findings
}

/** An unknown provider is assumed to have two slots, as nearly all have. */
function judgeDurations(own: Policy, provider: KeyProvider | undefined, path: Path, shared: Shared): void {
  const { around, defaults, findings } = shared
  const slots = provider?.slots.length ?? 2
  const durations = durationsOf(own, defaults)
  const given = (name: string) => own.given.has(name)
  findings.push(...durationFindings({ durations, slots, now: around.now, given, path }))
  if (slots === 1 && typeof own.values.retireAfter === 'number') {
    const message = `${provider?.title} has one key: there is no key before the current one to retire`
    findings.push({ path: [...path, 'retireAfter'], message, remedy: 'Remove it.' })
  }
}

function compose(
  own: Reading<TargetFields>,
  defaults: Policy,
  provider: KeyProvider,
  { value, place }: Resource,
): Target | undefined {
  const { name, initialSlot, adopt } = own.values
  const [lead, ...others] = Object.entries(own.values.secrets ?? {}).map(
    ([secret, output]): SecretName => ({ name: secret, output }),
  )
  const { rotateEvery, validFor, overlap, retireAfter, window } = durationsOf(own, defaults)
  const vault = settled('vault', own, defaults)
  // Each of these was reported where it is wrong: in the defaults, when nothing is wrong with the target itself.
  if (!name || !lead || !vault || !rotateEvery || !validFor || overlap === undefined) return undefined
  return {
    name,
    provider: provider.id,
    resource: value,
    address: place.address,
    lease: place.lease,
    vault,
    secrets: [lead, ...others],
    slots: provider.slots,
    rotateEvery,
    validFor,
    overlap,
    ...(typeof retireAfter === 'number' && provider.slots.length > 1 ? { retireAfter } : {}),
    ...(window ? { window } : {}),
    probe: settled('probe', own, defaults) ?? 'on',
    ...(initialSlot ? { initialSlot } : {}),
    adopt: adopt ?? false,
    enabled: settled('enabled', own, defaults) ?? true,
  }
}
