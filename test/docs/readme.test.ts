// Room: tests of the docs. The README: its calls, tables, fields and sums are the code's.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { seedSampleFleet } from '../../simulator/local/fleet.ts'
import { summary, table, whatNow } from '../../simulator/local/show.ts'
import { providers } from '../../src/providers/index.ts'
import { type SettingName, settingNames } from '../../src/settings/names.ts'
import { policyFields, targetFields } from '../../src/targets/fields.ts'
import { blocks, documents, quoted, rows, section, textOf } from './markdown.ts'

const readme = documents.get('README.md')!
const code = (file: string) => textOf(`src/functions/${file}`)

describe('the README', () => {
  test('has the calls that npm start prints, word for word but for the keys', () => {
    const functions = new Proxy({}, { get: (_, name) => `<${String(name)}>` })
    const host = { url: 'http://127.0.0.1:7071', keys: { functions, host: '<host>', master: '<master>' } }
    const { topicHost } = seedSampleFleet(simulatedCloud())
    const estate = { management: 'http://127.0.0.1:<port>/simulator', folder: '', settings: {}, fleet: { topicHost } }
    const callsIn = (text: string) => text.split('\n').flatMap((line) => /(?:for i in .*)?curl -s .*/.exec(line) ?? [])

    const printed = callsIn(whatNow(host as never, estate as never))

    assert.ok(printed.length > 10)
    assert.deepEqual(callsIn(section(readme, 'Try it')), printed)
  })

  test('shows the table of the sample fleet, with its head and its services', () => {
    const [shown] = blocks(section(readme, 'Try it'), 'text')
    const { targets } = seedSampleFleet(simulatedCloud()).targets as {
      targets: { name: string; provider: string }[]
    }
    const [lists, total] = shown!.trim().split('\n\n')
    const words = lists!.split('\n')

    const [head, ...lines] = words.map((line) => line.split(/ {2,}/))

    assert.deepEqual(head, table([]).split(/ {2,}/))
    assert.deepEqual(
      lines.map(([name, provider]) => ({ name, provider })),
      targets.map(({ name, provider }) => ({ name, provider })),
    )
    const { expected } = seedSampleFleet(simulatedCloud())
    assert.equal(total, summary(Object.values(expected).map((status) => ({ status })) as never))
  })

  test('has every setting, as the code reads it', () => {
    const expected = settingNames.map((setting: SettingName) => [
      `\`${setting.name}\``,
      setting.required,
      setting.default === undefined ? '' : `\`${setting.default}\``,
      setting.what,
    ])

    assert.deepEqual(rows(section(readme, 'Settings')), expected)
  })

  test('has every route with its function and its role', () => {
    const registered = [
      ...`${code('commands.ts')}\n${code('status.ts')}`.matchAll(
        /route\(\s*'(\w+)',\s*'(\w+)',\s*'([^']+)',\s*async \(\) => \(await import\('\.\/([\w/.-]+)'\)\)\.(\w+),?\s*\)/g,
      ),
    ].map(([, name, method, path, file, handler]) => {
      const [, roles] = new RegExp(`export const ${handler}: Handler = \\{\\s+roles: \\[([^\\]]+)\\]`).exec(
        code(file!),
      )!
      const role = roles!.includes(',') ? 'any' : `\`${roles!.replaceAll("'", '')}\``
      return [`\`${method} /api/${path}\``, `\`${name}\``, role]
    })

    const told = rows(section(readme, 'HTTP')).map((cells) => cells.slice(0, 3))

    assert.ok(registered.length > 5)
    assert.deepEqual(told.toSorted(), registered.toSorted())
  })

  test('has every type of event', () => {
    const [, union] = /export type EventType =([^\n]*(?:\n {2}\|[^\n]*)+)/.exec(textOf('src/rotation/events.ts'))!

    const told = rows(section(readme, 'Events')).map(([type]) => type!.replaceAll('`', ''))

    assert.deepEqual(told, union!.match(/Rekey\.\w+/g))
  })

  test('has every field of a target, and the defaults that the schema tells', () => {
    const cells = rows(section(readme, 'targets.json'))
    const fields = targetFields('vault.azure.net', undefined)
    const own = providers.flatMap(({ resource }) => Object.keys(resource.shape))

    const told = cells.map(([field]) => field!.replaceAll('`', ''))

    assert.deepEqual(told.toSorted(), [...new Set(['provider', ...Object.keys(fields), ...own])].sort())
    // The schema for editors is made of the same fields, and says their defaults in words.
    const schema = textOf('targets.schema.json').matchAll(/"(\w+)": \{[^{}]*?"description": "[^"]*default ([A-Z]\w+)/g)
    const defaults = new Map([...schema].map(([, name, fallback]) => [name!, fallback!]))
    assert.ok(defaults.size >= 3)
    for (const [name, fallback] of defaults) {
      assert.equal(cells.find(([cell]) => cell === `\`${name}\``)![1], `\`${fallback}\``, name)
    }
    const [, listed] = /`defaults` may hold ([^;]+);/.exec(readme)!
    assert.deepEqual(quoted(listed!).sort(), Object.keys(policyFields('vault.azure.net')).sort())
  })

  test('reckons its costs right', () => {
    const cells = rows(section(readme, 'What it costs'))
    const shown = (name: string) =>
      cells
        .find(([first]) => first!.startsWith(name))!
        .slice(2)
        .map((text) => Number(text.replaceAll(',', '')))
    const schedule: SettingName = settingNames.find(({ name }) => name === 'ROTATION_SCHEDULE')!
    const [, every] = /^0 \*\/(\d+) \* \* \* \*$/.exec(schedule.default!)!
    const ticks = (30 * 24 * 60) / Number(every)

    for (const [column, count] of [10, 1000, 10_000].entries()) {
      const [looks, rotations] = [30 * count, count / 2]
      const expected = {
        ticks,
        looks,
        rotations,
        'function executions': ticks + looks + rotations,
        'vault operations': ticks * Math.ceil(count / 25) + looks + 4 * rotations,
        'storage operations': 7 * (looks + rotations) + ticks,
        'Event Grid operations': 2 * rotations,
        'control plane calls': looks + 2 * rotations,
      }
      for (const [name, value] of Object.entries(expected)) assert.equal(shown(name)[column], value, name)
    }
  })
})
