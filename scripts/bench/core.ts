// Measures the pure parts: reading targets.json, deciding what to do.

import { type Dice, seededDice } from '../../simulator/dice.ts'
import { parseTargets } from '../../src/config/targets.ts'
import { decide } from '../../src/engine/checks.ts'
import { Secret } from '../../src/engine/secret.ts'
import { type Observed, stateOf } from '../../src/engine/state.ts'
import type { StoredSecret } from '../../src/engine/stored-secret.ts'
import { days, type Target } from '../../src/engine/target.ts'
import { loadProviders } from '../../src/providers/index.ts'
import { documentOf } from '../../test/scale/scale-fleet.ts'
import { type Figure, ms, timed } from './figures.ts'

const providers = await loadProviders()
const now = Date.UTC(2026, 2, 2, 10)
const nothingDone = { reasons: [], changed: false, wroteLead: false }

/** Parses a targets.json of so many targets. */
export async function parsing(targets: number): Promise<Figure> {
  const text = textOf(targets)

  const { took, result } = await timed(async () => targetsIn(text))

  const size = `${(text.length / 1e6).toFixed(1)} MB`
  return {
    what: `parse ${targets.toLocaleString('en')} targets`,
    figure: ms(took),
    about: `${size}, ${result.length} read`,
  }
}

/** Decides repeatedly, for keys of any age: current, due, drifted, and not adopted yet. */
export async function deciding(seed: number, decisions: number): Promise<Figure> {
  const dice = seededDice(seed)
  const cases = targetsIn(textOf(200)).map((target) => ({ target, seen: seenOf(target, dice) }))
  const reasons = new Map<string, number>()

  const { took } = await timed(async () => {
    for (let n = 0; n < decisions; n++) {
      const { target, seen } = cases[n % cases.length]!
      const request = { id: 'bench', target: target.name, actor: 'bench', expiresAt: now + days(1) }
      const state = stateOf({ ...seen, target, request, now, vaultRefused: false, ...nothingDone })
      const decision = decide(state)
      const reason = decision.kind === 'done' ? 'nothing' : decision.reason
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
  })

  const shares = [...reasons]
    .map(([reason, count]) => `${reason} ${Math.round((100 * count) / decisions)} %`)
    .join(', ')
  const each = Math.round(decisions / (took / 1000))
  return { what: 'decide()', figure: `${each.toLocaleString('en')} / s`, about: shares }
}

function textOf(targets: number): string {
  const subscription = '11111111-2222-4333-8444-555555555555'
  return documentOf(
    Array.from({ length: targets }, (_, n) => ({
      name: `t-${n}`,
      vault: `kv-${n % 4}.vault.azure.net`,
      account: {
        resourceId: `/subscriptions/${subscription}/resourceGroups/rg-${n % 50}/providers/Microsoft.CognitiveServices/accounts/t-${n}`,
      },
    })),
  )
}

function targetsIn(text: string): readonly Target[] {
  const parsed = parseTargets(text, providers, 'public', now)
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems.slice(0, 3)))
  return parsed.targets
}

function seenOf(target: Target, dice: Dice): Pick<Observed, 'ring' | 'stored' | 'earlier'> {
  const key = () => Secret.of(dice.hex(32))
  const ring = { Key1: { key: key() }, Key2: { key: key() } }
  const { name } = target.secrets[0]
  if (dice.next() < 0.1) return { ring, stored: {}, earlier: {} }
  const at = now - Math.floor(days(70) * dice.next())
  const stored: StoredSecret = {
    ...{ name, version: dice.hex(32), enabled: true, created: at, expiresOn: at + days(90), slot: 'Key1' },
    value: dice.next() < 0.05 ? key() : ring.Key1.key,
    stamps: { target: target.name, rotatedAt: at, createdAfter: at, announced: true, reason: 'due', actor: 'schedule' },
    address: target.address,
    otherTags: {},
  }
  return { ring, stored: { [name]: stored }, earlier: {} }
}
