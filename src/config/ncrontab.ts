// NCRONTAB, as the Functions host reads it: six fields, seconds first. Checked here, because the host does not report a wrong
// schedule: it does not start the timer. A schedule of five fields it runs 60 times as often as was meant.
// Not checked by a library: croner, like most, accepts what the host refuses (five fields, L, W, #) and does not say which field
// is wrong. It also adds 33 kB to a cold start.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Names of the values, from the least on. */
  readonly names?: readonly string[]
}

const fields: readonly Field[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: months },
  { name: 'day of the week', least: 0, most: 6, names: weekdays },
]

/** What is wrong with a schedule, and what to write instead; undefined: nothing is. */
export function scheduleProblem(schedule: string): { readonly message: string; readonly remedy: string } | undefined {
  const texts = schedule.trim().split(/\s+/)
  if (texts.length === 5) {
    const remedy = `Put the seconds in front: 0 ${texts.join(' ')}`
    return { message: 'has five fields; the Functions host expects six, and would read the minutes as seconds', remedy }
  }
  if (texts.length !== 6) {
    const message = 'does not have six fields: second, minute, hour, day, month, weekday'
    return { message, remedy: 'Write for example 0 */15 * * * * for every 15 minutes.' }
  }
  for (const [index, field] of fields.entries()) {
    const message = fieldProblem(texts[index]!, field)
    if (message) return { message: `${field.name}: ${message}`, remedy: rangeOf(field) }
  }
  if (!/^\d+$/.test(texts[0]!)) {
    const remedy = 'Write one second, such as 0, in the first field.'
    return { message: 'would run more than once a minute, before a run is over', remedy }
  }
  return undefined
}

function rangeOf({ least, most, names }: Field): string {
  const named = names ? ` or ${names.join(', ')}` : ''
  return `Write *, a number from ${least} to ${most}${named}, a range a-b, a step */n, or a list of these with commas.`
}

function fieldProblem(text: string, field: Field): string | undefined {
  return text
    .split(',')
    .map((part) => partProblem(part, field))
    .find((problem) => problem !== undefined)
}

function partProblem(part: string, field: Field): string | undefined {
  const [range = '', step, ...more] = part.split('/')
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return 'a step is a number from 1'
  if (range === '*') return undefined
  // Read differently from cron to cron: as from that value on, as that value alone, or not at all.
  if (step !== undefined && !range.includes('-')) return 'a step needs * or a range before it'
  const ends = range.split('-').map((end) => numberOf(end, field))
  const [from, to = from] = ends
  if (ends.length > 2 || from === undefined || to === undefined) return 'contains something that is not a value'
  if (from < field.least || to > field.most) return 'contains a value out of range'
  return from > to ? 'contains a range that runs backwards' : undefined
}

function numberOf(text: string, { names, least }: Field): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  return named < 0 ? undefined : named + least
}
