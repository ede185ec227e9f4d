// A Cosmos DB account: its four keys, the regenerate that goes on, and in which region which key is accepted.

import type { SimulatedClock } from '../clock.ts'
import type { KeySlots, ServiceHandle } from '../keys.ts'

export type Ring = 'readWrite' | 'readOnly'

/** The names of the keys in a listing, with the ring that each is of. */
export const masterKeys = {
  primaryMasterKey: 'readWrite',
  secondaryMasterKey: 'readWrite',
  primaryReadonlyMasterKey: 'readOnly',
  secondaryReadonlyMasterKey: 'readOnly',
} as const

export type MasterKey = keyof typeof masterKeys

/** A regenerate that goes on. All times are milliseconds since 1970. */
interface Regenerate {
  readonly id: string
  readonly slot: MasterKey
  readonly queuedUntil: number
  readonly succeedsAt: number
  /** When the listing shows the key and the first region accepts it: after the operation has succeeded. */
  readonly listedAt: number
  readonly fails: boolean
}

export interface CosmosAccount {
  readonly id: string
  readonly name: string
  readonly location: string
  /** The first one is written to. */
  readonly regions: readonly string[]
  readonly saysUpdating: boolean
  readonly createdAt: number
  readonly slots: KeySlots
  /** The keys that it was made with: known everywhere. */
  readonly firstKeys: readonly string[]
  /** By the name of the key: its `generationTime`. */
  readonly generated: Record<string, number>
  pending: Regenerate | undefined
  /** Keys of operations that have succeeded, not listed yet. */
  late: readonly { readonly slot: MasterKey; readonly at: number }[]
  /** How the finished operations ended. */
  readonly finished: Map<string, 'Succeeded' | 'Failed'>
  keysDisabled: boolean
}

/** How much later than the one before each further region accepts a new key: for more than 80 seconds it was seen to be refused. */
const nextRegionAfter = 90_000

/** The account as it is now: what was to be over by now is over. */
export function settled(account: CosmosAccount, now: number): CosmosAccount {
  const { pending, slots, generated, finished } = account
  if (pending !== undefined && now >= pending.succeedsAt) {
    account.pending = undefined
    finished.set(pending.id, pending.fails ? 'Failed' : 'Succeeded')
    if (!pending.fails) {
      generated[pending.slot] = pending.succeedsAt
      account.late = [...account.late, { slot: pending.slot, at: pending.listedAt }]
    }
  }
  const listed = account.late.filter(({ at }) => now >= at)
  account.late = account.late.filter(({ at }) => now < at)
  for (const { slot, at } of listed) slots.regenerate(slot, at)
  return account
}

export function isUnderWay({ pending }: CosmosAccount): boolean {
  return pending !== undefined
}

/** The keys that a region accepts now. */
export function acceptedIn(account: CosmosAccount, region: number, now: number): readonly string[] {
  const { slots, firstKeys, keysDisabled } = account
  if (keysDisabled) return []
  const isKnown = (key: string) => firstKeys.includes(key) || now >= slots.madeAt(key)! + region * nextRegionAfter
  return slots.accepted().filter(isKnown)
}

export interface RingHandle extends ServiceHandle {
  /** Switches local authentication of the account off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

/** The keys of one ring. `accepts`: in every region. */
export function ringHandle(account: CosmosAccount, ring: Ring, clock: SimulatedClock): RingHandle {
  const names: Record<string, MasterKey> =
    ring === 'readOnly'
      ? { primary: 'primaryReadonlyMasterKey', secondary: 'secondaryReadonlyMasterKey' }
      : { primary: 'primaryMasterKey', secondary: 'secondaryMasterKey' }
  const current = () => settled(account, clock.now())
  const keyOf = (slot: string) => current().slots.keyOf(names[slot] ?? slot)
  return {
    resourceId: ring === 'readOnly' ? `${account.id}/readOnlyKeys` : account.id,
    keys: () => ({ primary: keyOf('primary'), secondary: keyOf('secondary') }),
    keyOf,
    accepts: (key) => account.regions.every((_, region) => acceptedIn(current(), region, clock.now()).includes(key)),
    disableLocalAuth(disabled) {
      account.keysDisabled = disabled
    },
    regenerateByHand(slot) {
      const name = names[slot] ?? slot
      current().slots.regenerate(name)
      account.generated[name] = clock.now()
    },
    madeAt(key) {
      const at = account.slots.madeAt(key)
      if (at === undefined) throw new TypeError(`${account.id} never had this key`)
      return at
    },
  }
}
