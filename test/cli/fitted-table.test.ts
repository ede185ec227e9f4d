// Tables that fit the terminal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitted, listed, moment } from '../../scripts/rekey/fitted-table.ts'

const columns = [
  { title: 'NAME', of: ({ name }: Row) => name },
  { title: 'PROVIDER', of: ({ provider }: Row) => provider, spare: 1 },
  { title: 'VAULT', of: ({ vault }: Row) => vault, spare: 2 },
]
interface Row {
  readonly name: string
  readonly provider?: string
  readonly vault?: string
}
const rows: readonly Row[] = [
  { name: 'vision', provider: 'cognitive-services', vault: 'https://kv-prod.vault.azure.net' },
  { name: 'x' },
]

test('A wide terminal shows every column, without spaces at the ends of lines', () => {
  assert.deepEqual(fitted(columns, rows, 100).split('\n'), [
    'NAME    PROVIDER            VAULT',
    'vision  cognitive-services  https://kv-prod.vault.azure.net',
    'x',
  ])
})

test('A narrow terminal leaves out the columns that can best be spared, first the first one', () => {
  assert.deepEqual(fitted(columns, rows, 40).split('\n')[0], 'NAME    PROVIDER')
  assert.deepEqual(fitted(columns, rows, 20).split('\n'), ['NAME', 'vision', 'x'])
})

test('A column that can be spared is left out where no row has a value for it', () => {
  assert.deepEqual(fitted(columns, [{ name: 'x', vault: 'y' }], 100).split('\n'), ['NAME  VAULT', 'x     y'])
})

test('A column that stays is cut where it is too wide: of an address the end is kept', () => {
  const long = [{ title: 'PLACE', of: (place: string) => place }]

  assert.equal(fitted(long, ['/subscriptions/1/resourceGroups/ai'], 12).split('\n')[1], '…ceGroups/ai')
  assert.equal(fitted(long, ['a sentence that is too long'], 12).split('\n')[1], 'a sentence …')
})

test('No line of a table is wider than the terminal', () => {
  for (let width = 8; width < 70; width++) {
    const widest = Math.max(
      ...fitted(columns, rows, width)
        .split('\n')
        .map((line) => line.length),
    )
    assert.ok(widest <= width, `${widest} > ${width}`)
  }
})

test('A table may have more rows than a function may have arguments', () => {
  const many = Array.from({ length: 200_000 }, (_, at) => ({ name: String(at) }))

  assert.equal(fitted(columns, many, 80).split('\n').length, 200_001)
})

test('A list leaves out what has no value, and breaks no line', () => {
  const shown = listed([
    ['name', 'x'],
    ['none', undefined],
    ['what to do', 'az role assignment create --role "Key Vault Secrets Officer"'],
  ])

  assert.deepEqual(shown.split('\n'), [
    'name        x',
    'what to do  az role assignment create --role "Key Vault Secrets Officer"',
  ])
})

test('A moment is shown to the minute, in UTC', () => {
  assert.equal(moment('2026-11-21T23:20:59.123Z'), '2026-11-21 23:20Z')
  assert.equal(moment(undefined), '')
  assert.equal(moment('soon'), 'soon')
})
