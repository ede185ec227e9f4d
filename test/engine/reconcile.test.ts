// What a reconcile answers, and what it leaves in the vault.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { clockBound } from '../../src/engine/target.ts'
import { days, hours, minutes, rotatedStand, type Stand, seconds, stand } from './stand.ts'

/** Carries out a request, which must come to an end. */
async function outcomeOf(at: Stand, ...args: Parameters<Stand['reconcile']>): Promise<Outcome> {
  const outcome = await at.reconcile(...args)
  assert.notEqual(outcome, 'crashed')
  return outcome as Outcome
}

const lead = (at: Stand) => at.vault.current('lead')!
const two = { outputs: 2 } as const

describe('An outcome', () => {
  test('The outcome "changed" says everything of a key that was replaced', async () => {
    const at = await rotatedStand(two)
    const createdAfter = at.now()

    const outcome = await outcomeOf(at, { createdAfter, actor: 'anna', note: 'quarterly' })

    assert.deepEqual(outcome, {
      target: 'target',
      provider: 'stand',
      status: 'changed',
      reason: 'requested',
      reasons: ['requested', 'unannounced'],
      slot: 'A',
      secrets: [
        { name: 'lead', version: lead(at).version },
        { name: 'connection', version: at.vault.current('connection')!.version },
      ],
      eventId: lead(at).version,
      rotatedAt: createdAfter,
      expiresOn: at.now() + days(90),
      overlap: days(2),
    })
    assert.equal(at.events.at(-1)?.data.note, 'quarterly')
    assert.equal(at.events.at(-1)?.data.actor, 'anna')
  })

  test('The outcome is "current" where nothing was to do, and nothing was done', async () => {
    const at = await rotatedStand()
    const before = at.effects.length

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.reasons], ['current', undefined, []])
    assert.deepEqual([outcome.slot, outcome.overlap], ['B', undefined])
    assert.equal(at.effects.length, before)
  })

  test('The outcome is "waiting" for a request that must cool, which comes back as itself when it may', async () => {
    const at = await rotatedStand()
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(hours(1))

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    const may = lead(at).created + days(2) + minutes(1)
    assert.deepEqual([outcome.status, outcome.reason], ['waiting', 'cooling'])
    assert.deepEqual(outcome.again, { after: may - at.now(), at: may, with: 'request' })
  })

  test('The outcome is "waiting" for a due date that must cool, which is left to the schedule', async () => {
    const at = await rotatedStand({ target: { rotateEvery: days(30), overlap: days(2) } })
    await at.wait(days(30))
    at.service.regenerate('B')
    await at.reconcile()

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.again], ['waiting', 'cooling', undefined])
  })

  test('The outcome is "waiting", and busy, while another worker holds the lease', async () => {
    const at = await rotatedStand()
    let other: Outcome | undefined
    const meanwhile = async () => {
      other = await outcomeOf(at, { createdAfter: at.now() })
    }
    at.fault({ on: 'regenerate', what: 'paused', meanwhile })
    const before = at.regenerated.length

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([outcome.status, at.regenerated.length - before], ['changed', 1])
    assert.deepEqual(other, {
      target: 'target',
      provider: 'stand',
      status: 'waiting',
      reasons: [],
      secrets: [],
      busy: true,
      again: { after: seconds(30), at: at.now() + seconds(30), with: 'request', between: [seconds(20), seconds(40)] },
    })
  })

  test('The outcome is "paused" for a disabled secret, which ends a resync and keeps a request alive', async () => {
    const at = await rotatedStand()
    at.vault.enable('lead', false)

    const resync = await outcomeOf(at)
    const request = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([resync.status, resync.reason, resync.again], ['paused', 'paused', undefined])
    assert.equal(request.status, 'paused')
    assert.deepEqual(request.again, { after: minutes(10), at: at.now() + minutes(10), with: 'request' })
  })

  test('The outcome is "paused" for an unmanaged secret, with what to do about it', async () => {
    const at = stand(two)
    at.vault.put('connection', 'another owner’s')

    const outcome = await outcomeOf(at, { createdAfter: at.now(), force: true })

    assert.deepEqual([outcome.status, outcome.reason, outcome.again], ['paused', 'unmanaged', undefined])
    assert.equal(outcome.error?.code, 'Unmanaged')
    assert.match(outcome.error?.details.remedy ?? '', /"adopt": true/)
    assert.ok(at.log.some((line) => line.startsWith('warn the secret holds something else')))
    assert.deepEqual(at.effects, ['announce'])
  })

  test('The outcome is "failed" for a request from the future, or one that came too late, which changes nothing', async () => {
    const at = await rotatedStand()
    const before = at.effects.length

    const future = await outcomeOf(at, { createdAfter: at.now() + hours(1), id: 'early' })
    const late = await outcomeOf(at, { createdAfter: at.now(), expiresAt: at.now() - 1, id: 'late' })
    const resync = await outcomeOf(at, { expiresAt: at.now() - 1, id: 'resync' })

    assert.deepEqual([future.status, future.error?.code], ['failed', 'FromTheFuture'])
    assert.deepEqual([late.status, late.error?.code], ['failed', 'RequestExpired'])
    assert.deepEqual([resync.status, resync.error?.code], ['failed', 'RequestExpired'])
    // No caller waits for a resync.
    const announced = at.events.filter(({ type }) => type === 'Rekey.RotationFailed').map(({ id }) => id)
    assert.deepEqual(announced, ['early/failed', 'late/failed'])
    assert.deepEqual(at.effects.slice(before), ['announce', 'announce'])
  })

  test('The first reason of an outcome is why the key changed, not that it was announced too', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'announce', what: 'crash before' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(days(3))

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual(outcome.reasons, ['unannounced', 'requested', 'unannounced'])
    assert.equal(outcome.reason, 'requested')
  })
})

