// `rekey plan`: what a run would do, for one target or all.

import type { AllowedCommand, PlanEntry, TargetPlan } from '../../src/functions/http/schemas/plan-schema.ts'
import { filterOptions, showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'
import { type Column, moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'
import { pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'what a run would do, and which commands are possible',
  words: '[<target>]',
  count: [0, 1],
  about:
    'One target is read now, at the service and in the vault. All of them are as the last tick of the schedule has seen them.',
  options: filterOptions,
  examples: ['plan', 'plan --status due', 'plan translator'],
  async run({ words: [name], app, options: { status, provider, vault, search }, output }) {
    const filters = { status, provider, vault, search }
    if (name === undefined) {
      const plan = await wholeOf<PlanEntry>(app(), 'plan', filters)
      return showCollection(output, plan, columns, ['target', 'targets'])
    }
    if (Object.values(filters).some((each) => each !== undefined))
      throw asUsage('filters are for the plan of all targets')
    const { body } = await app().get<TargetPlan>(`${pathOf(name)}/plan`)
    output.document(body)
    showPlan(output, body)
  },
})

const columns: readonly Column<Loose<PlanEntry>>[] = [
  { title: 'TARGET', of: ({ target }) => target },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'DOES', of: ({ does }) => does },
  { title: 'DUE', of: ({ dueAt }) => moment(dueAt), spare: 1 },
  { title: 'NEXT ROTATION', of: ({ nextRotationAt }) => moment(nextRotationAt), spare: 2 },
]

function showPlan(output: Output, plan: Loose<TargetPlan>): void {
  const { steps, lastError, commands } = plan
  output.list([
    ['target', plan.target],
    ['enabled', plan.enabled],
    ['slot', plan.slot],
    ['version', plan.version],
    ['due', moment(plan.dueAt)],
    ['reason', plan.reason],
    ['until', moment(plan.until)],
    ['last error', lastError && `${lastError.code}, ${moment(lastError.at)}`],
  ])
  const list = Array.isArray(steps) ? steps : []
  output.text(`\n${list.length === 0 ? 'A run would do nothing now.' : 'A run would now:'}`)
  for (const [at, step] of list.entries()) output.text(`  ${at + 1}. ${step}`)
  if (typeof commands !== 'object' || commands === null) return
  output.text('')
  output.table(
    [
      { title: 'COMMAND', of: ([verb]) => verb },
      { title: 'POSSIBLE', of: ([, { allowed }]) => allowed },
      { title: 'WHY NOT', of: ([, { allowed, code }]) => (allowed === true ? '' : code) },
      { title: 'UNTIL', of: ([, { until }]) => moment(until), spare: 1 },
      { title: 'DETAIL', of: ([, { allowed, message }]) => (allowed === true ? '' : message), spare: 2 },
    ],
    Object.entries(commands as Record<string, Loose<AllowedCommand>>),
  )
}
