// Seeded randomness: the same seed gives the same run.

export interface Dice {
  /** At least 0, below 1. */
  next(): number
  bytes(length: number): Buffer
  /** Lower-case hex of `length` characters. */
  hex(length: number): string
  uuid(): string
  /** An independent stream, so that one consumer never shifts the numbers of another. */
  fork(name: string): Dice
}

/** Dice for a seed (mulberry32). Not for real keys: the seed determines every number. */
export function seededDice(seed: number): Dice {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(next() * 256)))
  const hex = (length: number) =>
    bytes(Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length)
  return {
    next,
    bytes,
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    fork: (name) => seededDice(mix(seed, name)),
  }
}

function mix(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  return hash >>> 0
}
