// Room: tests of the docs. What docs/ says is what the code does: checks, tags, codes, alerts, rights, roles, evidence.
// Commands, JSON, links and file names of every document: docs/every-document.test.ts; the README's own: docs/readme.test.ts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { problems } from '../src/functions/http/problem.ts'
import { providers } from '../src/providers/index.ts'
import { formatDuration } from '../src/rotation/duration.ts'
import { errorCodes } from '../src/rotation/errors.ts'
import { checks } from '../src/rotation/plan.ts'
import { callLimit, clockBound, leaseLength, settle } from '../src/rotation/target.ts'
import { documents, quoted, rows, section, textOf } from './docs/markdown.ts'

const concepts = documents.get('docs/concepts.md')!
const operating = documents.get('docs/operating.md')!

describe('docs/concepts.md', () => {
  test('has every check, in order', () => {
    const told = [...section(concepts, 'The checks').matchAll(/^\d+\. `([^`]+)`/gm)].map(([, name]) => name)

    assert.deepEqual(
      told,
      checks.map(([name]) => name),
    )
  })

  test('has every field of our tag, and the three of the tutorial', () => {
    const source = textOf('src/azure/tags.ts')
    const [, shape] = /const StampsTag = z\.object\(\{\n([\s\S]*?)^\}\)/m.exec(source)!
    const fields = [...shape!.matchAll(/^ {2}(\w+):/gm)].map(([, field]) => field!)
    const [, others] = /const ourTags = \['rekey', ([^\]]+)\]/.exec(source)!

    const told = rows(section(concepts, 'Tags')).map(([cell]) => cell!.replaceAll('`', ''))

    assert.deepEqual(told.toSorted(), [...fields, ...others!.replaceAll("'", '').split(', ')].sort())
  })

  test('has the numbers of the core', () => {
    const told = rows(section(concepts, 'Numbers')).map(([, value]) => value)

    assert.deepEqual(
      told,
      [settle, clockBound, leaseLength, callLimit].map((each) => `\`${formatDuration(each)}\``),
    )
  })
})

describe('docs/operating.md', () => {
  test('says of every error code what it means over HTTP, and what to do', () => {
    const told = rows(section(operating, 'Error codes'))

    assert.deepEqual(
      told.map(([name, status]) => [name, status]),
      errorCodes.map((name) => [`\`${name}\``, String(problems[name][0])]),
    )
    assert.ok(told.every(([, , meaning, remedy]) => meaning && remedy))
  })

  test('has every alert', () => {
    const titles = [...textOf('infra/app/alerts.bicep').matchAll(/^ +title: '([^']+)'/gm)].map(([, title]) => title)

    assert.deepEqual(
      rows(section(operating, 'Alerts')).map(([title]) => title),
      titles,
    )
  })
})

describe('docs/providers', () => {
  for (const provider of providers) {
    test(`says of ${provider.id} what its code says`, () => {
      const about = documents.get(`docs/providers/${provider.id}.md`)!
      const facts = new Map(rows(about).map(([name, value]) => [name, value!]))
      const wire = provider.id === 'iot-hub-policy' ? textOf('src/providers/wire/hub-calls.ts') : ''
      const dates = /\b\d{4}-\d\d-\d\d\b|\bv1\.0\b(?=\/security)/g
      const source = new Set(`${textOf(`src/providers/${provider.id}.ts`)}${wire}`.match(dates))
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
      assert.deepEqual(new Set(facts.get('api-versions')!.match(/\d{4}-\d\d-\d\d|v1\.0/g)), source)
    })
  }

  test('has no other provider', () => {
    const files = [...documents.keys()].filter((path) => path.startsWith('docs/providers/'))

    const expected = ['index', ...providers.map(({ id }) => id)].map((name) => `docs/providers/${name}.md`)
    assert.deepEqual(files.toSorted(), expected.sort())
  })
})

describe('docs/security.md', () => {
  const text = documents.get('docs/security.md')!

  test('names every role that the infrastructure makes', () => {
    const titles = Object.values(
      JSON.parse(textOf('infra/provider-actions.json')) as Record<string, { title: string; appRoles: string[] }>,
    )
      .filter(({ appRoles }) => appRoles.length === 0)
      .map(({ title }) => title)
    const others = [...textOf('infra/roles/definitions.bicep').matchAll(/roleName: 'Rekey: ([^$]+) \(\$/g)].map(
      ([, title]) => title!,
    )

    const told = quoted(text).filter((word) => word.startsWith('Rekey: '))

    assert.deepEqual(told.toSorted(), [...titles, ...others].map((title) => `Rekey: ${title} (<env>)`).sort())
  })

  test('names the custom events of telemetry', () => {
    const [, names] = /export const telemetryNames = \{([\s\S]*?)\}/.exec(textOf('src/azure/telemetry.ts'))!

    assert.deepEqual(
      names!.match(/'[A-Z]\w+'/g)!.filter((name) => !text.includes(`\`${name.slice(1, -1)}\``)),
      [],
    )
  })
})

describe('docs/decisions', () => {
  const decisions = [...documents].filter(([path]) => path.startsWith('docs/decisions/'))

  for (const [path, text] of decisions) {
    test(`${path}: has its four parts, and the tests that it calls as evidence`, () => {
      const named = [...text.matchAll(/^- `(test\/[\w./-]+)`: "(.+)"$/gm)]

      for (const part of ['Context', 'Decision', 'Consequence', 'Evidence'])
        assert.ok(text.includes(`**${part}.**`), part)
      assert.ok(named.length > 0)
      assert.deepEqual(
        named.filter(([, file, name]) => !textOf(file!).includes(name!)).map(([line]) => line),
        [],
      )
    })
  }

  test('no two have the same number', () => {
    const numbers = decisions.map(([path]) => Number(/\/(\d{3})-/.exec(path)![1]))

    assert.equal(new Set(numbers).size, numbers.length)
  })
})
