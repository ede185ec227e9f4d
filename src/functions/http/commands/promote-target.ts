// POST /api/targets/{name}/promote and …/swap: the other slot becomes the active one.

import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { KeySlot } from '../../../engine/key-ring.ts'
import type { Preview } from '../../../engine/preview.ts'
import { leadOf, type Target } from '../../../engine/target.ts'
import { repeatedSlot } from '../../operations/operation-record.ts'
import { progressOf, versionsToSearch } from '../../operations/operation-state.ts'
import { previewOf } from '../../shared/preview-target.ts'
import { type Command, enabledTargetOf, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { readTarget } from '../status/describe-target.ts'
import { readLimit } from '../status/list-targets.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { checkMovable, checkSlots, checkSwaps, otherSlot, slotToMoveTo } from './moves.ts'
import { note } from './note.ts'
import { asSuperseded } from './refusals.ts'

const version = z
  .string('must be the version that the command is based on: "version" in GET /api/targets/{name}')
  .check(z.regex(/^[0-9A-Za-z]{1,64}$/, 'is not the version of a secret: use "version" in GET /api/targets/{name}'))
/** `from`: the lead's version that the caller saw. Without it a command that arrives late would undo a rotation. */
export const moveBody = z.strictObject({ from: version, note: z.optional(note) })

/** Publishes the other slot's present key: a rollback. Nothing is regenerated, and the due date stays. */
export const promote: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const desired = await parseBody(call.request, moveBody)
    const target = enabledTargetOf(call)
    return moveTo(call, target, desired, { kind: 'promote', long: false })
  },
}

/** Swaps the slots at the service, and updates the vault. */
export const swap: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const desired = await parseBody(call.request, moveBody)
    const target = enabledTargetOf(call)
    const provider = call.app.providerOf(target)
    checkSwaps(target, provider)
    return moveTo(call, target, desired, { kind: 'swap', long: provider.longRunning === true })
  },
}

interface Kind {
  readonly kind: 'promote' | 'swap'
  /** The service takes minutes for it. */
  readonly long: boolean
}

async function moveTo(
  call: Command,
  target: Target,
  { from, ...noted }: { readonly from: string; readonly note?: string },
  { kind, long }: Kind,
): Promise<HttpResponseInit> {
  checkSlots(target)
  const seen = await previewOf(call, target, requestOf(call, target, noted))
  checkMovable(target, seen)
  const slot =
    kind === 'promote'
      ? await slotToPromote(call, target, seen, from)
      : await repeatedSlot(call, target, () => slotToSwapTo(target, seen, from))
  return carryOut(call, target, requestOf(call, target, { ...noted, [kind]: { slot, from } }), { long })
}

/** The slot to go to; for a command that is repeated, the one that it went to. Throws `Drifted` or `Superseded`. */
async function slotToPromote(call: Command, target: Target, seen: Preview, from: string): Promise<KeySlot> {
  if (seen.stored?.version === from) return slotToMoveTo(target, seen)
  const signal = AbortSignal.timeout(readLimit)
  const vault = call.app.vault(target.vault)
  const asked = (await vault.versions(leadOf(target).name, versionsToSearch, signal)).find(
    ({ version }) => version === from,
  )
  const then = target.slots.find((slot) => slot === asked?.slot)
  if (then === undefined) throw asSuperseded(target)
  const slot = otherSlot(target, then)
  const now = await readTarget(call.app, target, signal)
  if ((await progressOf({ kind: 'promote', slot, from }, now, vault, signal)) === 'overtaken')
    throw asSuperseded(target)
  return slot
}

function slotToSwapTo(target: Target, seen: Preview, from: string): KeySlot {
  if (seen.stored?.version !== from) throw asSuperseded(target)
  return slotToMoveTo(target, seen)
}
