// Room: the doorways. POST /api/targets/{name}/promote and …/swap: the other slot becomes the active one.

import type { HttpResponseInit } from '@azure/functions'
import { z } from 'zod'
import type { KeySlot } from '../../rotation/key-ring.ts'
import type { Preview } from '../../rotation/preview.ts'
import type { RotationRequest } from '../../rotation/request.ts'
import type { Target } from '../../rotation/target.ts'
import { type Call, enabledTargetOf, type Handler } from '../http/answer.ts'
import { parseBody } from '../http/body.ts'
import { previewOf } from '../shared/preview.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { note } from './note.ts'
import { asDrifted, asNotSupported, asPaused } from './refusals.ts'

const body = z.strictObject({ note: note.optional() })

/** The other slot's present key is published: a roll-back. Nothing is regenerated, and the due date stays. */
export const promote: Handler = {
  roles: ['Rekey.Rotate'],
  async answer(call) {
    const { note: said } = await parseBody(call.request, body)
    const target = enabledTargetOf(call)
    return moveTo(call, target, said, {
      long: false,
      wish: (move) => ({ promote: move }),
    })
  },
}

/** The active key moves to the other slot at the service, and the vault follows. */
export const swap: Handler = {
  roles: ['Rekey.Rotate'],
  async answer(call) {
    const { note: said } = await parseBody(call.request, body)
    const target = enabledTargetOf(call)
    const provider = call.app.providerOf(target)
    if (!provider.can.swap) {
      throw asNotSupported(
        target,
        `${provider.title} cannot exchange its slots`,
        'Use promote instead: it works on every target with two keys.',
      )
    }
    return moveTo(call, target, said, {
      long: provider.longRunning === true,
      wish: (move) => ({ swap: move }),
    })
  },
}

type Move = NonNullable<RotationRequest['promote']>

interface Kind {
  /** The service takes minutes for it. */
  readonly long: boolean
  wish(move: Move): Pick<RotationRequest, 'promote' | 'swap'>
}

async function moveTo(
  call: Call,
  target: Target,
  said: string | undefined,
  { long, wish }: Kind,
): Promise<HttpResponseInit> {
  if (target.slots.length < 2) {
    throw asNotSupported(target, 'this service has a single key, so there is no other slot', 'Use rotate.')
  }
  const noted = said === undefined ? {} : { note: said }
  const seen = await previewOf(call, target, requestOf(call, target, noted))
  const paused = asPaused(target, seen.plan?.reason)
  if (paused) throw paused
  // Asked for by slot and by version: delivered late or twice, it must not undo a rotation that came after it.
  if (seen.stored === undefined) throw asDrifted(target, 'there is nothing in the vault yet')
  const active = seen.slot ?? settlingSlot(target, seen)
  if (active === undefined) throw asDrifted(target, 'the vault holds no live key of the resource')
  const slot = otherSlot(target, active)
  const move = { slot, from: seen.stored.version }
  const request = requestOf(call, target, { ...noted, ...wish(move) })
  return carryOut(call, target, request, { long })
}

/** A key of a moment ago that the listing does not show yet: its slot is the one that was written down with it. */
function settlingSlot({ slots }: Target, { plan, stored }: Preview): KeySlot | undefined {
  return plan?.reason === 'settling' ? slots.find((slot) => slot === stored?.slot) : undefined
}

function otherSlot({ slots }: Target, slot: KeySlot): KeySlot {
  return slots[(slots.indexOf(slot) + 1) % slots.length]!
}
