// What was done to a key or to a version, by whom, and what that excuses.

/** What a run had read before it did something. */
export interface Knowledge {
  /** The listing showed the service as it was at this moment. */
  service: number
  /** The vault was read at this moment. */
  vault: number
}

export interface Deed {
  readonly at: number
  readonly what: string
  /** Why the engine is not to blame for what this deed breaks. Absent: it is. */
  readonly excuse?: string
  /** Why it may cut an overlap short: a revoke, a forced rotation. */
  readonly cuts?: string
  /** A late write of ours that it follows: the record of what was under way may have gone with the version that was replaced. */
  readonly misled?: string
  /** The run behind it, and whether a fault hit that: then what it did may not have been recorded. */
  readonly run?: { readonly troubled: boolean }
  /** Absent where an operator did it. */
  readonly knew?: Knowledge
}

/** Something done from outside: by an operator, at the service or in the vault. */
export function operatorDeed(at: number, what: string): Deed {
  return { at, what, excuse: `operator: ${what}` }
}
