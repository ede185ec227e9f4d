// The tables in docs/reference/ are those of the code.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SettingName, settingNames } from '../../src/config/setting-names.ts'
import { policyFields, targetFields } from '../../src/config/targets/fields.ts'
import { formatDuration } from '../../src/engine/duration.ts'
import type { EventType } from '../../src/engine/events.ts'
import { vaultAllowance } from '../../src/engine/pace.ts'
import { errorCodes } from '../../src/engine/rekey-error.ts'
import { callLimit, clockBound, leaseLength, settle } from '../../src/engine/target.ts'
import { problems } from '../../src/functions/http/problem.ts'
import { providers } from '../providers/all-providers.ts'
import { documents, quoted, rows, section, textOf } from './markdown.ts'

const reference = (name: string) => documents.get(`docs/reference/${name}.md`)!
const code = (file: string) => textOf(`src/functions/${file}`)

describe('docs/reference', () => {
  test('settings.md has every setting, as the code reads it', () => {
    const expected = settingNames.map((setting: SettingName) => [
      `\`${setting.name}\``,
      setting.required,
      setting.default === undefined ? '' : `\`${setting.default}\``,
      setting.what,
    ])

    assert.deepEqual(rows(reference('settings')), expected)
  })

  test('http-api.md has every route with its function and its role', () => {
    const registered = [
      ...code('http/routes.ts').matchAll(
        /route\(\s*'(\w+)',\s*'(\w+)',\s*'([^']+)',\s*async \(\) => \(await import\('\.\/([\w/.-]+)'\)\)\.(\w+),?\s*\)/g,
      ),
    ].map(([, name, method, path, file, handler]) => {
      const [, roles] = new RegExp(`export const ${handler}: Handler = \\{\\s+roles: \\[([^\\]]+)\\]`).exec(
        code(`http/${file}`),
      )!
      const role = roles!.includes(',') ? 'any' : `\`${roles!.replaceAll("'", '')}\``
      return [`\`${method} /api/${path}\``, `\`${name}\``, role]
    })

    const documented = rows(reference('http-api')).map((cells) => cells.slice(0, 3))

    assert.ok(registered.length > 5)
    assert.deepEqual(documented.toSorted(), registered.toSorted())
  })

  test('events.md has every type of event', () => {
    const types = {
      'Rekey.KeyRotated': true,
      'Rekey.KeyPublished': true,
      'Rekey.KeyRetired': true,
      'Rekey.KeyPending': true,
      'Rekey.RotationFailed': true,
      'Rekey.RotationOverdue': true,
    } satisfies Record<EventType, true>

    const documented = rows(reference('events')).map(([type]) => type!.replaceAll('`', ''))

    assert.deepEqual(documented, Object.keys(types))
  })

  test('targets-file.md has every field of a target, with the defaults of the schema', () => {
    const cells = rows(section(reference('targets-file'), 'Fields of a target'))
    const fields = targetFields('vault.azure.net', undefined)
    const own = providers.flatMap(({ resource }) => Object.keys(resource.shape))

    const documented = cells.map(([field]) => field!.replaceAll('`', ''))

    assert.deepEqual(documented.toSorted(), [...new Set(['provider', ...Object.keys(fields), ...own])].sort())
    // The schema for editors is made of the same fields, and has their defaults in words.
    const schema = textOf('targets.schema.json').matchAll(/"(\w+)": \{[^{}]*?"description": "[^"]*default ([A-Z]\w+)/g)
    const defaults = new Map([...schema].map(([, name, fallback]) => [name!, fallback!]))
    assert.ok(defaults.size >= 3)
    for (const [name, fallback] of defaults) {
      assert.equal(cells.find(([cell]) => cell === `\`${name}\``)![1], `\`${fallback}\``, name)
    }
    const [, listed] = /`defaults` may hold ([^;]+);/.exec(reference('targets-file'))!
    assert.deepEqual(quoted(listed!).sort(), Object.keys(policyFields('vault.azure.net')).sort())
  })

  test('error-codes.md has every code with its HTTP status, its meaning and a remedy', () => {
    const documented = rows(reference('error-codes'))

    assert.deepEqual(
      documented.map(([name, status]) => [name, status]),
      errorCodes.map((name) => [`\`${name}\``, String(problems[name][0])]),
    )
    assert.ok(documented.every(([, , meaning, remedy]) => meaning && remedy))
  })

  test('alerts.md has every alert of the infrastructure', () => {
    const titles = [...textOf('infra/app/alerts.bicep').matchAll(/^ +title: '([^']+)'/gm)].map(([, title]) => title)

    assert.deepEqual(
      rows(reference('alerts')).map(([title]) => title),
      titles,
    )
  })

  test('numbers.md has the durations of the engine', () => {
    const documented = rows(section(reference('numbers'), 'Engine')).map(([, value]) => value)

    assert.deepEqual(
      documented,
      [settle, clockBound, leaseLength, callLimit].map((each) => `\`${formatDuration(each)}\``),
    )
  })

  test('numbers.md has what the schedule allows itself of each limit', () => {
    const allowed = [...providers.map(({ allowance }) => allowance), vaultAllowance].map(
      ({ burst, perSecond }) => `${burst}, then ${perSecond}`,
    )

    const documented = rows(section(reference('numbers'), 'Pacing')).map(
      ([, burst, perSecond]) => `${burst}, then ${perSecond}`,
    )

    assert.deepEqual(new Set(documented), new Set(allowed))
  })
})