describe('Adopting', () => {
  test('Adopting stores what the service holds, regenerates nothing, and announces it', async () => {
    const at = stand(two)

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.slot], ['changed', 'adopted', 'A'])
    assert.deepEqual([at.regenerated, at.works()], [[], true])
    assert.deepEqual(at.effects, ['put', 'put', 'announce', 'patch'])
    assert.equal(at.events[0]?.type, 'Rekey.KeyPublished')
    assert.equal(lead(at).stamps?.createdAfter, undefined)
    assert.equal(lead(at).stamps?.retire, undefined)
  })

  test('Adopting starts with the slot that the target names', async () => {
    const at = stand({ target: { initialSlot: 'B' } })

    assert.equal((await outcomeOf(at)).slot, 'B')
  })

  test('Adopting a live key writes tags, an expiry, and no new version', async () => {
    const at = stand(two)
    at.vault.put('lead', at.service.keys()['B']!)
    at.vault.put('connection', `connection=${at.service.keys()['B']}`)
    const { version, created } = lead(at)
    await at.wait(days(1))

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.slot], ['changed', 'adopted', 'B'])
    assert.deepEqual([lead(at).version, lead(at).stamps?.rotatedAt], [version, created])
    assert.equal(lead(at).expiresOn, at.now() + days(90))
    assert.equal(at.vault.current('connection')!.expiresOn, at.now() + days(90))
    assert.equal(at.effects.includes('put'), false)
  })

  for (const held of ['nothing', 'a live key'] as const) {
    test(`Adopting counts a key from its creation, where the service says when that was and the vault holds ${held}`, async () => {
      const at = stand({ says: 'created' })
      const begins = at.now()
      if (held === 'a live key') at.vault.put('lead', at.service.keys()['B']!)
      await at.wait(days(1))

      const outcome = await outcomeOf(at)

      assert.deepEqual([outcome.status, outcome.reason], ['changed', 'adopted'])
      const created = begins - days(30)
      assert.deepEqual([lead(at).stamps?.rotatedAt, lead(at).stamps?.createdAfter], [created, created - clockBound])
    })
  }

  test('Adopting believes no creation that is later than the version that holds the key', async () => {
    const stored = stand().now()
    const [late, near] = [
      stand({ says: 'created', firstKeysSaid: stored + clockBound + 1 }),
      stand({ says: 'created', firstKeysSaid: stored + clockBound }),
    ]
    for (const at of [late, near]) {
      at.vault.put('lead', at.service.keys()['A']!)
      await at.wait(days(1))
      await outcomeOf(at)
    }

    assert.deepEqual([lead(late).stamps?.rotatedAt, lead(late).stamps?.createdAfter], [stored, undefined])
    assert.deepEqual([lead(near).stamps?.rotatedAt, lead(near).stamps?.createdAfter], [stored, stored - clockBound])
  })

  test('A revoke takes an adopted key that was created before it, and leaves one that was created after it', async () => {
    const keys = []
    for (const before of [days(29), days(31)]) {
      const at = stand({ says: 'created' })
      await outcomeOf(at, { revokeBefore: at.now() - before })
      keys.push(at.leadKey())
    }

    assert.notEqual(keys[0], 'k0')
    assert.equal(keys[1], 'k0')
  })

  test('A key that is adopted past its time is rotated once consumers have had it for the overlap', async () => {
    const at = stand({ says: 'created', target: { rotateEvery: days(20) } })
    await outcomeOf(at)

    const early = await outcomeOf(at)
    await at.wait(days(2) + minutes(1))
    const late = await outcomeOf(at)

    assert.deepEqual([early.status, early.reason], ['waiting', 'cooling'])
    assert.deepEqual([late.status, late.reason], ['changed', 'due'])
  })

  test('Adopting one output leaves the tags of the others as they are', async () => {
    const at = await rotatedStand(two)
    const { value } = at.vault.current('connection')!
    const before = lead(at).stamps
    at.vault.put('connection', value!.reveal())

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.reason, lead(at).stamps], ['adopted', before])
    assert.equal(at.vault.current('connection')!.stamps?.createdAfter, before?.createdAfter)
  })

  test('Adopting the other slot’s key, written over ours by hand, remembers how old both are', async () => {
    const at = await rotatedStand()
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(days(3))
    const { createdAfter, standbyCreatedAfter } = lead(at).stamps!
    at.vault.put('lead', at.service.keys()['B']!)

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.reason, outcome.slot], ['adopted', 'B'])
    assert.deepEqual(
      [lead(at).stamps?.createdAfter, lead(at).stamps?.standbyCreatedAfter],
      [standbyCreatedAfter, createdAfter],
    )
  })

  test('Adopting a live key leaves the expiry that it has', async () => {
    const at = stand()
    const metadata = { expiresOn: at.now() + days(12) } as Parameters<Stand['vault']['put']>[2]
    at.vault.put('lead', at.service.keys()['A']!, metadata)

    await at.reconcile()

    assert.equal(lead(at).expiresOn, at.now() + days(12))
  })

  test('Adopting takes over an unmanaged secret when the target says so', async () => {
    const at = stand({ target: { adopt: true } })
    at.vault.put('lead', 'something else')

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, at.works()], ['changed', true])
  })
})

