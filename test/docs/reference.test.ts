// The tables in docs/reference/ are those of the code.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SettingName, settingNames } from '../../src/config/setting-names.ts'
import { policyFields, targetFields } from '../../src/config/targets/target-fields.ts'
import { parseTargets } from '../../src/config/targets.ts'
import { formatDuration } from '../../src/engine/duration.ts'
import type { EventType } from '../../src/engine/events.ts'
import { vaultAllowance } from '../../src/engine/pace.ts'
import { errorCodes } from '../../src/engine/rekey-error.ts'
import { callLimit, clockBound, leaseLength, settle, type Target } from '../../src/engine/target.ts'
import { problems } from '../../src/functions/http/problem.ts'
import { literal, loadGrammar, named, parse, propertiesOf } from '../infra/bicep.ts'
import { providers } from '../providers/all-providers.ts'
import { mayCall, routes } from '../registered-app.ts'
import { blocks, documents, quoted, rows, section, textOf } from './markdown.ts'

const reference = (name: string) => documents.get(`docs/reference/${name}.md`)!
/** A title of an alert: a string of Bicep's, in which a quote is escaped. */
const unescaped = (text: string | undefined) => text?.replaceAll("\\'", "'")

await loadGrammar()

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

  test('http-api.md has every route with its function and the app role that it accepts', async () => {
    const appRoles = (JSON.parse(textOf('infra/scripts/app-roles.json')) as { value: string }[]).map(
      ({ value }) => value,
    )
    const registered: string[][] = []
    for (const { name, route } of routes) {
      const accepted: string[] = []
      for (const role of appRoles) if (await mayCall(name, role)) accepted.push(`\`${role}\``)
      const shown = accepted.length === appRoles.length ? 'any' : accepted.join(', ')
      registered.push([`\`${route.replace(' ', ' /api/')}\``, `\`${name}\``, shown])
    }

    const documented = rows(section(reference('http-api'), 'Routes')).map((cells) => cells.slice(0, 3))

    assert.deepEqual(documented.toSorted(), registered.toSorted())
  })

  test('events.md has every type of event', () => {
    const types = {
      'Rekey.KeyRotated': true,
      'Rekey.KeyPublished': true,
      'Rekey.KeyRetired': true,
      'Rekey.KeyPending': true,
      'Rekey.RotationFailed': true,
      'Rekey.RotationDue': true,
      'Rekey.RotationOverdue': true,
    } satisfies Record<EventType, true>

    const documented = rows(reference('events')).map(([type]) => type!.replaceAll('`', ''))

    assert.deepEqual(documented, Object.keys(types))
  })

  test('targets-file.md has every field that all targets share, and no field that no target has', () => {
    const cells = rows(section(reference('targets-file'), 'Fields of a target'))
    const fields = targetFields(policyFields('vault.azure.net'), undefined)
    const own = providers.flatMap(({ resource }) => Object.keys(resource.shape))

    const documented = cells.map(([field]) => field!.replaceAll('`', ''))

    // A provider's own fields are described in its document; those of several providers may be here too.
    const shared = ['provider', ...Object.keys(fields)]
    assert.deepEqual(
      shared.filter((name) => !documented.includes(name)),
      [],
    )
    assert.deepEqual(
      documented.filter((name) => ![...shared, ...own].includes(name)),
      [],
    )
  })

  test('targets-file.md has the defaults that the parser uses', () => {
    const cells = rows(section(reference('targets-file'), 'Fields of a target'))
    const sample = JSON.parse(blocks(reference('targets-file'), 'json')[0]!) as { targets: object[] }
    const bare = JSON.stringify({ targets: [sample.targets[0]] })

    const read = parseTargets(bare, providers, 'public', Date.UTC(2026, 0, 1), 'https://kv-prod.vault.azure.net')

    assert.ok('targets' in read, JSON.stringify(read))
    const [{ rotateEvery, validFor, overlap }] = read.targets as [Target]
    for (const [name, value] of Object.entries({ rotateEvery, validFor, overlap })) {
      assert.equal(cells.find(([cell]) => cell === `\`${name}\``)![1], `\`${formatDuration(value)}\``, name)
    }
  })

  test('targets-file.md names every field that defaults may hold', () => {
    const named = quoted(reference('targets-file'))

    assert.deepEqual(
      Object.keys(policyFields('vault.azure.net')).filter((field) => !named.includes(field)),
      [],
    )
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
    const { variables } = parse('infra/app/alerts.bicep', textOf('infra/app/alerts.bicep'))
    const rules = named(named(variables.find(({ name }) => name === 'rules')!.node)[1]!)
    const titles = rules.map((rule) => unescaped(literal(propertiesOf(rule).get('title'))))

    assert.deepEqual(
      rows(section(reference('alerts'), 'What each alert asks for')).map(([title]) => title),
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

  test('numbers.md has what the schedule may spend of the limit of vaults, and of no limit that is not in the code', () => {
    const allowed = [...providers.map(({ allowance }) => allowance), vaultAllowance].map(
      ({ burst, perSecond }) => `${burst}, then ${perSecond}`,
    )

    const documented = rows(section(reference('numbers'), 'Pacing')).map(
      ([, burst, perSecond]) => `${burst}, then ${perSecond}`,
    )

    assert.ok(documented.includes(allowed.at(-1)!))
    assert.deepEqual(
      documented.filter((each) => !allowed.includes(each)),
      [],
    )
  })
})
