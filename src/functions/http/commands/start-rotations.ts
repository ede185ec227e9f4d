// POST /api/rotations: requests new keys for many targets.

import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { notQueued } from '../problem.ts'
import { describeLeftOut } from './left-out.ts'
import { type Selected, selectionDigest, selectionFields, selectionIn } from './many-selection.ts'
import { note } from './note.ts'
import { listMany, queueMany, repeatedMany } from './queue-many.ts'

export const rotationsBody = z.strictObject({ ...selectionFields, note: z.optional(note) })

/**
 * Requests a key created from now on for every target that is named: stores the list, and queues one message that stands for it. What is
 * queued for each target is spread over time so that no service's limit is hit.
 */
export const startRotations: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const { note, ...named } = await parseBody(call.request, rotationsBody)
    const kind = 'rotations'
    const selection = selectionDigest(named)
    const known = await repeatedMany(call, { kind, selection })
    // What was accepted stays so, whatever the body names by now.
    if (known) return queueMany(call, known)
    const selected = selectionIn(call.app, named)
    if ('error' in selected) return notQueued(selected.error, { targets: selected.names })
    const refusal = Array.isArray(named.targets) ? refusalOf(selected) : undefined
    if (refusal) return refusal
    const wanted = { kind, selection, targets: selected.targets, ...(note !== undefined && { note }) } as const
    return queueMany(call, await listMany(call, wanted), describeLeftOut(selected))
  },
}

/** Whoever names a target means it: one that cannot be rotated now is refused, rather than left out. */
function refusalOf({ notApplied, reminders, disabled }: Selected): HttpResponseInit | undefined {
  if (notApplied.length > 0) return notQueued(asUnapplied(notApplied.length), { targets: notApplied })
  if (reminders.length > 0) return notQueued(asReminders(reminders.length), { targets: reminders })
  if (disabled.length > 0) return notQueued(asDisabled(disabled.length), { targets: disabled })
  return undefined
}

function asUnapplied(count: number): RekeyError {
  return new RekeyError('BadConfiguration', {
    message: `the entries of ${count} of these targets in targets.json cannot be applied`,
    remedy: 'Correct them (GET /api/health lists the problems), or leave these targets out.',
  })
}

function asReminders(count: number): RekeyError {
  return new RekeyError('NotSupported', {
    message: `${count} of these targets ${count === 1 ? 'is a reminder' : 'are reminders'}, without a service that makes keys`,
    remedy: 'Leave them out: an operator renews their secrets.',
  })
}

function asDisabled(count: number): RekeyError {
  return new RekeyError('Disabled', {
    message: `${count} of these targets ${count === 1 ? 'is' : 'are'} disabled in targets.json`,
    remedy: 'Leave them out, or set "enabled" to true and send the request again a minute later.',
  })
}