describe('What is written', () => {
  test('Every version of every output has an expiry, the target’s tag, its slot and its address', async () => {
    const at = await rotatedStand(two)

    for (const name of ['lead', 'connection']) {
      const stored = at.vault.current(name)! as ReturnType<Stand['vault']['put']> & { validityDays: number }
      assert.equal(stored.expiresOn, stored.created + days(90))
      assert.deepEqual([stored.slot, stored.address, stored.validityDays], ['B', '/stand/target', 90])
      assert.deepEqual([stored.stamps?.target, stored.stamps?.reason], ['target', 'requested'])
    }
  })

  test('Tags of others go from version to version', async () => {
    const at = await rotatedStand(two)
    at.vault.patch('lead', lead(at).version, { otherTags: { team: 'blue' } })
    at.vault.patch('connection', at.vault.current('connection')!.version, { otherTags: { team: 'red' } })

    await at.reconcile({ createdAfter: at.now() })

    assert.deepEqual(lead(at).otherTags, { team: 'blue' })
    assert.deepEqual(at.vault.current('connection')!.otherTags, { team: 'red' })
  })

  test('The lead is written last', async () => {
    const at = await rotatedStand(two)
    at.fault({ on: 'put', nth: 2, what: 'crash before' })
    const before = lead(at).version

    await at.reconcile({ createdAfter: at.now() })

    assert.equal(lead(at).version, before)
    assert.notEqual(at.vault.current('connection')!.value!.reveal(), `connection=${at.leadKey()}`)
  })

  test('An output that is the same for all slots gets no new version, and its expiry moves along', async () => {
    const secrets = [
      { name: 'lead', output: 'key' },
      { name: 'workspace', output: 'workspaceId' },
    ] as const
    const at = await rotatedStand({ target: { secrets } })
    const before = at.vault.current('workspace')!

    await at.reconcile({ createdAfter: at.now() })

    const after = at.vault.current('workspace')!
    assert.equal(after.version, before.version)
    assert.deepEqual([after.slot, after.expiresOn], ['A', at.now() + days(90)])
  })

  test('A rotation writes the record of its request, the key and the record of its announcement, and nothing else', async () => {
    const at = await rotatedStand()
    const before = at.effects.length

    await at.reconcile({ createdAfter: at.now() })

    assert.deepEqual(at.effects.slice(before), ['patch', 'regenerate', 'put', 'announce', 'patch'])
    assert.equal(lead(at).stamps?.pending, undefined)
  })
})

