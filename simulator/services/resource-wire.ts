// Parts that answers about Resource Manager resources have in common.

import type { Dice } from '../dice.ts'

/** A resource's etag: quoted, different after each change. */
export function etagOf({ id, changes }: { readonly id: string; readonly changes: number }): string {
  let hash = 0
  for (const character of id) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  return `"${hex(hash)}-0000-0700-0000-${hex(changes)}0000"`
}

/** `systemData`: who created a resource, and when. Later changes to its keys do not show here. */
export function systemData(createdAt: number): object {
  const at = new Date(createdAt).toISOString()
  const by = { By: 'operator@contoso.example', ByType: 'User', At: at }
  const named = (what: string) =>
    Object.fromEntries(Object.entries(by).map(([name, value]) => [`${what}${name}`, value]))
  return { ...named('created'), ...named('lastModified') }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * A key as newer services make it: 84 letters and digits, `JQQJ99` from the 53rd, and the four letters of the service
 * before the last four.
 */
export function platformKey(dice: Dice, service: string): string {
  const letters = (count: number) =>
    Array.from({ length: count }, () => alphabet[Math.floor(dice.next() * alphabet.length)]).join('')
  return `${letters(52)}JQQJ99${letters(18)}${service}${letters(4)}`
}
