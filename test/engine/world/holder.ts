// The service as a provider opens it for one run: reads, regenerates (perhaps as an operation), swaps, probes.

import type { Call, KeyHolder } from '../../../src/engine/ports.ts'
import { RekeyError } from '../../../src/engine/rekey-error.ts'
import type { Deed } from './deeds.ts'
import { checkRegenerate, checkSending, regenerateDeed } from './effect-rules.ts'
import { asRing, keyIn } from './service.ts'
import type { Run, Stage } from './stage.ts'
import type { KeyRing } from './words.ts'
import { type CallOf, noAnswer } from './worker-ports.ts'

const pollEvery = 10_000
const usualOperation = 150_000
const longestOperation = 720_000
/** What a resource may take that says how old its keys are: longer than any worker waits. */
const hoursOfOperation = 3 * 3_600_000
/** Longer than an operation and the lag of a listing together. */
const mostReads = 100

export function holderOf(stage: Stage, run: Run, call: CallOf): KeyHolder {
  const { service, target, time, traits } = stage
  /** The state that a write would be made from, and the one that the last listing showed. */
  let etag = -1
  let seen = -1

  const read = (signal: AbortSignal) =>
    call('read', signal, () => {
      const listing = service.read()
      etag = listing.etag
      seen = listing.etag
      stage.ledger.readAt = time.now()
      run.knew.service = Math.max(run.knew.service, listing.asOf)
      const stale = etag === service.listing().etag ? '' : ' STALE'
      stage.log(`w${run.worker.id} reads ${JSON.stringify(listing.keys)}${stale}`)
      return asRing(listing.keys)
    })

  function change(what: string, act: () => void): KeyRing {
    if (traits.etag && traits.operations === 'none' && etag !== service.listing().etag) throw changed()
    stage.log(`w${run.worker.id} ${what} for ${run.request.id} (${run.reason})`)
    act()
    etag = service.listing().etag
    stage.log(JSON.stringify(service.keys()))
    return asRing(service.keys())
  }

  function regenerateNow(slot: string, late: string | undefined): KeyRing {
    return change(`REGENERATES ${slot}`, () => {
      checkRegenerate(stage, run, slot, late)
      service.regenerate(slot, regenerateDeed(stage, run, slot, late))
    })
  }

  const isUnderWay = (signal: AbortSignal) => call('read', signal, () => stage.ledger.underWay > 0)
  const createdAt = (slot: string, signal: AbortSignal) =>
    call('read', signal, () => service.madeAt(service.keys()[slot]!))
  const holder: KeyHolder = {
    ...(traits.operations === 'none' ? {} : { operation: { limit: limitOf(traits.operations), isUnderWay } }),
    ...(traits.operations === 'of hours' ? { createdAt } : {}),
    read,
    regenerate: (slot, held) => {
      checkSending(stage, run, slot)
      if (traits.operations !== 'none') return operation(slot, held)
      return call('regenerate', held.signal, (late) => regenerateNow(slot, late))
    },
  }

  /** A write that is accepted now and takes effect later; its end is known by polling, or by reading. */
  async function operation(slot: string, held: Call): Promise<KeyRing> {
    const before = etag
    // Some take longer than any listing lags. Not where none can be followed: a revoke sent meanwhile must take the new key for an older one.
    const long = traits.operations === 'readable' && stage.dice.chance(0.3)
    const ofHours = traits.operations === 'of hours' && stage.dice.chance(0.5)
    const length = stage.dice.next() * (ofHours ? hoursOfOperation : long ? longestOperation : usualOperation)
    let done = false
    await call('regenerate', held.signal, (late) => {
      if (traits.etag && etag !== service.listing().etag) throw changed()
      stage.ledger.underWay++
      const end = () => {
        regenerateNow(slot, late)
        stage.ledger.underWay--
        done = true
      }
      // One that its worker does not wait for may take longer than any listing lags.
      time.in(length, () => {
        if (run.crashed) time.in(stage.dice.next() * longestOperation, end)
        else end()
      })
    })
    for (let reads = 0; reads < mostReads; reads++) {
      await new Promise<void>((resolve) => void time.in(pollEvery, resolve))
      await held.keepLease()
      if (traits.operations !== 'unreadable') {
        if (await call('poll', held.signal, () => done)) return asRing(service.keys())
      } else {
        const ring = await read(held.signal)
        if (done && seen > before) return ring
      }
    }
    throw noAnswer()
  }

  if (stage.traits.probe) {
    holder.probe = (_, credential, signal) =>
      call('probe', signal, () => {
        const value = credential['key'] ?? credential['connectionString']
        if (stage.blackouts.hits()) {
          run.troubled = true
          stage.watch.disturbed()
          stage.log(`w${run.worker.id} probe: blackout`)
          return 'unknown' as const
        }
        return service.accepts(keyIn(value!.reveal())) ? ('accepted' as const) : ('refused' as const)
      }).catch(() => 'unknown' as const)
  }
  if (target.slots.length > 1) {
    const deed = (what: string, late: string | undefined): Deed => ({
      at: time.now(),
      what,
      knew: { ...run.knew },
      ...(late === undefined ? {} : { excuse: late }),
    })
    holder.swap = ({ signal }) =>
      call('swap', signal, (late) => change('SWAPS', () => service.swap(deed('swaps', late))))
    holder.regenerateAll = ({ signal }) =>
      call('regenerate', signal, (late) =>
        change('REGENERATES ALL', () => {
          for (const slot of target.slots) checkRegenerate(stage, run, slot, late)
          service.regenerateAll(deed('regenerates every slot', late ?? 'a revoke of every slot at once'))
        }),
      )
  }
  return holder
}

/** Twice as long as one may take, and what clocks differ by. */
function limitOf(operations: Stage['traits']['operations']): number {
  return 2 * (operations === 'of hours' ? hoursOfOperation : longestOperation) + 120_000
}

function changed(): RekeyError {
  return new RekeyError('ServiceChanged', { message: 'changed meanwhile', retryAfter: 60_000 })
}
