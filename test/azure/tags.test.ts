// The tags written beside a secret, and read back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeTags, parseTags } from '../../src/azure/tags.ts'
import type { SecretMetadata } from '../../src/engine/ports.ts'
import { errorCodes } from '../../src/engine/rekey-error.ts'
import type { Stamps } from '../../src/engine/stored-secret.ts'

const seed = Number(process.env['SEED'] ?? 20_261_121)
const at = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2037, 0, 1) })

const stamps: fc.Arbitrary<Stamps> = fc.record(
  {
    target: fc.string({ minLength: 1, maxLength: 40 }),
    rotatedAt: at,
    createdAfter: at,
    standbyCreatedAfter: at,
    pending: fc.oneof(
      fc.record({ state: fc.constant('requested' as const), since: at }),
      fc.record(
        { state: fc.constant('created' as const), since: at, unanswered: at, notified: fc.constant(true as const) },
        { requiredKeys: ['state', 'since'] },
      ),
      fc.record(
        { state: fc.constant('unanswered' as const), since: at, notified: fc.constant(true as const) },
        { requiredKeys: ['state', 'since'] },
      ),
      fc.record({ state: fc.constant('retired' as const), since: at }),
    ),
    took: fc.integer({ min: 1, max: 100_000 }).map((whole) => whole * 1000),
    proven: fc.boolean(),
    behind: fc.constant(true as const),
    retire: fc.boolean(),
    announced: fc.boolean(),
    reason: fc.constantFrom('due', 'requested', 'swapped', 'adopted'),
    actor: fc.string({ maxLength: 20 }),
    failed: fc.record({ code: fc.constantFrom('Throttled', 'LeaseLost'), at }),
  },
  { requiredKeys: ['target'] },
)

function metadata(more: Partial<SecretMetadata> = {}): SecretMetadata {
  return {
    stamps: { target: 'vision' },
    slot: 'Key1',
    address: '/subscriptions/s',
    validityDays: 90,
    expiresOn: 0,
    otherTags: {},
    ...more,
  }
}

test(`Stamps are decoded as they were written, to the millisecond (seed ${seed})`, () => {
  fc.assert(
    fc.property(stamps, (written) => {
      const tags = encodeTags(metadata({ stamps: written }))

      assert.deepEqual(parseTags(tags).stamps, structuredClone(written))
    }),
    { seed },
  )
})

test(`No tag makes the parser throw (seed ${seed})`, () => {
  const rubbish = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('{"target":1}', '{"target":"t","rotatedAt":"x"}', 'null'),
  )
  fc.assert(
    fc.property(rubbish, (rekey) => {
      const { otherTags } = parseTags({ rekey, owner: 'me' })

      assert.deepEqual(otherTags, { owner: 'me' })
    }),
    { seed },
  )
})

test('A tag that cannot be read has no stamps', () => {
  assert.equal(parseTags({ rekey: '{"target":"vision","rotatedAt":"yesterday"}' }).stamps, undefined)
  assert.equal(parseTags({ rekey: '{"target":"' }).stamps, undefined)
})

test('Fields of a later version are ignored, and the rest is kept', () => {
  const { stamps } = parseTags({ rekey: '{"target":"vision","reason":"blessed","colour":"red","announced":true}' })

  assert.deepEqual(stamps, { target: 'vision', announced: true })
})

test('Our tags are Microsoft’s three and one of our own, in ISO 8601, beside the tags of others', () => {
  const rotatedAt = Date.UTC(2026, 10, 21, 3, 4, 5, 678)

  const tags = encodeTags(metadata({ stamps: { target: 'vision', rotatedAt }, otherTags: { owner: 'me' } }))

  assert.deepEqual(tags, {
    owner: 'me',
    rekey: '{"target":"vision","rotatedAt":"2026-11-21T03:04:05.678Z"}',
    CredentialId: 'Key1',
    ProviderAddress: '/subscriptions/s',
    ValidityPeriodDays: '90',
  })
})

test('Tags that Microsoft’s templates wrote are read as a hint', () => {
  const read = parseTags({ CredentialId: 'key2', ProviderAddress: '/subscriptions/x', ValidityPeriodDays: '60' })

  assert.deepEqual(read, { slot: 'key2', address: '/subscriptions/x', validity: '60', otherTags: {} })
})

test('More than fifteen tags are refused before anything is sent', () => {
  const otherTags = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`t${n}`, 'x']))

  assert.throws(() => encodeTags(metadata({ otherTags })), { code: 'TagsTooLarge' })
})

