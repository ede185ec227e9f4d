// What operators do by hand, behind the engine's back.

import { operatorDeed } from './deeds.ts'
import { asRing } from './service.ts'
import type { Stage } from './stage.ts'

export type Meddling =
  | 'regenerates'
  | 'overwrites'
  | 'promotes by hand'
  | 'disables'
  | 'swaps'
  /** Other tags on a secret, as many as Key Vault takes; some other value under a name that the target wants. */
  | 'crowds'
  | 'takes the name'

const longest = 7_000_000

export function meddle(stage: Stage, kind: Meddling): void {
  const { dice, target, service, vault } = stage
  const slot = dice.pick(target.slots)
  const name = dice.pick(target.secrets).name
  const lead = vault.current('lead')
  if (kind === 'regenerates') act(stage, `regenerates ${slot}`, () => service.regenerate(slot))
  if (kind === 'overwrites') act(stage, `overwrites ${name}`, () => vault.put(name, 'rubbish'))
  if (kind === 'promotes by hand' && lead) {
    act(stage, `promotes ${slot}`, () => vault.put('lead', asRing(service.keys())[slot]!['key']!.reveal()))
  }
  if (kind === 'swaps' && target.slots.length > 1) act(stage, 'swaps the slots', () => service.swap())
  if (kind === 'disables' && lead) forAWhile(stage, 'the lead', (on) => vault.enable('lead', !on))
  if (kind === 'crowds' && vault.current(name)) forAWhile(stage, `tags of ${name}`, (on) => vault.crowd(name, on))
  if (kind === 'takes the name') {
    act(stage, `takes the name ${name}`, () => {
      vault.remove(name)
      vault.put(name, 'of another system', undefined, operatorDeed(stage.time.now(), `takes the name ${name}`))
    })
    later(stage, `gives the name ${name} back`, () => vault.remove(name))
  }
  stage.log(JSON.stringify(service.keys()))
}

function act(stage: Stage, what: string, run: () => void): void {
  stage.log(`!! operator ${what}`)
  stage.ledger.meddledAt = stage.time.now()
  stage.watch.disturbed()
  run()
}

/** Begins something now that ends later, of whatever version is current then. */
function forAWhile(stage: Stage, what: string, set: (on: boolean) => void): void {
  act(stage, `stops ${what}`, () => set(true))
  later(stage, `frees ${what}`, () => set(false))
}

function later(stage: Stage, what: string, run: () => void): void {
  stage.time.in(stage.dice.next() * longest, () => act(stage, what, run))
}
