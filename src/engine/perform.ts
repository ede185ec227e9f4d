// The steps of a plan, carried out. Each answer is folded into what is known, so that the plan can be made again.

import type { Plan } from './checks.ts'
import type { Situation } from './situation.ts'
import { announce } from './steps/announce.ts'
import { describe, publish } from './steps/publish.ts'
import { regenerate } from './steps/regenerate.ts'
import { rename, swap } from './steps/swap.ts'
import { type Held, leadIn, type Work, withoutPending } from './work.ts'

/** Carries out one step. Answers when to come back if it could not be finished. Throws RekeyErrors. */
export async function act(work: Work, plan: Plan, at: Situation): Promise<Held | undefined> {
  const step = plan.step!
  switch (step.do) {
    case 'describe':
      return describe(work, step, plan.reason, at)
    case 'publish':
      return publish(work, step, plan.reason, at)
    case 'regenerate':
      return regenerate(work, step, plan.reason, at)
    case 'swap':
      return swap(work, step)
    case 'rename':
      return rename(work, step.slot, withoutPending(leadIn(work).stamps!))
    case 'announce':
      return announce(work, at)
  }
}
