// The lease while it is held, on a clock that the tests move.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { harmless, type LeaseSessionOptions, leaseSession, limited } from '../../src/engine/lease-session.ts'
import type { Call, Clock } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { callLimit, leaseLength, seconds } from '../../src/engine/target.ts'
import { oldMetadata } from '../memory-lease.ts'

interface HandClock extends Clock {
  pass(delay: number): void
  readonly alarms: number
}

/** Starts far from zero, so that no moment is right by chance. */
function handClock(): HandClock {
  let at = seconds(1000)
  const alarms = new Set<{ moment: number; callBack: () => void }>()
  return {
    now: () => assert.fail('a lease is not reckoned by wall time'),
    monotonic: () => at,
    after: (delay, callBack) => {
      const alarm = { moment: at + delay, callBack }
      alarms.add(alarm)
      return () => void alarms.delete(alarm)
    },
    pass: (delay) => {
      at += delay
      for (const alarm of [...alarms]) {
        if (alarm.moment > at || !alarms.delete(alarm)) continue
        alarm.callBack()
      }
    },
    get alarms() {
      return alarms.size
    },
  }
}

/** A session just taken, and what its lease was asked for. */
function held(options: Partial<LeaseSessionOptions> & { renews?: () => boolean } = {}) {
  const { renews, ...rest } = options
  const clock = handClock()
  const renewals: number[] = []
  const lease = {
    metadata: oldMetadata(),
    renew: async () => {
      renewals.push(clock.monotonic())
      return renews?.() ?? true
    },
    release: async () => undefined,
  }
  return { clock, renewals, session: leaseSession({ clock, lease, sentAt: clock.monotonic(), ...rest }) }
}

const nothing = async () => undefined
/** As long as the lease leaves a call its limit, to the millisecond. */
const last = leaseLength - callLimit - 1

describe('Before an effect', () => {
  test('Before an effect, the lease is not renewed while a whole call fits into what is left of it', async () => {
    const { clock, session, renewals } = held()
    clock.pass(last)

    await session.effect(nothing)

    assert.deepEqual(renewals, [])
  })

  test('Before an effect, the lease is renewed when less than a whole call is left, and counts from the sending', async () => {
    const { clock, session, renewals } = held()
    clock.pass(last + 1)
    await session.effect(nothing)
    clock.pass(last)
    await session.effect(nothing)
    assert.equal(renewals.length, 1)

    clock.pass(1)
    await session.effect(nothing)

    assert.equal(renewals.length, 2)
  })

  test('A lease that another worker has now is lost, and no effect starts', async () => {
    const { clock, session } = held({ renews: () => false })
    clock.pass(leaseLength)
    let done = false

    const effect = session.effect(async () => {
      done = true
    })

    await assert.rejects(effect, { code: 'LeaseLost' })
    assert.equal(done, false)
  })

  test('A renewal that took so long that no call fits any more does not count', async () => {
    const world = held({
      renews: () => {
        world.clock.pass(last + 1)
        return true
      },
    })
    world.clock.pass(leaseLength)

    await assert.rejects(world.session.effect(nothing), { code: 'LeaseLost' })
  })

  test('The lease counts from the moment the acquisition was sent, not answered', async () => {
    const { clock, session, renewals } = held({ sentAt: seconds(1000) - last - 1 })

    await session.effect(nothing)

    assert.equal(renewals.length, 1)
    assert.equal(renewals[0], clock.monotonic())
  })
})

describe('After an effect', () => {
  test('An effect that outlasted the lease is not trusted', async () => {
    const { clock, session } = held()

    const effect = session.effect(async () => clock.pass(leaseLength))

    await assert.rejects(effect, { code: 'LeaseLost' })
  })

  test('An effect that ended a moment before the lease is trusted', async () => {
    const { clock, session } = held()

    const result = await session.effect(async () => {
      clock.pass(leaseLength - 1)
      return 'done'
    })

    assert.equal(result, 'done')
  })

  test('A failure of the effect itself is thrown as it is', async () => {
    const { session } = held()
    const refusal = new RekeyError('PermissionDenied', { message: 'no' })

    await assert.rejects(
      session.effect(() => Promise.reject(refusal)),
      refusal,
    )
  })
})

describe('The deadline', () => {
  test('The deadline stops the next effect, and leaves no trace of it', async () => {
    let begun = 0
    const { clock, session, renewals } = held({
      deadline: seconds(1100),
      beforeFirstEffect: async () => {
        begun++
      },
    })
    clock.pass(seconds(100))

    const effect = session.effect(async () => assert.fail('after the deadline'))

    await assert.rejects(effect, { code: 'OutOfTime' })
    assert.deepEqual([begun, renewals], [0, []])
  })

  test('The deadline does not stop an effect a moment before it, nor one under way', async () => {
    const { clock, session } = held({ deadline: seconds(1030) })
    clock.pass(seconds(30) - 1)

    const result = await session.effect(async () => {
      clock.pass(seconds(5))
      return 'done'
    })

    assert.equal(result, 'done')
  })

  test('The deadline does not stop what has to be finished, and stops what comes after that', async () => {
    const { clock, session } = held({ deadline: seconds(1001) })
    clock.pass(seconds(2))
    const finished = await session.finish(async () => {
      await session.effect(nothing)
      return session.effect(async () => 'recorded')
    })
    await assert.rejects(session.finish(() => Promise.reject(new Error('refused'))))

    assert.equal(finished, 'recorded')
    await assert.rejects(session.effect(nothing), { code: 'OutOfTime' })
  })

  test('The deadline does not stop a read', async () => {
    const { clock, session } = held({ deadline: seconds(1001) })
    clock.pass(seconds(2))

    assert.equal(await session.read(async () => 'seen'), 'seen')
  })

  test('Running out of time is a matter of waiting, not of failing', async () => {
    const { session } = held({ deadline: 0 })

    await assert.rejects(session.effect(nothing), (error: RekeyError) => error.transient)
  })
})

