// `rekey health`: whether rotations can work, and what to do where they cannot.

import type { Health, HealthCheck } from '../../src/functions/http/schemas/health-schema.ts'
import { defineCommand } from './command.ts'
import { exitCodes } from './ended.ts'
import { type Column, moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'

export const command = defineCommand({
  summary: 'whether every service can be reached and every right is granted',
  about: 'Exit code 1 if something is wrong; each failure has the line that mends it. Changes nothing.',
  options: {},
  examples: ['health', 'health --json'],
  async run({ app, output }) {
    const progress = output.progress()
    progress.say('Checking…')
    const { status, body } = await app()
      .get<Health>('health', {}, { also: [503] })
      .finally(progress.end)
    output.document(body)
    showHealth(output, body)
    return status === 200 ? undefined : exitCodes.failed
  },
})

type Check = Loose<HealthCheck>

/** Targets whose entry in targets.json is not in force. */
const standings = ['kept', 'suspended', 'off'] as const

function showHealth(output: Output, { status, configuration, problems, checks }: Loose<Health>): void {
  const all = Array.isArray(checks) ? (checks as readonly Check[]) : []
  const wrong = Array.isArray(problems) ? (problems as NonNullable<typeof problems>) : []
  output.list([
    ['status', status],
    ['targets', configuration?.targets],
    ['configuration', configuration?.version],
    ['since', moment(configuration?.appliedAt)],
    ...standings.map((name): [string, unknown] => [name, configuration?.[name]?.join?.(', ')]),
  ])
  for (const problem of wrong)
    output.text(
      `\nPROBLEM ${[problem.path, problem.message].filter(Boolean).join(': ')}\nWhat to do: ${problem.remedy}`,
    )
  if (all.length > 0) {
    output.text('')
    output.table(columns, [...Map.groupBy(all, kindOf).values()].flatMap(rowsOf))
  }
  const failed = all.filter((each) => each.status === 'failed')
  for (const alike of Map.groupBy(failed, ({ error }) => `${error?.code}\n${error?.remedy}`).values()) {
    const lines = alike.map(
      ({ check, place, error }) => `FAILED ${check}, ${place}: ${error?.message} (${error?.code})`,
    )
    output.text(`\n${lines.join('\n')}\nWhat to do: ${alike[0]?.error?.remedy}`)
  }
}

const columns: readonly Column<Check>[] = [
  { title: 'CHECK', of: ({ check }) => check },
  { title: 'PLACE', of: ({ place }) => place },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'RESULT', of: ({ status, error, detail }) => (status === 'failed' ? error?.code : detail), spare: 1 },
]

/** What passed is counted, by its kind: what stands before the colon. */
function rowsOf(alike: readonly Check[]): readonly Check[] {
  const right = alike.filter(({ status }) => status === 'ok')
  const others = alike.filter(({ status }) => status !== 'ok')
  const [first] = right
  if (first === undefined || right.length < 2) return alike
  return [{ check: kindOf(first), place: `${right.length} of ${alike.length}`, status: 'ok' }, ...others]
}

function kindOf({ check }: Check): string {
  return String(check).split(':')[0]!
}
