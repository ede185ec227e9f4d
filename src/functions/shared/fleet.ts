// Room: the doorways. Reads the leads of many targets: by listing a vault, or one by one.

import type { ListedSecret, ListedVault } from '../../azure/key-vault.ts'
import { leadOf, type Target } from '../../rotation/target.ts'
import { atMost } from './at-most.ts'

/** How many calls to one vault are under way at once: far below its limit of 400 a second. */
export const vaultCalls = 8

/**
 * The leads of these targets, all of one vault, by target name; absent: there is no such secret. Tags and dates only.
 * Lists the vault's secrets, 25 a page, until the pages without a lead are more than the leads still missing: then those are
 * read singly, so that a vault full of other people's secrets costs no more than its targets. A page with a lead on it has
 * paid for itself. Throws RekeyError.
 */
export async function leadsOf(
  vault: ListedVault,
  targets: readonly Target[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ListedSecret>> {
  const missing = new Map(targets.map((target) => [leadOf(target).name.toLowerCase(), target]))
  const found = new Map<string, ListedSecret>()
  const keep = (secret: ListedSecret) => {
    const target = missing.get(secret.name.toLowerCase())
    if (target === undefined) return
    found.set(target.name, secret)
    missing.delete(secret.name.toLowerCase())
  }
  let fruitless = 0
  let complete = 'yes'
  for await (const page of vault.listCurrent(signal)) {
    const before = missing.size
    page.forEach(keep)
    if (missing.size === before) fruitless += 1
    if (missing.size === 0 || fruitless >= missing.size) {
      complete = 'no'
      break
    }
  }
  if (complete === 'yes') return found
  await atMost(vaultCalls, [...missing.values()], async (target) => {
    const lead = await vault.current(leadOf(target).name, signal)
    if (lead !== undefined) keep(lead)
  })
  return found
}

/** Targets by the vault that they store their secrets in. */
export function byVault(targets: readonly Target[]): ReadonlyMap<string, readonly Target[]> {
  return Map.groupBy(targets, (target) => target.vault)
}
