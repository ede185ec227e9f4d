// docs/openapi.json: public validators accept it, it has every function with its roles, its examples are valid, and it is what the app
// serves. That calls and answers agree with it is held by test/functions/openapi-contract.ts, which is tested here.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { errorCodes } from '../../src/engine/rekey-error.ts'
import { problems } from '../../src/functions/http/problem.ts'
import { disagreement, document, type Exchange, type Operation } from '../functions/openapi-contract.ts'
import { answerOf, mayCall, routes } from '../registered-app.ts'

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...(operation as Operation & Documented), method, path })),
)

interface Documented {
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
}

describe('docs/openapi.json before public validators', () => {
  test('openapi-schema-validator accepts docs/openapi.json as OpenAPI 3.1', async () => {
    const validator = new Validator()

    const result = await validator.validate(structuredClone(document) as unknown as Record<string, unknown>)

    assert.deepEqual([result, validator.version], [{ valid: true }, '3.1'])
  })

  test('The recommended rules of Redocly find nothing in docs/openapi.json', async () => {
    const rules = { 'operation-4xx-response': 'off' } as const
    const config = await createConfig({ extends: ['recommended'] })
    const strict = await createConfig({ extends: ['recommended-strict'], rules })

    // Nothing of the page is refused: the platform itself answers what is not GET.
    const findings = await lintFromString({ source: JSON.stringify(document), config })
    const errors = await lintFromString({ source: JSON.stringify(document), config: strict })

    assert.deepEqual(
      findings.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`),
      ['operation-4xx-response #/paths/~1api~1page/get/responses'],
    )
    assert.deepEqual(errors, [])
  })
})

describe('docs/openapi.json and the app', () => {
  test('docs/openapi.json has every HTTP function with its method and its route, and no other', () => {
    const documented = operations.map(
      ({ operationId, method, path }) => `${operationId}: ${method.toUpperCase()} ${path}`,
    )

    const registered = routes.map(({ name, route }) => `${name}: ${route.replace(' ', ' /api/')}`)

    assert.deepEqual(documented.toSorted(), registered.toSorted())
  })

  test('Each operation of docs/openapi.json names exactly the app roles that its function accepts', async () => {
    for (const { operationId, security } of operations) {
      const named = security.flatMap(({ signIn = [] }) => signIn)
      const accepted: string[] = []
      for (const role of ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke']) {
        if (operationId !== 'page' && (await mayCall(operationId, role))) accepted.push(role)
      }

      assert.deepEqual(named, accepted, operationId)
    }
  })

  test('Each operation of docs/openapi.json can be read on its own: summary, description, tag, and what is refused', () => {
    for (const { operationId, summary, description, tags, responses } of operations) {
      assert.ok(summary && description && tags.length === 1, operationId)
      if (operationId !== 'page') assert.ok('401' in responses && '400' in responses, operationId)
    }
  })

  test('Each error code is one of the document, with the status that the app gives it', () => {
    const listed = new Map<string, Set<string>>()
    for (const { responses } of operations) {
      for (const [status, response] of Object.entries(responses)) {
        for (const code of codesIn(response)) listed.set(code, (listed.get(code) ?? new Set()).add(status))
      }
    }

    assert.deepEqual(document.components['schemas']!['ErrorCode']!['enum'], errorCodes)
    for (const [code, statuses] of listed) {
      assert.deepEqual([...statuses], [String(problems[code as keyof typeof problems][0])], code)
    }
    assert.deepEqual(
      errorCodes.filter((code) => !listed.has(code)),
      [],
    )
  })

  test('The app serves docs/openapi.json with its own address, also while its settings are wrong', async () => {
    const { status, body } = await answerOf('showOpenapi', 'https://rekey.example.net/api/openapi.json?code=a-key')

    const { servers, ...served } = JSON.parse(body)
    const { servers: _, ...checkedIn } = document as unknown as Record<string, unknown>
    assert.equal(status, '200')
    assert.deepEqual(servers, [{ url: 'https://rekey.example.net', description: 'This app.' }])
    assert.deepEqual(served, checkedIn)
  })
})

/** The codes that a response lists, by reference or as it stands. */
function codesIn(response: unknown): readonly string[] {
  const { $ref } = response as { readonly $ref?: string }
  const resolved = $ref === undefined ? response : document.components['responses']![$ref.split('/').at(-1)!]
  const { content } = resolved as {
    content?: Record<string, { schema: { allOf?: { properties?: { code: { enum: string[] } } }[] } }>
  }
  return (
    content?.['application/problem+json']?.schema.allOf?.flatMap(({ properties }) => properties?.code.enum ?? []) ?? []
  )
}

describe('The check of calls against docs/openapi.json', () => {
  const example = (name: string) => {
    const [first] = document.components['schemas']![name]!['examples'] as readonly Record<string, unknown>[]
    return structuredClone(first!)
  }
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  const shown = (body: unknown, more: Partial<Exchange> = {}): Exchange => ({
    params: { name: 'vision' },
    query: {},
    headers: {},
    body: undefined,
    answer: { status: 200, headers, body },
    ...more,
  })

  test('The example of a target is an answer that the check accepts', () => {
    assert.equal(disagreement('showTarget', shown(example('Target'))), undefined)
  })

  test('A member that the document does not have is found, at any depth', () => {
    const [target, deep] = [example('Target'), example('Target')]
    const secrets = deep['secrets'] as Record<string, unknown>[]

    const found = disagreement('showTarget', shown({ ...target, colour: 'red' }))
    const inside = disagreement(
      'showTarget',
      shown({ ...deep, secrets: secrets.map((each) => ({ ...each, value: 'x' })) }),
    )

    assert.match(found!, /"additionalProperty":"colour"/)
    assert.match(inside!, /\/secrets\/0 .*"additionalProperty":"value"/)
  })

  test('A member that is missing, or of another type, is found', () => {
    const { vault: _, ...without } = example('Target')

    assert.match(disagreement('showTarget', shown(without))!, /"missingProperty":"vault"/)
    assert.match(
      disagreement('showTarget', shown({ ...example('Target'), enabled: 'yes' }))!,
      /\/enabled must be boolean/,
    )
    assert.match(
      disagreement('showTarget', shown({ ...example('Target'), dueAt: 'soon' }))!,
      /\/dueAt must match format/,
    )
  })

  test('A status, an error code, a header and a parameter that the document does not have are found', () => {
    const problem = { ...example('Problem'), code: 'CountDiffers' }
    const ofProblem = {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-ms-error-code': 'CountDiffers',
    }
    const refused = { status: 409, headers: ofProblem, body: problem }

    assert.match(disagreement('showTarget', shown({}, { answer: { status: 418, headers, body: {} } }))!, /has no 418/)
    assert.match(disagreement('rotateTarget', shown({}, { answer: refused }))!, /\/code must be equal to one of/)
    assert.match(
      disagreement('showTarget', shown(example('Target'), { query: { page: '2' } }))!,
      /unknown parameter page/,
    )
    assert.match(
      disagreement('showTarget', shown(example('Target'), { params: { name: 'a b' } }))!,
      /path parameter name/,
    )
    const accepted = { status: 202, headers, body: example('Operation') }
    assert.match(disagreement('rotateTarget', shown({}, { answer: accepted }))!, /Operation-Location is missing/)
    assert.match(
      disagreement('rotateTarget', shown(example('Outcome'), { body: { forced: true } }))!,
      /body: .*"forced"/,
    )
  })

  test('Each schema with an example accepts it', () => {
    const carriers: Readonly<Record<string, string>> = {
      Outcome: 'rotateTarget',
      Operation: 'showOperation',
      Target: 'showTarget',
    }

    for (const [name, operation] of Object.entries(carriers)) {
      const params = name === 'Operation' ? { id: 'rotate' } : { name: 'vision' }
      assert.equal(disagreement(operation, shown(example(name), { params })), undefined)
    }
    const withExample = Object.entries(document.components['schemas']!).flatMap(([name, { type, examples }]) =>
      type === 'object' && examples ? [name] : [],
    )
    const requests = withExample.filter((name) => name.endsWith('Request'))
    assert.deepEqual(
      withExample.filter((name) => !requests.includes(name) && !(name in carriers)),
      ['Problem'],
    )
    for (const { operationId, requestBody, responses } of operations) {
      const name = (requestBody?.content['application/json'].schema as { $ref?: string } | undefined)?.$ref
        ?.split('/')
        .at(-1)
      if (name === undefined || !('200' in responses) || operationId === 'startRevocations') continue
      const call = shown(example('Outcome'), { body: example(name) })
      assert.equal(disagreement(operationId, call), undefined)
    }
  })
})
