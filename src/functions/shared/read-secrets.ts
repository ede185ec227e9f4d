// Reads the secrets of many targets: by listing a vault, or one by one.

import type { ListedSecret, ListedVault } from '../../azure/key-vault.ts'
import type { Target } from '../../engine/target.ts'
import { atMost } from './at-most.ts'

/** How many calls to one vault are under way at once: far below its limit of 400 a second. */
export const vaultCalls = 8

/**
 * The secrets of these targets, all of one vault: by target name, in the target's order; undefined: there is no such
 * secret. Tags and dates only. Lists the vault's secrets, 25 a page, until the pages without one of them are as many as
 * those still missing: then these are read singly, so that a vault full of unmanaged secrets costs no more than its
 * targets. A page with one on it does not count. Throws RekeyError.
 */
export async function secretsOf(
  vault: ListedVault,
  targets: readonly Target[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly (ListedSecret | undefined)[]>> {
  const found = await find(vault, targets, signal)
  const of = ({ name, secrets }: Target) =>
    [name, secrets.map((secret) => found.get(secret.name.toLowerCase()))] as const
  return new Map(targets.map(of))
}

/** By name in lower case, as vaults compare names. */
async function find(vault: ListedVault, targets: readonly Target[], signal: AbortSignal) {
  const missing = new Set(targets.flatMap(({ secrets }) => secrets.map(({ name }) => name.toLowerCase())))
  const found = new Map<string, ListedSecret>()
  const keep = (secret: ListedSecret) => {
    const name = secret.name.toLowerCase()
    if (missing.delete(name)) found.set(name, secret)
  }
  let fruitless = 0
  let complete = true
  for await (const page of vault.listCurrent(signal)) {
    const before = missing.size
    page.forEach(keep)
    // An empty page says nothing: Key Vault may begin with some, each with a link to the next.
    if (page.length > 0 && missing.size === before) fruitless += 1
    if (missing.size === 0 || fruitless >= missing.size) {
      complete = false
      break
    }
  }
  if (complete) return found
  await atMost(vaultCalls, [...missing], async (name) => {
    const secret = await vault.current(name, signal)
    if (secret !== undefined) keep(secret)
  })
  return found
}

/** Targets by the vault that they store their secrets in. */
export function byVault(targets: readonly Target[]): ReadonlyMap<string, readonly Target[]> {
  return Map.groupBy(targets, (target) => target.vault)
}