test('A tag over 512 characters is refused, and named without its value', () => {
  const otherTags = { essay: 'x'.repeat(513) }

  assert.throws(
    () => encodeTags(metadata({ otherTags })),
    (error: Error) => /essay/.test(error.message) && !/xxx/.test(error.message),
  )
})

test('An actor with a very long name is cut rather than stopping the rotation', () => {
  const now = Date.UTC(2026, 0, 1)
  const full: Stamps = {
    target: 'vision',
    rotatedAt: now,
    createdAfter: now,
    standbyCreatedAfter: now,
    pending: { state: 'requested', since: now },
    reason: 'requested',
  }

  const tags = encodeTags(metadata({ stamps: { ...full, actor: '"\u{1F511}'.repeat(200) } }))

  assert.ok(tags['rekey']!.length <= 512)
  assert.deepEqual({ ...parseTags(tags).stamps, actor: undefined }, { ...full, actor: undefined })
})

test('An actor that is cut is cut between characters', () => {
  for (const start of ['', 'a']) {
    const tags = encodeTags(metadata({ stamps: { target: 'vision', actor: start + '😀'.repeat(300) } }))

    const { actor } = parseTags(tags).stamps!
    assert.ok(tags['rekey']!.length <= 512)
    assert.match(actor!, /^a?(😀)+\ufffd?$/u)
  }
})

test(`The fullest stamps that the engine writes fit into a tag, and only the actor is cut (seed ${seed})`, () => {
  // Every field, so that a new one cannot be left out here.
  type Fullest = Required<Omit<Stamps, 'pending' | 'standbyCreatedAfter'>> & { failed: Required<Stamps['failed']> }
  const most: fc.Arbitrary<Fullest> = fc
    .record({
      target: fc.string({ unit: fc.constantFrom('a', 'Z', '9', '-'), minLength: 1, maxLength: 63 }),
      rotatedAt: at,
      createdAfter: at,
      waits: fc.oneof(
        fc.record({
          standbyCreatedAfter: at,
          pending: fc.oneof(
            fc.record({ state: fc.constant('requested' as const), since: at }),
            fc.record({ state: fc.constant('retired' as const), since: at }),
          ),
        }),
        fc.record({
          standbyCreatedAfter: at,
          pending: fc.record({
            state: fc.constant('unanswered' as const),
            since: at,
            notified: fc.constant(true as const),
          }),
        }),
        // A key that waits takes the place of `standbyCreatedAfter`.
        fc.record({
          pending: fc.record({
            state: fc.constant('created' as const),
            since: at,
            unanswered: at,
            notified: fc.constant(true as const),
          }),
        }),
      ),
      took: fc.constant(3_600_000),
      proven: fc.boolean(),
      behind: fc.constant(true as const),
      retire: fc.constant(true),
      announced: fc.boolean(),
      reason: fc.constantFrom('interrupted', 'unannounced'),
      actor: fc.string({ unit: 'grapheme', maxLength: 300 }),
      failed: fc.record({
        code: fc.constantFrom(...errorCodes),
        at,
        step: fc.constant('observe' as const),
        request: fc.string({ unit: fc.constantFrom('a', '0', '-', '/'), minLength: 48, maxLength: 48 }),
      }),
    })
    .map(({ waits, ...rest }) => ({ ...rest, ...waits }))
  fc.assert(
    fc.property(most, fc.string({ unit: 'grapheme', maxLength: 256 }), (written, note) => {
      const tags = encodeTags(metadata({ stamps: written, note, otherTags: {} }))

      assert.ok(tags['rekey']!.length <= 512 && (tags['rekey-note'] ?? '').length <= 512)
      const { actor, ...read } = parseTags(tags).stamps!
      const { actor: _, ...expected } = written
      assert.deepEqual(read, structuredClone(expected))
      assert.ok(
        actor === undefined ||
          actor.replace(/\ufffd$/, '') === written.actor!.slice(0, actor.replace(/\ufffd$/, '').length),
      )
    }),
    { seed, numRuns: 500 },
  )
})

test('A note has a tag of its own, cut to what Key Vault takes; without a note there is no such tag', () => {
  const noted = encodeTags(metadata({ note: 'seen in a log' }))
  const long = encodeTags(metadata({ note: 'x'.repeat(600) }))

  assert.deepEqual(
    [noted['rekey-note'], parseTags(noted).note, parseTags(noted).otherTags],
    ['seen in a log', 'seen in a log', {}],
  )
  assert.equal(long['rekey-note']!.length, 512)
  assert.deepEqual(
    ['rekey-note' in encodeTags(metadata()), 'rekey-note' in encodeTags(metadata({ note: '' }))],
    [false, false],
  )
})
