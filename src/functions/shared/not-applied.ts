// A target whose entry in targets.json cannot be applied, and that is therefore not in force.

import type { App, NotApplied } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { joined, sentenceOf } from './excerpt.ts'

/** The target of this name, if it is named in targets.json and off or suspended. One that keeps its last valid definition is in force. */
export function notApplied(app: App, name: string): NotApplied | undefined {
  return app.configuration.notApplied.find((each) => each.target === name && each.standing !== 'kept')
}

/** Why such a target is not changed. Its message joins what is wrong with the entry. */
export function asNotApplied({ target, standing, problems }: NotApplied): RekeyError {
  const why = joined(problems.map(sentenceOf))
  const suspended = 'its last valid definition claims a secret or a credential that another target has now'
  const state =
    standing === 'suspended' ? `suspended, because ${suspended}` : 'off, because no valid definition is known'
  return new RekeyError('BadConfiguration', {
    target,
    message: `the entry in targets.json cannot be applied, and the target is ${state}: ${why}`,
    remedy: 'Correct the entry: it counts a minute later. GET /api/health lists every problem with its remedy.',
  })
}