describe('Announcing', () => {
  test('What a worker stored before it crashed is announced by the next, once more under the same id', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'announce', what: 'crash after' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(minutes(2))

    const outcome = await outcomeOf(at)

    const announced = at.events.filter(({ id }) => id === lead(at).version)
    assert.deepEqual([outcome.status, outcome.reason], ['changed', 'unannounced'])
    assert.equal(announced.length, 2)
    assert.deepEqual({ ...announced[1]!, time: 0, data: { ...announced[1]!.data } }, { ...announced[0]!, time: 0 })
  })

  test('A crash between storing and announcing is made up for by the next worker', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'put', what: 'crash after' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(minutes(2))

    await at.reconcile()

    assert.equal(at.events.at(-1)?.id, lead(at).version)
    assert.equal(at.events.at(-1)?.data.reason, 'requested')
    assert.equal((await outcomeOf(at)).status, 'current')
  })

  test('A version is announced with the note of the request that made it, whoever announces it', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'announce', what: 'crash before' })
    await at.reconcile({ createdAfter: at.now(), note: 'the first' })
    await at.wait(minutes(2))

    await at.reconcile({ createdAfter: at.now() - minutes(2), note: 'the second' })

    assert.deepEqual([at.events.at(-1)?.id, at.events.at(-1)?.data.note], [lead(at).version, 'the first'])
  })

  test('An output repaired before its lead was announced is announced with it', async () => {
    const at = await rotatedStand(two)
    at.fault({ on: 'announce', what: 'crash before' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(minutes(2))
    at.vault.put('connection', 'overwritten by hand')
    const before = at.events.length

    await at.reconcile()

    assert.deepEqual(
      at.events.slice(before).map(({ id }) => id),
      [lead(at).version],
    )
    assert.equal((await outcomeOf(at)).status, 'current')
  })

  test('An output that was repaired later is announced under its own version, and the lead is not announced again', async () => {
    const at = await rotatedStand(two)
    at.vault.put('connection', 'overwritten by hand')
    await at.wait(minutes(1))
    const before = at.events.length

    const outcome = await outcomeOf(at)

    const repaired = at.vault.current('connection')!
    assert.deepEqual([outcome.status, outcome.reason], ['changed', 'drifted'])
    assert.deepEqual(
      at.events.slice(before).map(({ id, type }) => [id, type]),
      [[repaired.version, 'Rekey.KeyPublished']],
    )
    assert.equal(repaired.value!.reveal(), `connection=${at.leadKey()}`)
    assert.equal((await outcomeOf(at)).status, 'current')
  })
})

describe('Drift', () => {
  test('A key regenerated by hand is published at the next resync, and nothing is regenerated for it', async () => {
    const at = await rotatedStand(two)
    const before = at.regenerated.length
    at.service.regenerate('B')
    const { rotatedAt } = lead(at).stamps!

    const outcome = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.slot], ['changed', 'drifted', 'B'])
    assert.deepEqual([at.works(), at.regenerated.length], [true, before])
    assert.equal(lead(at).stamps?.rotatedAt, rotatedAt)
  })
})

