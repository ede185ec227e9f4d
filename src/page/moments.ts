// Times as an operator reads them: local, relative where that says more, with UTC in the title.

import { el } from './elements.ts'

const day = 86_400_000
const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', day],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })
const withTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** `3 days ago`, `in 2 hours`. */
export function fromNow(at: string | number, now = Date.now()): string {
  const distance = (typeof at === 'number' ? at : Date.parse(at)) - now
  const [unit, size] = units.find(([, each]) => Math.abs(distance) >= each) ?? ['minute', 60_000]
  const count = Math.trunc(distance / size)
  return count === 0 ? 'now' : relative.format(count, unit)
}

/** `24 Nov 2026, 14:05`, in local time. */
export function dateAndTime(at: string | number): string {
  return withTime.format(new Date(at))
}

/** `Tue 24 Nov`, in local time. */
export function dayOf(at: string | number): string {
  return weekday.format(new Date(at)).replace(',', '')
}

/** `14:05`, in local time. */
export function timeOf(at: string | number): string {
  return clockTime.format(new Date(at))
}

/** A time as an element; `shown` is how it is written. */
export function moment(at: string, shown: (at: string) => string = dateAndTime): HTMLTimeElement {
  const utc = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return el('time', { datetime: at, title: shown === fromNow ? `${dateAndTime(at)} (${utc})` : utc }, shown(at))
}

/** `2 days`, of `P2D`; what is not understood stays as it is. */
export function spanOf(duration: string): string {
  const parts = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration)
  if (parts === null) return duration
  const names = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second']
  const words = parts.slice(1).flatMap((count, index) => (count ? [plural(Number(count), names[index]!)] : []))
  return words.join(' ') || duration
}

/** `1 key`, `2 keys`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
