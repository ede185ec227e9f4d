// What is written to the vault: tags beside a version, or new current versions.

import type { Decided } from '../ages.ts'
import { iso } from '../duration.ts'
import type { KeySlot } from '../key-ring.ts'
import type { LeaseSession } from '../lease-session.ts'
import { missingOutput } from '../observe.ts'
import type { Clock, KeyHolder, SecretMetadata, Vault } from '../ports.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Context, isOurs, reached, type State } from '../state.ts'
import type { Reason, Stamps, StoredSecret } from '../stored-secret.ts'
import { type Duration, days, type Instant, type SecretName, type Target } from '../target.ts'

const day: Duration = days(1)

/** What is written of a version but its fields of our tag. */
interface Beside {
  readonly slot?: KeySlot
  readonly expiresOn?: Instant
}

/** Rewrites the tags of one secret's current version. */
export async function writeTags(
  state: State,
  context: Context,
  { name }: SecretName,
  stamps: Stamps,
  beside: Beside = {},
): Promise<State> {
  const written = await describeVersion(state.target, state.stored[name]!, stamps, beside, {
    ...context,
    clock: context.ports.clock,
  })
  return reached(context, state, { stored: { ...state.stored, [name]: written } })
}

interface Tools {
  readonly session: LeaseSession
  readonly vault: Vault
  readonly clock: Clock
  /** Absent: the version has an expiry. */
  readonly holder?: KeyHolder
}

/** A secret must not outlive what it holds. */
function notAfterEnd(expiresOn: Instant, slot: KeySlot, holder: Pick<KeyHolder, 'worksUntil'> | undefined): Instant {
  return Math.min(expiresOn, holder?.worksUntil?.(slot) ?? expiresOn)
}

/** Throws `NotSupported` where the slot's key is so old that what was made from it has ended: nobody could use it. */
function assertWorks(slot: KeySlot, { target }: State, { holder, ports }: Context): void {
  const end = holder.worksUntil?.(slot)
  if (end === undefined || end > ports.clock.now()) return
  throw new RekeyError('NotSupported', {
    target: target.name,
    step: 'publish',
    message: `what is made from the key in ${slot} has ended at ${iso(end)}, because the key is too old for it`,
    remedy: `Regenerate ${slot} at the service, or choose another output.`,
  })
}

/** Rewrites the tags of a version under the lease. `PATCH /secrets/{name}/{version}`. Throws RekeyError. */
export async function describeVersion(
  target: Target,
  stored: StoredSecret,
  stamps: Stamps,
  { slot = stored.slot ?? '', expiresOn }: Beside,
  { session, vault, clock, holder }: Tools,
): Promise<StoredSecret> {
  const { expiresOn: planned, ...metadata } = metadataFor(target, stored, slot, stamps, stored.note, clock.now())
  // Whoever adopts a secret without an expiry gives it one: `expiresOn` is always set.
  const expiry = expiresOn ?? (stored.expiresOn === undefined ? notAfterEnd(planned, slot, holder) : undefined)
  const wanted = { ...metadata, ...(expiry === undefined ? {} : { expiresOn: expiry }) }
  const written = await session.effect(({ signal }) => vault.describe(stored, wanted, signal))
  return { ...written, ...(stored.value ? { value: stored.value } : {}) }
}

/** Writes a slot's credential to every secret that does not hold it yet, the lead last: it is the commit record. */
export async function writeVersions(
  state: State,
  context: Context,
  slot: KeySlot,
  stamps: Stamps,
  note: string | undefined,
): Promise<State> {
  const { target, ring } = state
  const [lead] = target.secrets
  assertWorks(slot, state, context)
  let next = state
  for (const secret of leadLast(target)) {
    const value = ring[slot]![secret.output]
    if (!value) throw missingOutput(target, secret)
    const stored = next.stored[secret.name]
    const holds = value.equals(stored?.value)
    if (holds && secret === lead && isOurs(target, stored)) continue
    if (holds && secret !== lead) {
      next = await keep(next, context, secret, slot, stamps)
      continue
    }
    const marked = { ...stamps, ...coverageOf(next, secret) }
    const planned = metadataFor(target, stored, slot, marked, note, context.ports.clock.now())
    const metadata = { ...planned, expiresOn: notAfterEnd(planned.expiresOn, slot, context.holder) }
    const version = await context.session.effect(({ signal }) =>
      context.vault.publish(secret.name, value, metadata, signal),
    )
    next = reached(context, next, {
      stored: { ...next.stored, [secret.name]: version },
      changed: true,
      wroteLead: next.wroteLead || secret === lead,
    })
  }
  return next
}

/** A value that is the same for both slots needs no new version, but its expiry moves on with the others'. */
async function keep(state: State, context: Context, secret: SecretName, slot: KeySlot, stamps: Stamps): Promise<State> {
  const stored = state.stored[secret.name]!
  if (isOurs(state.target, stored) && stored.slot === slot) return state
  const behind = stored.stamps?.behind ? { behind: true as const } : {}
  const expiresOn = notAfterEnd(context.ports.clock.now() + state.target.validFor, slot, context.holder)
  return writeTags(state, context, secret, { ...stamps, ...behind }, { slot, expiresOn })
}

/** The order of writing: the lead last, for it is the commit record. */
export function leadLast(target: Target): readonly SecretName[] {
  return [...target.secrets].reverse()
}

/** Whether a version that is written now covers one that has to be announced, or that says so itself. */
export function coverageOf({ target, stored, earlier, lead }: State, { name }: SecretName): { readonly behind?: true } {
  const covered = isOurs(target, stored[name]) ? stored[name] : earlier[name]
  if (!covered?.stamps) return {}
  // An output that was written before the lead was announced with it.
  const own = name === target.secrets[0].name || (lead !== undefined && covered.created > lead.created)
  return covered.stamps.behind || (own && !covered.stamps.announced) ? { behind: true } : {}
}

/** The fields of a version that is written now: whose it is, why, what is known of probes, and that it is not announced yet. */
export function stampsFor(
  { target, request, elsewhere, stamps: before }: State,
  stamps: Decided,
  reason: Reason,
): Stamps {
  const proven = elsewhere ? undefined : before.proven
  // An interrupted publish is finished as what it was: then the stamps bring their reason and actor along.
  return {
    actor: request.actor,
    reason,
    ...(proven === undefined ? {} : { proven }),
    ...stamps,
    target: target.name,
    announced: false,
  }
}

export function withoutPending({ pending: _, ...stamps }: Stamps): Stamps {
  return stamps
}

/** What is written beside a secret's value. Nothing is inherited between versions: what others wrote is carried forward. */
export function metadataFor(
  target: Target,
  stored: StoredSecret | undefined,
  slot: KeySlot,
  stamps: Stamps,
  note: string | undefined,
  now: Instant,
): SecretMetadata {
  const { otherTags = {}, contentType } = stored ?? {}
  return {
    stamps,
    slot,
    address: target.address,
    validityDays: Math.ceil(target.validFor / day),
    expiresOn: now + target.validFor,
    otherTags,
    ...(note === undefined ? {} : { note }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}
