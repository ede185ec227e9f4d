// The targets that a request for many names and that are left out, by reason: each counted, the first hundred named.

import { mostListed } from '../../shared/excerpt.ts'
import type { Selected } from './many-selection.ts'

/** Names that are left out for one reason. `targets`: the first hundred. */
export interface LeftOut {
  readonly count: number
  readonly targets: readonly string[]
}

/** Reasons without a name are absent. */
export function describeLeftOut({ disabled, notApplied, reminders }: Selected): Readonly<Record<string, LeftOut>> {
  const reasons = Object.entries({ disabled, notApplied, reminders }).filter(([, names]) => names.length > 0)
  return Object.fromEntries(reasons.map(([reason, names]) => [reason, leftOut(names)]))
}

function leftOut(names: readonly string[]): LeftOut {
  return { count: names.length, targets: names.slice(0, mostListed) }
}