describe('Before the first effect', () => {
  test('What precedes the first effect is done once', async () => {
    const order: string[] = []
    const { session } = held({ beforeFirstEffect: async () => void order.push('begin') })
    await session.read(async () => void order.push('resync'))
    await session.effect(async () => void order.push('first'))
    await session.effect(async () => void order.push('second'))

    assert.deepEqual(order, ['resync', 'begin', 'first', 'second'])
  })

  test('No effect starts if what precedes the first one fails, and that is tried again before the next', async () => {
    let tries = 0
    const { session } = held({
      beforeFirstEffect: async () => {
        if (++tries === 1) throw new RekeyError('ServiceUnavailable', { message: 'no queue', retryAfter: 1 })
      },
    })

    await assert.rejects(
      session.effect(async () => assert.fail('not queued')),
      { code: 'ServiceUnavailable' },
    )
    await session.effect(nothing)

    assert.equal(tries, 2)
  })

  test('The lease is checked after what precedes the first effect, for that may take its time', async () => {
    const world = held({ beforeFirstEffect: async () => world.clock.pass(leaseLength) })

    await world.session.effect(nothing)

    assert.equal(world.renewals.length, 1)
  })
})

describe('A call', () => {
  test('A call is stopped when its limit is over, and not before', async () => {
    const { clock, session } = held()

    await session.effect(async ({ signal }) => {
      clock.pass(callLimit - 1)
      assert.equal(signal.aborted, false)
      clock.pass(1)
      assert.equal(signal.aborted, true)
    })
  })

  test('A call that keeps the lease has its limit anew, and the lease renewed when it must be', async () => {
    const { clock, session, renewals } = held()
    const steps: boolean[] = []

    await session.effect(async ({ signal, keepLease }) => {
      for (let poll = 0; poll < 12; poll++) {
        clock.pass(seconds(20))
        await keepLease()
        steps.push(signal.aborted)
      }
      clock.pass(callLimit)
      steps.push(signal.aborted)
    })

    assert.deepEqual(steps, [...Array.from({ length: 12 }, () => false), true])
    assert.equal(renewals.length, 6)
  })

  test('A renewal that fails in passing during a long call is tried again at the next poll, while the lease lasts', async () => {
    let failing = true
    const renews = () => {
      if (failing) throw new RekeyError('ServiceUnavailable', { message: 'a blip', retryAfter: seconds(30) })
      return true
    }
    const { clock, session, renewals } = held({ renews })

    await session.effect(async ({ keepLease }) => {
      clock.pass(last + 1)
      await keepLease()
      clock.pass(seconds(2))
      failing = false
      await keepLease()
    })

    assert.equal(renewals.length, 2)
  })

  test('A renewal that still fails when the lease has run out ends a long call', async () => {
    const renews = () => {
      throw new RekeyError('ServiceUnavailable', { message: 'an outage', retryAfter: seconds(30) })
    }
    const { clock, session } = held({ renews })

    const effect = session.effect(async ({ keepLease }) => {
      clock.pass(last + 1)
      await keepLease()
      clock.pass(callLimit)
      await keepLease()
    })

    await assert.rejects(effect, { code: 'ServiceUnavailable' })
  })

  test('A call that cannot keep the lease fails with LeaseLost', async () => {
    const { clock, session } = held({ renews: () => false })

    const effect = session.effect(async ({ keepLease }: Call) => {
      clock.pass(last + 1)
      await keepLease()
    })

    await assert.rejects(effect, { code: 'LeaseLost' })
  })

  test('A call leaves no timer behind, whether it succeeds or not', async () => {
    const { clock, session } = held()
    await session.effect(({ keepLease }) => keepLease())
    await assert.rejects(session.effect(() => Promise.reject(new Error('no'))))
    await session.read(nothing)
    await limited(clock, nothing)

    assert.equal(clock.alarms, 0)
  })
})

describe('What may be repeated', () => {
  const unanswered = new RekeyError('ServiceUnavailable', { message: 'no', outcomeUnknown: true, retryAfter: 5 })

  test('A read whose answer is lost leaves nothing to be settled', async () => {
    const { session } = held()
    const settled = (error: RekeyError) => error.details.outcomeUnknown === undefined && error.transient

    await assert.rejects(
      session.read(() => Promise.reject(unanswered)),
      settled,
    )
    await assert.rejects(
      harmless(() => Promise.reject(unanswered)),
      settled,
    )
  })

  test('An effect whose answer is lost has an unknown outcome', async () => {
    const { session } = held()

    await assert.rejects(
      session.effect(() => Promise.reject(unanswered)),
      (error: RekeyError) => error.details.outcomeUnknown === true,
    )
  })

  test('An error that is not a RekeyError stays what it is', async () => {
    const fault = new TypeError('ours')

    await assert.rejects(
      harmless(() => Promise.reject(fault)),
      fault,
    )
  })
})

describe('Keeping the lease', () => {
  test('Keeping the lease renews it once, however much is left', async () => {
    const { session, renewals } = held()

    await session.keep()

    assert.equal(renewals.length, 1)
  })

  test('Keeping the lease fails when another worker has it', async () => {
    const { session } = held({ renews: () => false })

    await assert.rejects(session.keep(), { code: 'LeaseLost' })
  })
})
