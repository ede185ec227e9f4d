// A secret stays one, whatever is done to print it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from '../../src/engine/secret.ts'

const value = 'not-to-be-seen'
const secret = Secret.of(value)
const nested = { credential: { key: secret }, list: [secret], map: new Map([['key', secret]]), set: new Set([secret]) }

const ways: readonly (readonly [way: string, print: () => string])[] = [
  ['String()', () => String(secret)],
  ['a template', () => `${secret}`],
  ['concatenation', () => '' + secret],
  ['joining an array', () => [secret].join()],
  ['toLocaleString', () => [secret].toLocaleString()],
  ['JSON', () => JSON.stringify(secret)],
  ['JSON of what it is in', () => JSON.stringify({ ...nested, map: [...nested.map], set: [...nested.set] })],
  ['inspect', () => inspect(secret)],
  ['inspect of what it is in', () => inspect(nested, { depth: 9, showHidden: true, getters: true })],
  ['inspect without custom functions of the value', () => inspect({ secret }, { showProxy: true, depth: 0 })],
  ['a log line', () => format('published %s %o %O %j', secret, secret, nested, secret)],
  ['the message of an error', () => new Error(`refused ${secret}`).message],
  ['an error that carries it', () => inspect(Object.assign(new Error('refused', { cause: { secret } }), { secret }))],
  ['an error thrown by map', () => messageOf(() => secret.map(() => ''))],
]

for (const [way, print] of ways) {
  test(`A secret is not shown by ${way}`, () => {
    const text = print()

    assert.equal(text.includes(value), false)
    if (!way.startsWith('an error thrown')) assert.match(text, /\[secret\]/)
  })
}

test('A secret has nothing to enumerate, copy or clone', () => {
  const whole = { ...secret }

  assert.deepEqual(Reflect.ownKeys(secret), [])
  assert.equal(inspect(whole).includes(value), false)
  assert.equal(inspect(structuredClone({ secret }), { depth: 9 }).includes(value), false)
  assert.equal(inspect(secret, { customInspect: false, showHidden: true }).includes(value), false)
})

test('A secret’s value is available through reveal alone', () => {
  assert.equal(secret.reveal(), value)
})

test('Secrets are equal by their value', () => {
  assert.equal(secret.equals(Secret.of(value)), true)
  assert.equal(secret.equals(Secret.of('other')), false)
  assert.equal(secret.equals(undefined), false)
})

test('What is derived from a secret is a secret', () => {
  const connection = secret.map((key) => `endpoint=x;accesskey=${key}`)

  assert.equal(connection.reveal(), `endpoint=x;accesskey=${value}`)
  assert.equal(String(connection), '[secret]')
})

test('An empty value is not a secret, nor is anything but text', () => {
  assert.throws(() => Secret.of(''), { name: 'TypeError', message: 'a secret must be a non-empty string' })
  assert.throws(() => Secret.of(undefined as unknown as string), TypeError)
  assert.throws(() => secret.map(() => ''), TypeError)
})

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return inspect(error)
  }
  return assert.fail('nothing was thrown')
}
