// A target that is not in force for now: its entry in targets.json cannot be applied, or the tags that make it do not count.

import { type App, type NotApplied, placeOfTagged } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { joined, sentenceOf } from './excerpt.ts'

/** The target of this name, if it is named in targets.json and off or suspended. One that keeps its last valid definition is in force. */
function notApplied(app: App, name: string): NotApplied | undefined {
  return app.configuration.notApplied.find((each) => each.target === name && each.standing !== 'kept')
}

/** Why such a target is not changed. Its message joins what is wrong with the entry. */
function asNotApplied({ target, standing, problems }: NotApplied): RekeyError {
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

/**
 * Why no target of this name is in force, where it may be one again without a new entry in targets.json: what was requested of it waits until
 * then. Undefined: it is in force, or there is none.
 */
export function notInForce(app: App, name: string): RekeyError | undefined {
  if (app.targetNamed(name) !== undefined) return undefined
  const off = notApplied(app, name)
  if (off !== undefined) return asNotApplied(off)
  const { notTaken, taggedUnread } = app
  const contested = notTaken.find(({ secret, contested }) => contested && secret.name === name)
  if (contested !== undefined) {
    const { secret, message, remedy } = contested
    return new RekeyError('BadConfiguration', { target: name, message: `${placeOfTagged(secret)}: ${message}`, remedy })
  }
  return taggedUnread && asUnread(taggedUnread)
}

/** Throws RekeyError where it is not known which targets tags make: a request for all, or for a vault's, would leave theirs out unseen. */
export function checkTagsRead({ taggedUnread }: App): void {
  if (taggedUnread !== undefined) throw asUnread(taggedUnread)
}

function asUnread({ message, remedy }: NonNullable<App['taggedUnread']>): RekeyError {
  return new RekeyError('BadConfiguration', { message, remedy })
}
