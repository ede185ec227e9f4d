// The scenarios of the crash matrix: what runs when the crash comes.

import type { RotationRequest } from '../../src/engine/request.ts'
import { days, minutes } from '../../src/engine/target.ts'
import type { Estate } from './crash-estate.ts'

export interface Scenario {
  readonly name: string
  /** Brings the estate to where the scenario begins, and says what is asked for. */
  begin(estate: Estate): Promise<RotationRequest>
  /** The most regenerates that it may take without a crash. */
  readonly regenerations: (slots: number) => number
  /** The keys die at once, by intention. */
  readonly cuts?: true
}

async function adopted(estate: Estate): Promise<void> {
  await estate.settle(estate.request({ actor: 'adoption' }))
}

/** Adopted and rotated once, long enough ago that nothing is cooling or settling. */
async function rotated(estate: Estate): Promise<void> {
  await adopted(estate)
  estate.cloud.clock.advance(days(3))
  await estate.settle(estate.request({ createdAfter: estate.cloud.clock.now() }))
  estate.cloud.clock.advance(days(3))
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'adopt',
    begin: async (estate) => estate.request(),
    regenerations: () => 0,
  },
  {
    name: 'due',
    begin: async (estate) => {
      await rotated(estate)
      estate.cloud.clock.advance(days(60))
      return estate.request({ actor: 'schedule' })
    },
    regenerations: () => 1,
  },
  {
    name: 'request',
    begin: async (estate) => {
      await rotated(estate)
      return estate.request({ createdAfter: estate.cloud.clock.now() })
    },
    regenerations: () => 1,
  },
  {
    name: 'promote',
    begin: async (estate) => {
      await rotated(estate)
      const { handle } = estate.member
      const active = estate.cloud.vault('kv-prod.vault.azure.net').versions(estate.target.secrets[0].name)[0]!.tags![
        'CredentialId'
      ]
      const other = Object.keys(handle.keys()).find((slot) => slot !== active) ?? active!
      return estate.request({ promote: { slot: other, from: estate.version() } })
    },
    regenerations: () => 0,
  },
  {
    name: 'revoke',
    begin: async (estate) => {
      await rotated(estate)
      // A moment after the last one, or the keys are new enough.
      estate.cloud.clock.advance(minutes(1))
      return estate.request({ revokeBefore: estate.cloud.clock.now() })
    },
    regenerations: (slots) => slots,
    cuts: true,
  },
]
