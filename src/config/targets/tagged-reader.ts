// Which tagged secrets are targets now: the record of what was found, judged with targets.json.

import { RekeyError } from '../../engine/rekey-error.ts'
import { isReminder } from '../../engine/reminder.ts'
import type { Target } from '../../engine/target.ts'
import type { TargetsFile } from '../targets.ts'
import type { Configuration } from '../targets-source.ts'
import type { Problem } from './configuration-problems.ts'
import { type TaggedSecretsSource, taggedSecretsBlob } from './tagged-secrets.ts'
import { type TaggedTargets, taggedTargets } from './tagged-targets.ts'

/** `problem`: the record of tagged secrets cannot be read, so none of them is a target for now. */
export type Tagged = TaggedTargets & { readonly problem?: Problem }

const noneTagged: Tagged = { targets: [], notTaken: [] }

/** Judges tagged secrets again where they, or targets.json, have changed. `credentialOf`: the credential of a target that is no reminder. */
export function taggedReader(
  source: TaggedSecretsSource,
  parse: (text: string) => Promise<TargetsFile>,
  credentialOf: (target: Target) => string,
): (configuration: Configuration) => Promise<Tagged> {
  let known: { readonly of: readonly unknown[]; readonly tagged: Tagged } | undefined
  return async (configuration) => {
    const { discover } = configuration
    if (discover === undefined) return noneTagged
    const secrets = await source.read().catch(asRekeyErrorOnly)
    if (secrets instanceof RekeyError) {
      // The same object for the same failure, so that the app is not made anew with each call.
      if (known?.of[0] !== secrets) known = { of: [secrets], tagged: { ...noneTagged, problem: unreadTagged(secrets) } }
      return known.tagged
    }
    if (known?.of[0] === secrets && known.of[1] === configuration) return known.tagged
    const tagged = await taggedTargets(secrets, {
      configuration,
      discover,
      parse,
      credentialOf: (target) => (isReminder(target) ? '' : credentialOf(target)),
    })
    known = { of: [secrets, configuration], tagged }
    return tagged
  }
}

function asRekeyErrorOnly(thrown: unknown): RekeyError {
  if (thrown instanceof RekeyError) return thrown
  throw thrown
}

function unreadTagged({ message, details }: RekeyError): Problem {
  return {
    path: taggedSecretsBlob,
    message: `no secret is a target by its tags for now: ${message}`,
    remedy: details.remedy ?? 'No action is needed: the app reads the record again soon.',
  }
}
