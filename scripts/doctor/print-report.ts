// Prints the doctor's report: a table, then every failure with what to do.

import { columns } from '../../simulator/local/columns.ts'
import type { Check } from '../../src/functions/health/health-check.ts'
import { sentenceOf } from '../../src/functions/shared/excerpt.ts'
import type { Report } from './examine.ts'

const states: Readonly<Record<Check['status'], string>> = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  unseen: 'not checked',
}
/** More passed rows of one kind than this are only counted. */
const mostAlike = 20
/** Of a file with thousands of problems the first are enough to begin with. */
const mostProblems = 100
const widest = { place: 60, detail: 100 }

/** The report as text, with a line break at its end. */
export function show(report: Report): string {
  const parts = [`Settings: ${report.settings}`]
  if (report.problems.length > 0) parts.push(report.problems.slice(0, mostProblems).map(problem).join('\n'))
  if (report.checks.length > 0) parts.push(table(report.checks))
  const failures = failuresOf(report.checks)
  if (failures.length > 0) parts.push(failures.join('\n\n'))
  return `${[...parts, verdict(report)].join('\n\n')}\n`
}

function problem({ remedy, ...about }: Report['problems'][number]): string {
  return `FAILED  ${sentenceOf({ remedy, ...about })}\n        ${remedy}`
}

function table(checks: readonly Check[]): string {
  const rows = [...Map.groupBy(checks, ({ check }) => check).values()].flatMap(rowsOf)
  return columns([['CHECK', 'PLACE', 'STATE', 'RESULT'], ...rows])
}

function rowsOf(checks: readonly Check[]): readonly (readonly string[])[] {
  const right = checks.filter(({ status }) => status === 'ok')
  const [first] = right
  if (first === undefined || right.length <= mostAlike) return checks.map(row)
  const others = checks.filter(({ status }) => status !== 'ok')
  return [...others.map(row), [first.check, `${right.length} of ${checks.length}`, states.ok, '']]
}

function row({ check, place, status, detail = '', code }: Check): readonly string[] {
  // Failures have their own paragraphs below.
  return [
    check,
    shortened(place, widest.place),
    states[status],
    status === 'failed' ? (code ?? '') : shortened(detail, widest.detail),
  ]
}

/** The end of an ARM id is the part that identifies the resource. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  return text.startsWith('/') ? `…${text.slice(1 - most)}` : `${text.slice(0, most - 1)}…`
}

/** One paragraph for each remedy, with every place that it applies to. */
function failuresOf(checks: readonly Check[]): readonly string[] {
  const failed = checks.filter(({ status }) => status === 'failed')
  const alike = Map.groupBy(failed, ({ check, code, remedy }) => `${check}\n${code}\n${remedy ?? ''}`)
  return [...alike.values()].map((group) => {
    const { code, remedy } = group[0]!
    const lines = group.map((each) => `FAILED  ${each.check}, ${each.place}${concerning(each)}: ${each.detail}`)
    return [...lines, `        ${code}. ${remedy === undefined ? '' : `What to do:\n        ${remedy}`}`].join('\n')
  })
}

function concerning({ targets = [], place }: Check): string {
  if (targets.every((name) => place.startsWith(`${name} `))) return ''
  const rest = targets.length - 5
  return ` (${targets.slice(0, 5).join(', ')}${rest > 0 ? ` and ${rest} more` : ''})`
}

function verdict({ status, failed, unseen }: Report): string {
  const hidden =
    unseen === 0 ? '' : ` ${unseen} ${unseen === 1 ? 'thing' : 'things'} could not be checked from outside.`
  if (status === 'healthy') return `All checks passed. Nothing was changed.${hidden}`
  return `${failed} ${failed === 1 ? 'thing needs' : 'things need'} fixing. Nothing was changed.${hidden}`
}
