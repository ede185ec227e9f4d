// What each command does to one target, in the words of its buttons and its dialog.

import type { CommandName, Target, TargetPlan } from './api-shapes.ts'
import { spanOf } from './moments.ts'

interface CommandWords {
  readonly label: string
  readonly does: string
  /** What a consumer notices; shown before it is confirmed. */
  readonly beware?: string
}

/** The words for a command, with the slots of this target. */
export function commandWords(command: CommandName, target: Target, plan: TargetPlan): CommandWords {
  const active = plan.slot ?? target.slot ?? 'the active slot'
  const slots = plan.slots.length > 0 ? plan.slots : (target.slots ?? [])
  const other = slots[(slots.indexOf(active) + 1) % slots.length] ?? 'the other slot'
  const single = slots.length === 1
  const kept = target.overlap === undefined || target.overlap === 'none' ? '' : ` for ${spanOf(target.overlap)}`
  const words: Readonly<Record<CommandName, CommandWords>> = {
    rotate: single
      ? {
          label: 'Rotate',
          does: 'Replaces the only key, at once.',
          beware: 'The present key stops working: this service has one key, so there is no overlap.',
        }
      : {
          label: 'Rotate',
          does: `Makes a new key in ${other} and publishes it. The key in ${active} stays valid${kept}.`,
        },
    promote: {
      label: 'Promote',
      does: `Publishes the key that ${single ? 'the other slot' : other} holds now: a roll-back. No key is made.`,
    },
    swap: {
      label: 'Swap',
      does: `Exchanges ${active} and ${other} at the service. Both keys stay as they are, and so does the secret's value.`,
    },
    repair: {
      label: 'Repair',
      does: 'Compares the vault with the service now, and repairs what differs. A key that is only due stays.',
    },
    revoke: {
      label: 'Revoke',
      does: `For a leaked key: ${single ? 'the key is' : 'every key is'} replaced, at once and without an overlap.`,
      beware: 'Consumers that hold an older key stop working until they read the new one.',
    },
  }
  return words[command]
}

/** Reasons of the engine as an operator says them. */
const reasons: Readonly<Record<string, string>> = {
  adopted: 'taken over as it was',
  due: 'it was due',
  requested: 'it was asked for',
  revoked: 'revoked',
  promoted: 'promoted',
  swapped: 'swapped',
  drifted: 'repaired: the vault held a key that the service refused',
  pending: 'a new key waited to be accepted',
  retiring: 'the previous key was retired',
  interrupted: 'a change that had stopped half-way was finished',
  unannounced: 'a change was announced late',
  settling: 'the listing may still be old',
  paused: 'its secret is disabled by hand',
  unmanaged: 'the secret is not managed by Rekey',
  cooling: 'the previous key must stay valid for a while',
}

/** A reason in words; one that this page does not know stays as it is. */
export function reasonText(reason: string): string {
  return reasons[reason] ?? reason
}
