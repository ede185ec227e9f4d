// `rekey health`: whether rotations can work, and what to do where they cannot.

import type { Body } from './app-client.ts'
import { defineCommand } from './command.ts'
import { exitCodes } from './ended.ts'
import { moment } from './fitted-table.ts'
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
      .get('health', {}, { also: [503] })
      .finally(progress.end)
    output.document(body)
    showHealth(output, body)
    return status === 200 ? undefined : exitCodes.failed
  },
})

function showHealth(output: Output, { status, configuration, problems, checks }: Body): void {
  const all: readonly Body[] = Array.isArray(checks) ? checks : []
  const wrong: readonly Body[] = Array.isArray(problems) ? problems : []
  output.list([
    ['status', status],
    ['targets', configuration?.targets],
    ['configuration', configuration?.version],
    ['since', moment(configuration?.appliedAt)],
    ...['kept', 'suspended', 'off'].map((name): [string, unknown] => [name, configuration?.[name]?.join?.(', ')]),
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
    output.text(`\n${lines.join('\n')}\nWhat to do: ${alike[0].error?.remedy}`)
  }
}

const columns = [
  { title: 'CHECK', of: ({ check }: Body) => check },
  { title: 'PLACE', of: ({ place }: Body) => place },
  { title: 'STATUS', of: ({ status }: Body) => status },
  { title: 'RESULT', of: ({ status, error, detail }: Body) => (status === 'failed' ? error?.code : detail), spare: 1 },
]

/** What passed is counted, by its kind: what stands before the colon. */
function rowsOf(alike: readonly Body[]): readonly Body[] {
  const right = alike.filter(({ status }) => status === 'ok')
  const others = alike.filter(({ status }) => status !== 'ok')
  if (right.length < 2) return alike
  return [{ check: kindOf(right[0]), place: `${right.length} of ${alike.length}`, status: 'ok' }, ...others]
}

function kindOf({ check }: Body): string {
  return String(check).split(':')[0]!
}
