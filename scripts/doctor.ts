// `npm run doctor`: checks whether rotations can work with this machine's settings, and says what to do where they
// cannot; `--json` prints the report as one JSON document. Changes nothing. Exit code 1 when a check failed.

import { flags } from '../simulator/local/flags.ts'
import { progressOn } from '../simulator/local/print-demo.ts'
import { composer } from '../src/compose.ts'
import { findSettings } from './doctor/doctor-settings.ts'
import { badConfiguration, examine, type Report } from './doctor/examine.ts'
import { show } from './doctor/print-report.ts'

async function diagnose(say: (text: string) => void): Promise<Report> {
  const found = findSettings(process.cwd(), process.env)
  if ('problem' in found) return badConfiguration(found.problem.path, [found.problem])
  // The identity library reads its own settings here.
  Object.assign(process.env, found.env)
  return await examine(composer({ env: found.env, readOnly: true }), found.from, say)
}

const usage = `npm run doctor [-- --json]

Checks everything that a rotation needs, with this machine's settings and sign-in. Changes nothing. Exit code 1 if a check fails.
  --json   the report as one JSON document
`
const { json } = flags(usage, { json: { type: 'boolean' } })
const progress = progressOn(process.stderr)
const report = await diagnose(progress.say)
progress.end()
process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : show(report))
process.exitCode = report.status === 'healthy' ? 0 : 1
