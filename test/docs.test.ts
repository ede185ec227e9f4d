// Checks, tags, rights and roles in docs/ are those of the code. The tables of docs/reference/ are compared in
// docs/reference.test.ts; commands, JSON, links and file names of every document in docs/every-document.test.ts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeTags } from '../src/azure/tags.ts'
import { telemetryNames } from '../src/azure/telemetry.ts'
import { checks } from '../src/engine/checks.ts'
import type { Stamps } from '../src/engine/stored-secret.ts'
import { documents, quoted, rows, section, textOf } from './docs/markdown.ts'
import { loadGrammar, parse, valueAt } from './infra/bicep.ts'
import { providers } from './providers/all-providers.ts'
import { samples } from './providers/provider-fleet.ts'

await loadGrammar()
const concepts = documents.get('docs/concepts.md')!

describe('docs/concepts.md', () => {
  test('docs/concepts.md has every check, in order', () => {
    const documented = [...section(concepts, 'The checks').matchAll(/^\d+\. `([^`]+)`/gm)].map(([, name]) => name)

    assert.deepEqual(
      documented,
      checks.map(([name]) => name),
    )
  })

  test('docs/concepts.md has every tag of ours, and every field of the tag `rekey`', () => {
    const stamps: Required<Stamps> = {
      target: 'vision',
      rotatedAt: 0,
      createdAfter: 0,
      standbyCreatedAfter: 0,
      pending: { state: 'requested', since: 0 },
      proven: true,
      took: 12_000,
      retire: true,
      announced: true,
      behind: true,
      reason: 'due',
      actor: 'schedule',
      failed: { code: 'Internal', at: 0 },
    }
    const metadata = { stamps, slot: 'Key1', address: 'hub', validityDays: 90, otherTags: {}, note: 'planned' }
    const { rekey, ...others } = encodeTags(metadata)
    const fields = Object.keys(JSON.parse(rekey!) as object)

    const documented = rows(section(concepts, 'Tags')).map(([cell]) => cell!.replaceAll('`', ''))

    assert.deepEqual(documented.toSorted(), [...fields, ...Object.keys(others)].sort())
  })
})

describe('docs/providers', () => {
  for (const provider of providers) {
    test(`docs/providers/${provider.id}.md has the rights, slots, outputs, fields, clouds and api-versions of the provider`, () => {
      const about = documents.get(`docs/providers/${provider.id}.md`)!
      const facts = new Map(rows(about).map(([name, value]) => [name, value!]))
      const words = (name: string) => quoted(facts.get(name)!)

      const permissions = [...about.matchAll(/^- `([^`]+)` — (.+)$/gm)].map(([, name, why]) => ({ name, why }))

      assert.deepEqual(
        permissions,
        provider.actions.map(({ name, why }) => ({ name, why })),
      )
      assert.deepEqual(words('slots'), [...provider.slots])
      assert.deepEqual(words('outputs'), Object.keys(provider.outputs))
      assert.deepEqual(words('fields'), Object.keys(provider.resource.shape))
      assert.equal(facts.get('clouds'), provider.clouds.join(', '))
      assert.equal(facts.get('can'), Object.keys(provider.can).join(', ') || 'nothing more')
      // What goes over the wire: contract-faults.test.ts compares the sample with it.
      const versions = facts.get('api-versions')!
      assert.deepEqual(
        samples[provider.id]!.apiVersions.filter((version) => !versions.includes(version)),
        [],
      )
    })
  }

  test('docs/providers has a document for each provider, and no other', () => {
    const files = [...documents.keys()].filter((path) => path.startsWith('docs/providers/'))

    const expected = ['index', ...providers.map(({ id }) => id)].map((name) => `docs/providers/${name}.md`)
    assert.deepEqual(files.toSorted(), expected.sort())
  })
})

describe('docs/security.md', () => {
  const text = documents.get('docs/security.md')!

  test('docs/security.md names the roles that serve no single provider, and none that the infrastructure does not make', () => {
    const titles = Object.values(
      JSON.parse(textOf('infra/provider-actions.json')) as Record<string, { title: string; appRoles: string[] }>,
    )
      .filter(({ appRoles }) => appRoles.length === 0)
      .map(({ title }) => title)
    const definitions = parse('infra/roles/definitions.bicep', textOf('infra/roles/definitions.bicep'))
    const others = definitions.resources
      .map(({ body }) => valueAt(body, 'properties.roleName')!.text.slice("'Rekey: ".length).split(' (${')[0]!)
      .filter((title) => !title.startsWith('${'))

    const documented = quoted(text).filter((word) => word.startsWith('Rekey: '))
    const [ours, all] = [others, [...titles, ...others]].map((each) => each.map((title) => `Rekey: ${title} (<env>)`))

    assert.deepEqual(
      ours!.filter((role) => !documented.includes(role)),
      [],
    )
    assert.deepEqual(
      documented.filter((role) => !all!.includes(role)),
      [],
    )
  })

  test('docs/security.md names the custom events of telemetry', () => {
    const events = Object.values(telemetryNames).filter((name) => !name.includes('.'))

    assert.deepEqual(
      events.filter((name) => !text.includes(`\`${name}\``)),
      [],
    )
  })
})

describe('docs/decisions', () => {
  const decisions = [...documents.keys()].filter((path) => path.startsWith('docs/decisions/'))

  test('No two decisions have the same number', () => {
    const numbers = decisions.map((path) => Number(/\/(\d{3})-/.exec(path)![1]))

    assert.equal(new Set(numbers).size, numbers.length)
  })
})
