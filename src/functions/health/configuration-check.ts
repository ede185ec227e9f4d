// Health of the configuration: what is in force, and what is not.

import { type App, placeOfTagged } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { joined, sentenceOf } from '../shared/excerpt.ts'
import type { Check, Round } from './health-check.ts'

/** Tagged secrets that are no targets, where targets.json lets them be. */
export function checkTagged({ app }: Pick<Round, 'app'>): readonly Check[] {
  const { discover } = app.configuration
  if (discover === undefined) return []
  const about = { check: 'tagged secrets', place: discover.vaults.join(', ') }
  const [first] = app.notTaken
  if (first === undefined) return [{ ...about, status: 'ok', detail: 'each that has the tags is a target' }]
  const each = app.notTaken.map(({ secret, message }) => `${placeOfTagged(secret)}: ${message}`)
  return [{ ...about, status: 'warning', detail: `no target: ${joined(each)}`, remedy: first.remedy }]
}

/** Settings and targets.json; the record of the last valid file; a change that removed most targets. */
export async function checkConfiguration({ app, log }: Round): Promise<readonly Check[]> {
  const place = app.settings.targets
  try {
    const { removal } = await app.recorded()
    if (removal === undefined) return [inForce(app, place)]
    const detail = `${removal.removed} of ${removal.of} targets were removed by one change, first seen at ${iso(removal.at)}: nothing is rotated there any more`
    return [inForce(app, place), { check: 'configuration: removed targets', place, status: 'warning', detail }]
  } catch (thrown) {
    const { code, message, details } = asRekeyError(thrown, log)
    const remedy = details.remedy === undefined ? {} : { remedy: details.remedy }
    // Rotation continues. An account that cannot be reached fails the checks of the storage account as well.
    const detail = `what is in force cannot be recorded for other instances and the next start: ${message}`
    const about = {
      check: 'configuration: last valid file',
      place: 'container rekey-state',
      status: 'warning',
    } as const
    return [inForce(app, place), { ...about, code, detail, ...remedy }]
  }
}

function inForce({ problems, targets, reminders, configuration }: App, place: string): Check {
  const check = { check: 'configuration', place }
  if (problems.length > 0) {
    const detail = `not all of it is in force: ${joined(problems.map(sentenceOf))}`
    const remedy = 'Correct what "problems" lists, each with its remedy. What is not named there is in force.'
    return { ...check, status: 'failed', code: 'BadConfiguration', detail, remedy }
  }
  if (targets.length + reminders.length === 0 && configuration.discover === undefined) {
    const detail = 'targets.json names no target: nothing is rotated'
    const remedy = 'Add the targets to it, as in targets.sample.json.'
    return { ...check, status: 'failed', code: 'BadConfiguration', detail, remedy }
  }
  const enabled = targets.filter((target) => target.enabled).length
  const remind = reminders.length === 0 ? '' : `; ${reminders.length} reminders`
  return { ...check, status: 'ok', detail: `${targets.length} targets, ${enabled} enabled${remind}` }
}
