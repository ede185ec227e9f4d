// Durations as Key Vault's own policies write them, ISO 8601 of a fixed length; and instants.

import type { Duration, Instant } from './target.ts'

/** What is wrong with a text, and what to write instead. */
export interface DurationProblem {
  readonly message: string
  readonly remedy: string
}

const unit = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1000 } as const
const shape = /^P(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/
/** A century: longer ones are slips of the finger, and would overflow the arithmetic of dates. */
const longest: Duration = 36_525 * unit.D

const howTo = 'Write days, hours, minutes or seconds, such as P60D, P2W, PT12H, P1DT6H or PT30M.'

/**
 * Parses an ISO 8601 duration of weeks alone, or of days, hours, minutes and seconds, in whole numbers. Gives
 * milliseconds, or what is wrong. Years and months are refused: they have no fixed length.
 */
export function parseDuration(text: string): Duration | DurationProblem {
  if (/^P[\dYMWD]*[YM]/.test(text)) {
    return { message: 'years and months have no fixed length', remedy: 'Write days, such as P30D or P365D.' }
  }
  const parts = shape.exec(text)
  if (!parts || text === 'P') return { message: 'this is no ISO 8601 duration', remedy: howTo }
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((digits) => Number(digits ?? 0))
  const total = weeks! * unit.W + days! * unit.D + hours! * unit.H + minutes! * unit.M + seconds! * unit.S
  if (total > longest) return { message: 'this is longer than a century', remedy: howTo }
  return total
}

/** An ISO 8601 duration in days, hours, minutes and seconds; `PT0S` for none. Fractions of a second are rounded. */
export function formatDuration(duration: Duration): string {
  const whole = Math.round(duration / unit.S) * unit.S
  const days = Math.floor(whole / unit.D)
  const hours = Math.floor((whole % unit.D) / unit.H)
  const minutes = Math.floor((whole % unit.H) / unit.M)
  const seconds = (whole % unit.M) / unit.S
  const date = days ? `${days}D` : ''
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${seconds ? `${seconds}S` : ''}`
  if (!date && !time) return 'PT0S'
  return `P${date}${time && `T${time}`}`
}

/** An instant as everything outside the core writes it: ISO 8601, UTC. */
export function iso(at: Instant): string
export function iso(at: Instant | undefined): string | undefined
export function iso(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}
