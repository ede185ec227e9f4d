// Health of the reminders: a secret that is not there, or is disabled, has no deadline, so nothing would ever be announced of it.

import { RekeyError } from '../../engine/rekey-error.ts'
import { atMost } from '../shared/at-most.ts'
import { joined, mostListed } from '../shared/excerpt.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import type { Check, Round } from './health-check.ts'

const check = 'reminders'

/** Of each vault with enabled reminders: which of them have no secret that could be renewed. `GET /secrets`, or each secret where they are few. */
export function checkReminders({ app, signal }: Pick<Round, 'app' | 'signal'>): Promise<readonly Check[]> {
  const enabled = app.reminders.filter((target) => target.enabled)
  return atMost(vaultCalls, [...byVault(enabled)], async ([place, targets]): Promise<Check> => {
    try {
      const secrets = await secretsOf(app.vault(place), targets, signal)
      const without = targets.filter(({ name }) => secrets.get(name)?.[0]?.enabled !== true)
      const detail = `${targets.length} reminders, each with a secret whose renewal is watched`
      return without.length === 0 ? { check, place, status: 'ok', detail } : withoutSecret(place, without.map(nameOf))
    } catch (error) {
      if (!(error instanceof RekeyError)) throw error
      // The check of the vault reports the same as a failure, with a remedy.
      return { check, place, status: 'unseen', detail: `the secrets cannot be read (${error.code})` }
    }
  })
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

function withoutSecret(place: string, names: readonly string[]): Check {
  return {
    check,
    place,
    status: 'warning',
    detail: `the secret is missing or disabled, so no renewal is ever announced: ${joined(names)} (${names.length} in all)`,
    remedy:
      'Store the secret, or enable it, or correct its name in targets.json. Set "enabled" to false for a reminder that is not needed.',
    targets: names.slice(0, mostListed),
  }
}
