// Which commands may be given for a target now, and why not: the refusals of the commands themselves, found without changing anything.

import { iso } from '../../../engine/duration.ts'
import type { Preview } from '../../../engine/preview.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { RotationRequest } from '../../../engine/request.ts'
import type { Instant, Target } from '../../../engine/target.ts'
import { asDisabled, resyncRequest } from '../../shared/requests.ts'
import { asStopped, isStopped } from '../../shared/stop-switch.ts'
import type { Call, Handler } from '../answer-request.ts'
import { checkRole } from '../caller.ts'
import { embedded } from '../embedded-error.ts'
import type { AllowedCommand } from '../schemas/plan-schema.ts'
import { checkMovable, checkSlots, checkSwaps, slotToMoveTo } from './moves.ts'
import { promote, swap } from './promote-target.ts'
import { asNotNow } from './refusals.ts'
import { repair } from './repair-target.ts'
import { revoke } from './revoke-target.ts'
import { rotate } from './rotate-target.ts'

const commandNames = ['rotate', 'promote', 'swap', 'revoke', 'repair'] as const
type CommandName = (typeof commandNames)[number]

const handlers: Readonly<Record<CommandName, Handler>> = { rotate, promote, swap, revoke, repair }

/** Each command with the usual body: `seen` is what was read of the target just now. */
export function allowedCommands(
  call: Call,
  target: Target,
  seen: Preview,
): Readonly<Record<CommandName, AllowedCommand>> {
  const each = commandNames.map((name) => [name, isAllowed(call, target, seen, name)] as const)
  return Object.fromEntries(each) as Record<CommandName, AllowedCommand>
}

function isAllowed(call: Call, target: Target, seen: Preview, name: CommandName): AllowedCommand {
  try {
    checkRole(call.request, process.env, handlers[name].roles)
    if (isStopped(call.app)) throw asStopped()
    if (!target.enabled) throw asDisabled(target)
    const until = refuse[name](call, target, seen)
    return until ?? { allowed: true }
  } catch (thrown) {
    if (!(thrown instanceof RekeyError)) throw thrown
    return refused(thrown)
  }
}

/** In the order in which the commands find it. Throws RekeyError, or gives what must be waited for. */
const refuse: Readonly<Record<CommandName, (call: Call, target: Target, seen: Preview) => AllowedCommand | undefined>> =
  {
    rotate: (call, target, seen) => notNow(call, target, seen, { createdAfter: call.app.clock.now() }),
    repair: (call, target, seen) => notNow(call, target, seen, { comparedAfter: call.app.clock.now() }),
    // A revoke waits for whatever prevents it.
    revoke: () => undefined,
    promote(call, target, seen) {
      checkSlots(target)
      checkMovable(target, seen)
      return notNow(call, target, seen, { promote: { slot: slotToMoveTo(target, seen), from: seen.stored!.version } })
    },
    swap(call, target, seen) {
      checkSwaps(target, call.app.providerOf(target))
      checkSlots(target)
      checkMovable(target, seen)
      return notNow(call, target, seen, { swap: { slot: slotToMoveTo(target, seen), from: seen.stored!.version } })
    },
  }

function notNow(
  { app }: Call,
  target: Target,
  seen: Preview,
  desired: Partial<RotationRequest>,
): AllowedCommand | undefined {
  const plan = seen.planOf({ ...resyncRequest(target.name, 'plan', 'plan', app.clock.now()), ...desired })
  const refusal = asNotNow(target, plan)
  return refusal && refused(refusal, plan?.reason === 'cooling' ? plan.until : undefined)
}

function refused(error: RekeyError, until?: Instant): AllowedCommand {
  return { allowed: false, ...embedded(error), ...(until === undefined ? {} : { until: iso(until) }) }
}