describe('A preview', () => {
  test('A preview says what a reconcile would do, and until when it would wait', async () => {
    const at = await rotatedStand(two)
    const { version } = lead(at)

    const idle = await at.preview()
    const rotation = await at.preview({ createdAfter: at.now() })
    const promote = await at.preview({ promote: { slot: 'A', from: version } })
    const swap = await at.preview({ swap: { slot: 'A', from: version } })
    const revoke = await at.preview({ revokeBefore: lead(at).stamps!.createdAfter! })
    await at.reconcile({ createdAfter: at.now() })
    const cooling = await at.preview({ createdAfter: at.now() + seconds(1) })

    assert.deepEqual([idle.slot, idle.plan, idle.slots, idle.stored?.version], ['B', undefined, ['A', 'B'], version])
    assert.deepEqual(rotation.plan, { reason: 'requested', steps: ['regenerate A', 'publish A', 'announce'] })
    assert.deepEqual(promote.plan, { reason: 'promoted', steps: ['publish A', 'announce'] })
    assert.deepEqual(swap.plan, { reason: 'swapped', steps: ['swap, so that the active key is in A'] })
    assert.deepEqual(revoke.plan, { reason: 'revoked', steps: ['regenerate A', 'publish nothing', 'announce'] })
    const until = lead(at).created + days(2) + minutes(1)
    assert.deepEqual(cooling.plan, { reason: 'cooling', until, steps: [] })
  })

  test('A preview of what is not in the vault yet, or unmanaged, says so', async () => {
    const at = stand()
    const { planOf: _, ...empty } = await at.preview()
    at.vault.put('lead', at.service.keys()['B']!)
    const live = await at.preview()
    at.vault.put('lead', 'rubbish')
    const unmanaged = await at.preview()

    assert.deepEqual(empty, { slots: ['A', 'B'], plan: { reason: 'adopted', steps: ['publish A', 'announce'] } })
    assert.deepEqual([live.slot, live.plan?.steps], ['B', ['tag as B', 'announce']])
    assert.deepEqual([unmanaged.slot, unmanaged.plan], [undefined, { reason: 'unmanaged', steps: [] }])
  })

  test('A preview takes no lease and has no effect', async () => {
    const at = await rotatedStand(two)
    const { version } = lead(at)
    const before = [at.effects.length, at.events.length, at.queued.length]
    const requests: Partial<RotationRequest>[] = [
      {},
      { createdAfter: at.now() },
      { promote: { slot: 'A', from: version } },
      { swap: { slot: 'A', from: version } },
      { revokeBefore: at.now() },
    ]
    at.fault({ on: 'acquire', what: 'refused' })
    at.fault({ on: 'regenerate', what: 'refused' })
    const vault = JSON.stringify(lead(at))

    for (const desired of requests) await at.preview(desired)

    assert.deepEqual([at.effects.length, at.events.length, at.queued.length], before)
    assert.equal(JSON.stringify(lead(at)), vault)
  })
})

test('A repair that finds only the other slot’s key working publishes that, with its age', async () => {
  const at = await rotatedStand()
  await at.reconcile({ createdAfter: at.now() })
  await at.wait(days(3))
  const { createdAfter, standbyCreatedAfter } = lead(at).stamps!
  at.slowBy(days(9))
  at.service.regenerate('A')
  await at.wait(hours(1))

  const outcome = await outcomeOf(at)

  assert.deepEqual([outcome.reason, outcome.slot, at.works()], ['drifted', 'B', true])
  assert.deepEqual(
    [lead(at).stamps?.createdAfter, lead(at).stamps?.standbyCreatedAfter],
    [standbyCreatedAfter, createdAfter],
  )
})

test('Whatever is asked for, asking once more changes nothing more', async () => {
  const desired = fc.constantFrom('resync', 'fresh', 'force', 'promote', 'swap', 'revoke', 'at once')
  const waits = fc.constantFrom(0, minutes(7), days(3), days(61))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom({}, two, { slots: 1 } as const, { both: true }),
      fc.array(fc.tuple(desired, waits), { minLength: 1, maxLength: 6 }),
      async (options, requests) => {
        const at = stand(options)
        await at.reconcile()
        for (const [kind, wait] of requests) {
          await at.wait(wait)
          const request = requestFor(kind, at)
          for (let tries = 0; tries < 3; tries++) {
            await at.reconcile(request)
            await at.wait(minutes(7))
          }
          const before = at.effects.length

          const again = await outcomeOf(at, request)

          assert.equal(at.effects.length, before, `${kind}: ${again.reasons}`)
          assert.ok(at.works())
        }
      },
    ),
    { numRuns: 150 },
  )
})

function requestFor(kind: string, at: Stand): Partial<RotationRequest> {
  const move = { slot: lead(at).slot === 'A' ? 'B' : 'A', from: lead(at).version }
  switch (kind) {
    case 'fresh':
      return { createdAfter: at.now() }
    case 'force':
      return { createdAfter: at.now(), force: true }
    case 'promote':
      return { promote: move }
    case 'swap':
      return { swap: move }
    case 'revoke':
      return { revokeBefore: at.now() }
    case 'at once':
      return { revokeBefore: at.now(), atOnce: true }
    default:
      return {}
  }
}
