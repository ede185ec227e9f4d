// Reading and checking targets.json.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { z } from 'zod'
import type { CloudName } from '../../src/azure/clouds.ts'
import { targetsJsonSchema } from '../../src/config/targets/json-schema.ts'
import { parseTargets } from '../../src/config/targets.ts'
import { days, hours, minutes } from '../../src/engine/target.ts'
import { defineProvider } from '../../src/providers/provider.ts'
import { providers } from '../providers/all-providers.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const vault = 'https://kv-prod.vault.azure.net'

/** A service with two keys, and one constant output. */
const pair = defineProvider({
  id: 'pair',
  title: 'Pair',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret', workspaceId: 'constant' },
  resource: z.strictObject({
    resource: z
      .string()
      .regex(/^\/[a-z0-9/]+$/, 'is no id')
      .meta({ description: 'id of the pair', examples: ['/a/b'] }),
    policy: z.string().optional(),
  }),
  actions: [],
  grant: { title: 'None' },
  clouds: ['public', 'usgov', 'china'],
  can: {},
  writes: 2,
  allowance: { burst: 1, perSecond: 1 },
  limit: 'nothing',
  place: ({ resource, policy }) => ({
    address: resource,
    credential: `Pair:${resource}/${policy}`,
    lease: `Pair:${resource}`,
    budget: 'sub',
  }),
  open: () => {
    throw new TypeError('nothing is opened here')
  },
})

/** A service with one key. */
const single = defineProvider({
  id: 'single',
  title: 'Single',
  slots: ['key'],
  outputs: { key: 'secret' },
  resource: z.strictObject({}),
  actions: [],
  grant: { title: 'None' },
  clouds: ['public'],
  can: {},
  writes: 1,
  allowance: { burst: 1, perSecond: 1 },
  limit: 'nothing',
  place: () => ({ address: 'single', credential: 'single', lease: 'single', budget: 'host' }),
  open: () => {
    throw new TypeError('nothing is opened here')
  },
})

type Json = Record<string, unknown>

/** A target without mistakes; each call gives another one. */
let made = 0
function target(fields: Json = {}): Json {
  made += 1
  return { name: `t${made}`, provider: 'pair', resource: `/r/${made}`, secrets: { [`s${made}`]: 'key' }, ...fields }
}

function parse(document: unknown, cloud: CloudName = 'public', at = now, fallback?: string) {
  const text = typeof document === 'string' ? document : JSON.stringify(document, null, 2)
  return parseTargets(text, [pair, single], cloud, at, fallback)
}

function targetsOf(document: unknown, cloud?: CloudName) {
  const parsed = parse(document, cloud)
  assert.ok('targets' in parsed, JSON.stringify(parsed, null, 2))
  return parsed.targets
}

/** The only target of a document with `fields`. */
function only(fields: Json, defaults: Json = {}) {
  return targetsOf({ defaults: { vault, ...defaults }, targets: [target(fields)] })[0]!
}

function problemsOf(document: unknown, cloud?: CloudName, at?: number) {
  const parsed = parse(document, cloud, at)
  assert.ok('problems' in parsed, 'there should be problems')
  return parsed.problems
}

/** What is wrong with the only target of a document, as `path message` below the target. */
function wrongWith(fields: Json, defaults: Json = {}): readonly string[] {
  const problems = problemsOf({ defaults: { vault, ...defaults }, targets: [target(fields)] })
  return problems.map(({ path, message }) => `${path.replace('$.targets[0]', '')} ${message}`)
}

test('a target is composed of its own fields, its provider’s and the defaults', () => {
  const [composed] = targetsOf({
    defaults: { vault: 'https://KV-Prod.vault.azure.net/', rotateEvery: 'P30D', retireAfter: 'P7D' },
    targets: [
      {
        name: 'chat',
        provider: 'pair',
        resource: '/a/b',
        secrets: { 'chat-connection': 'connectionString', 'chat-key': 'key', 'chat-id': 'workspaceId' },
        validFor: 'P2W',
        rotateEvery: 'P10D',
        window: { days: ['Sat', 'Sun', 'Sat'], start: '02:30', length: 'PT4H', timeZone: 'Europe/Zurich' },
        initialSlot: 'secondary',
        probe: 'off',
        adopt: true,
        enabled: false,
      },
    ],
  })

  assert.deepEqual(composed, {
    name: 'chat',
    provider: 'pair',
    resource: { resource: '/a/b' },
    address: '/a/b',
    lease: 'pair:/a/b',
    vault,
    secrets: [
      { name: 'chat-connection', output: 'connectionString' },
      { name: 'chat-key', output: 'key' },
      { name: 'chat-id', output: 'workspaceId' },
    ],
    slots: ['primary', 'secondary'],
    rotateEvery: days(10),
    validFor: days(14),
    overlap: days(2),
    retireAfter: days(7),
    window: { days: [6, 0], start: 150, length: hours(4), timeZone: 'Europe/Zurich' },
    initialSlot: 'secondary',
    probe: 'off',
    adopt: true,
    enabled: false,
  })
})

test('Fields that neither the target nor the defaults set have the usual values', () => {
  const composed = only({})

  assert.deepEqual([composed.rotateEvery, composed.validFor, composed.overlap], [days(60), days(90), days(2)])
  assert.deepEqual([composed.probe, composed.adopt, composed.enabled], ['on', false, true])
  assert.deepEqual([composed.window, composed.retireAfter, composed.initialSlot], [undefined, undefined, undefined])
})

test('every default may be overridden, a window and retiring by null', () => {
  const window = { days: ['Sat'], start: '02:00', length: 'PT4H', timeZone: 'UTC' }
  const defaults = { window, retireAfter: 'P7D', probe: 'off', enabled: false }
  const other = 'https://kv-other.vault.azure.net'

  const kept = only({}, defaults)
  const overridden = only({ window: null, retireAfter: null, probe: 'on', enabled: true, vault: other }, defaults)

  assert.deepEqual([kept.window?.start, kept.retireAfter, kept.probe, kept.enabled], [120, days(7), 'off', false])
  assert.deepEqual(
    [overridden.window, overridden.retireAfter, overridden.probe, overridden.enabled, overridden.vault],
    [undefined, undefined, 'on', true, other],
  )
})

test('a ring of one takes no default for retiring over, and its overlap does not hold up its rotation', () => {
  const composed = only(
    { provider: 'single', resource: undefined, rotateEvery: 'P1D', validFor: 'P2D' },
    { retireAfter: 'P7D' },
  )

  assert.equal(composed.retireAfter, undefined)
  assert.deepEqual(composed.slots, ['key'])
})

test('Ten mistakes are ten problems, in the order of the document, each with a remedy', () => {
  const problems = problemsOf({
    colour: 'red',
    defaults: { vault: 'http://kv-prod.vault.azure.net', overlap: 'P1M' },
    targets: [
      target({ name: 'a', secrets: { 'a-key': 'key' } }),
      target({ name: 'b b', rotateEvery: '60 days', secrets: { 'b-key': 'keys' } }),
      target({ name: 'A' }),
      target({ provider: 'pairs' }),
      target({ resource: 'nowhere', windows: {} }),
    ],
  })

  assert.deepEqual(
    problems.map(({ path }) => path),
    [
      '$.colour',
      '$.defaults.vault',
      '$.defaults.overlap',
      '$.targets[1].name',
      "$.targets[1].secrets['b-key']",
      '$.targets[1].rotateEvery',
      '$.targets[2].name',
      '$.targets[3].provider',
      '$.targets[4].resource',
      '$.targets[4].windows',
    ],
  )
  for (const { message, remedy } of problems) assert.ok(message.length > 5 && remedy.length > 10)
})

test('Invalid JSON is reported by line and column, without quoting it', () => {
  const [problem, ...others] = problemsOf('{\n  "targets": [\n    { "name": canary }\n  ]\n}')

  assert.equal(problem?.path, '$')
  assert.match(problem.message, /^line 3, column 15: expected a value/)
  assert.ok(!JSON.stringify(problem).includes('canary'))
  assert.deepEqual(others, [])
})

test('a byte order mark is tolerated', () => {
  assert.equal(targetsOf(`\uFEFF${JSON.stringify({ targets: [] })}`).length, 0)
})

test('a key that comes twice in its object is refused, wherever it is', () => {
  const text = `{ "targets": [ { "name": "a", "provider": "pair", "resource": "/a", "vault": "${vault}",
    "secrets": { "one": "key", "one": "connectionString" }, "name": "a" } ] }`

  const problems = problemsOf(text)

  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    [
      '$.targets[0].secrets.one this key occurs twice in its object',
      '$.targets[0].name this key occurs twice in its object',
    ],
  )
})

test('A document of another shape is refused', () => {
  for (const [document, path] of [
    [[], '$'],
    ['"text"', '$'],
    [{}, '$.targets'],
    [{ targets: {} }, '$.targets'],
    [{ defaults: [], targets: [] }, '$.defaults'],
    [{ targets: ['vision'] }, '$.targets[0]'],
  ] as const) {
    assert.deepEqual(
      problemsOf(document).map((problem) => problem.path),
      [path],
    )
  }
})

test('missing fields are named, with an example', () => {
  const problems = problemsOf({ targets: [{}, { name: 'a', provider: 'pair' }] })

  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    [
      '$.targets[0].provider is missing',
      '$.targets[0].name is missing',
      '$.targets[0].secrets is missing',
      '$.targets[0].vault is missing',
      '$.targets[1].secrets is missing',
      '$.targets[1].vault is missing',
      '$.targets[1].resource is missing',
    ],
  )
  assert.match(problems[3]!.remedy, /here, in defaults for all, or in the app setting ROTATION_VAULT/)
  assert.match(problems.at(-1)!.remedy, /id of the pair.*"\/a\/b"/)
})

test('an unknown key is answered with the one that was probably meant', () => {
  const problems = problemsOf({ targets: [target({ vault, rotatEvery: 'P60D' })], default: {} })

  assert.deepEqual(
    problems.map(({ path, remedy }) => `${path} ${remedy}`),
    ['$.targets[0].rotatEvery Did you mean rotateEvery?', '$.default Did you mean defaults?'],
  )
})

test('an unknown provider is answered with those there are and the nearest', () => {
  const [problem] = problemsOf({ targets: [target({ vault, provider: 'singel' })] })

  assert.equal(problem?.path, '$.targets[0].provider')
  assert.equal(problem.remedy, 'Did you mean single? There are pair, single, reminder.')
})

test('a provider that a cloud lacks is refused by name', () => {
  const china = 'https://kv-prod.vault.azure.cn'

  const problems = problemsOf({ targets: [target({ vault: china, provider: 'single', resource: undefined })] }, 'china')

  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    ['$.targets[0].provider does not exist in the cloud china'],
  )
})

test('a vault on a host outside the cloud is refused, however it is disguised: keys would be written there', () => {
  for (const address of [
    'https://kv-prod.vault.azure.net.evil.example',
    'https://evil.example/kv-prod.vault.azure.net',
    'https://me@kv-prod.vault.azure.net',
    'https://kv-prod.vault.azure.net:8443',
    'https://a.b.vault.azure.net',
    'https://vault.azure.net',
    'https://169.254.169.254',
    'https://kv-prod.vault.azure.net?x=1',
    'https://kv-prodvault.azure.net',
    'https://kv-prod.vault.azure.cn',
  ]) {
    assert.equal(wrongWith({ vault: address }).length, 1, address)
  }
})

test('a vault must be one of this cloud, by its https address', () => {
  const good = ['https://kv-prod.vault.azure.net', 'https://KV1.vault.azure.net/']
  const bad = [
    'kv-prod',
    'http://kv-prod.vault.azure.net',
    'https://kv-prod.vault.azure.net/secrets',
    'https://kv-prod.vault.azure.cn',
    'https://kv-prod.vault.azure.net.example.com',
    'https://kv--prod.vault.azure.net',
    'https://1kv.vault.azure.net',
    'https://kv.azure.net',
    'https://a-name-with-too-many-letters.vault.azure.net',
  ]

  for (const address of good) assert.equal(only({ vault: address }).vault, address.toLowerCase().replace(/\/$/, ''))
  for (const address of bad) assert.equal(wrongWith({ vault: address }).length, 1, address)
  assert.equal(targetsOf({ targets: [target({ vault: 'https://kv-a.vault.azure.cn' })] }, 'china').length, 1)
})

test('the vault of the settings holds where neither the target nor the defaults name one', () => {
  const [inDefaults, inTarget, setting] = ['defaults', 'target', 'setting'].map(
    (name) => `https://kv-${name}.vault.azure.net`,
  )
  const vaultOf = (document: Json) => {
    const parsed = parse(document, 'public', now, setting)
    assert.ok('targets' in parsed, JSON.stringify(parsed))
    return parsed.targets[0]!.vault
  }

  const found = [
    vaultOf({ defaults: { vault: inDefaults }, targets: [target({ vault: inTarget })] }),
    vaultOf({ defaults: { vault: inDefaults }, targets: [target()] }),
    vaultOf({ defaults: {}, targets: [target()] }),
    vaultOf({ targets: [target()] }),
  ]

  assert.deepEqual(found, [inTarget, inDefaults, setting, setting])
})

test('the vault of the settings does not stand in for one that is wrong', () => {
  const parsed = parse({ targets: [target({ vault: 'kv' })] }, 'public', now, vault)

  assert.ok('problems' in parsed)
  assert.deepEqual(
    parsed.problems.map(({ path }) => path),
    ['$.targets[0].vault'],
  )
})

test('two targets that write one secret are refused, though only one of them names the vault', () => {
  const targets = [target({ secrets: { shared: 'key' } }), target({ secrets: { shared: 'key' }, vault })]

  const parsed = parse({ targets }, 'public', now, vault)

  assert.ok('problems' in parsed)
  assert.match(parsed.problems[0]!.message, /is written by/)
})

test('a secret’s name is one that the vault takes and JSON does not move', () => {
  for (const name of ['under_score', 'dot.', '', 'ä', 'x'.repeat(128)]) {
    assert.match(wrongWith({ secrets: { [name]: 'key' } })[0]!, /is not a valid name for a secret/, name)
  }
  assert.match(wrongWith({ secrets: { '42': 'key' } })[0]!, /digits only/)
  assert.equal(only({ secrets: { ['x'.repeat(127)]: 'key' } }).secrets.length, 1)
  assert.match(wrongWith({ secrets: {} })[0]!, /names no secret/)
})

test('An unknown output is refused without repeating it: it may be a pasted key', () => {
  const pasted = 'c2VjcmV0LWtleS1vZi1zb21lYm9keQ=='

  const problems = problemsOf({ targets: [target({ vault, secrets: { one: pasted } })] })

  assert.equal(problems.length, 1)
  assert.match(problems[0]!.message, /it has "key" or "connectionString" or "workspaceId"/)
  assert.ok(!JSON.stringify(problems).includes(pasted))
})

test('the lead cannot be an output that never changes', () => {
  assert.match(wrongWith({ secrets: { id: 'workspaceId', one: 'key' } })[0]!, /^.secrets the first secret cannot hold/)
  assert.equal(only({ secrets: { one: 'key', id: 'workspaceId' } }).secrets[0].output, 'key')
})

test('an initial slot must be one of the provider’s', () => {
  assert.deepEqual(wrongWith({ initialSlot: 'Primary' }), ['.initialSlot must be "primary" or "secondary"'])
})

test('a name used twice is refused, also in another case', () => {
  const problems = problemsOf({
    defaults: { vault },
    targets: [target({ name: 'vision' }), target({ name: 'Vision' })],
  })

  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    ['$.targets[1].name is the name of $.targets[0].name too'],
  )
})

test('two targets that write one secret are refused, also in another case, but not in another vault', () => {
  const one = target({ secrets: { shared: 'key' } })
  const same = target({
    secrets: { mine: 'key', SHARED: 'connectionString' },
    vault: `${vault.toUpperCase().replace('HTTPS', 'https')}/`,
  })
  const elsewhere = target({ secrets: { shared: 'key' }, vault: 'https://kv-other.vault.azure.net' })

  const problems = problemsOf({ defaults: { vault }, targets: [one, elsewhere, same] })

  assert.deepEqual(
    problems.map(({ path }) => path),
    ['$.targets[2].secrets.SHARED'],
  )
  assert.match(problems[0]!.message, /\$\.targets\[0\]\.secrets\.shared/)
})

test('two targets that name one credential are refused, but not two that only share a lease', () => {
  const one = target({ resource: '/hub/1', policy: 'service' })
  const same = target({ resource: '/hub/1', policy: 'SERVICE' })
  const beside = target({ resource: '/hub/1', policy: 'device' })

  const problems = problemsOf({ defaults: { vault }, targets: [one, beside, same] })

  assert.deepEqual(
    problems.map(({ path }) => path),
    ['$.targets[2]'],
  )
  assert.match(problems[0]!.message, /same credential as \$\.targets\[0\]/)
})

test('where no vault is named, nothing is said about its secrets', () => {
  const problems = problemsOf({ targets: [target({ secrets: { one: 'key' } }), target({ secrets: { one: 'key' } })] })

  assert.deepEqual(
    problems.map(({ path }) => path),
    ['$.targets[0].vault', '$.targets[1].vault'],
  )
})

test('A disabled target still keeps its secrets and its credential', () => {
  const problems = problemsOf({
    defaults: { vault },
    targets: [target({ name: 'a', enabled: false }), target({ name: 'a' })],
  })

  assert.equal(problems.length, 1)
})

test('validity must outlast the period', () => {
  assert.match(wrongWith({ validFor: 'P60D' })[0]!, /^.validFor a secret would expire/)
  assert.match(wrongWith({ rotateEvery: 'P90D' })[0]!, /^.rotateEvery a secret would expire/)
  assert.equal(only({ validFor: 'P61D' }).validFor, days(61))
})

test('Nothing may expire after 2038-01-19, counted from now', () => {
  const at = Date.parse('2037-12-01T03:14:07Z')
  const document = (validFor: string) => ({ defaults: { vault, rotateEvery: 'P5D', validFor }, targets: [target()] })

  assert.ok('targets' in parse(document('P49D'), 'public', at))
  assert.deepEqual(
    problemsOf(document('P49DT1S'), 'public', at).map(({ path, remedy }) => `${path} ${remedy}`),
    ['$.defaults.validFor Write P49D or less.'],
  )
})

test('in the last months before 2038 the usual validity is refused too', () => {
  const problems = problemsOf({ targets: [target({ vault })] }, 'public', Date.parse('2037-12-01T00:00:00Z'))

  assert.deepEqual(
    problems.map(({ path }) => path),
    ['$.defaults.validFor'],
  )
})

test('The period must be longer than the overlap and the time until every reader sees a change', () => {
  assert.match(wrongWith({ rotateEvery: 'P2DT15M' })[0]!, /^.rotateEvery the next rotation/)
  assert.match(wrongWith({ overlap: 'P60D' })[0]!, /^.overlap the next rotation/)
  assert.equal(only({ rotateEvery: 'P2DT15M1S' }).rotateEvery, days(2) + minutes(15) + 1000)
})

test('a key may be retired only after its overlap and the clocks’ bound', () => {
  assert.match(wrongWith({ retireAfter: 'P2D' })[0]!, /^.retireAfter a key would be invalidated/)
  assert.match(wrongWith({ overlap: 'P7D' }, { retireAfter: 'P7D' })[0]!, /^.overlap a key would be invalidated/)
  assert.equal(only({ retireAfter: 'P2DT1M' }).retireAfter, days(2) + minutes(1))
})

test('a key that the next rotation replaces before it may be retired is a mistake', () => {
  assert.match(wrongWith({ retireAfter: 'P60D' })[0]!, /^.retireAfter a key would never be retired/)
  assert.match(
    wrongWith({ rotateEvery: 'P5D' }, { retireAfter: 'P7D' })[0]!,
    /^.rotateEvery a key would never be retired/,
  )
  assert.equal(only({ retireAfter: 'P59D' }).retireAfter, days(59))
})

test('a window that stays closed longer than the period is a mistake, where either is given', () => {
  const window = { days: ['Sat'], start: '02:00', length: 'PT4H', timeZone: 'UTC' }
  const both = { rotateEvery: 'P3D', window }

  assert.match(
    wrongWith(both)[0]!,
    /^.rotateEvery keys would be replaced less often than every P3D, .* closed for up to P6DT20H/,
  )
  assert.match(wrongWith({ window }, { rotateEvery: 'P3D' })[0]!, /^.window keys would be replaced/)
  assert.match(problemsOf({ defaults: { vault, ...both }, targets: [] })[0]!.path, /^\$\.defaults\.rotateEvery/)
  for (const fits of [
    { rotateEvery: 'P7D', window },
    { rotateEvery: 'P3D', window: { ...window, days: ['Sat', 'Tue', 'Thu'] } },
    { rotateEvery: 'P3D', window: { ...window, length: 'P7D' } },
    { rotateEvery: 'P3D', window: null },
  ]) {
    only(fits)
  }
})

test('a problem names its line and the target, where its name can be read', () => {
  const document = {
    defaults: { vault },
    targets: [target({ name: 'one' }), target({ name: 'two', rotateEvery: 'often' }), target({ name: 'a b' })],
  }

  assert.deepEqual(
    problemsOf(document).map(({ path, line, target: name }) => [
      path,
      JSON.stringify(document, null, 2).split('\n')[line! - 1]!.trim(),
      name,
    ]),
    [
      ['$.targets[1].rotateEvery', '"rotateEvery": "often"', 'two'],
      ['$.targets[2].name', '"name": "a b",', undefined],
    ],
  )
})

test('No problem of targets.json uses the words of the parser', () => {
  const values = [null, 7, 'x', '', [], {}, [[]], true]
  const fields = [
    'name',
    'secrets',
    'vault',
    'rotateEvery',
    'validFor',
    'overlap',
    'retireAfter',
    'window',
    'probe',
    'enabled',
    'adopt',
    'resource',
    'initialSlot',
  ]

  for (const field of fields) {
    for (const value of values) {
      const parsed = parse({ defaults: { vault }, targets: [target({ [field]: value })] })
      const messages = 'problems' in parsed ? parsed.problems.map(({ message }) => message) : []
      for (const message of messages)
        assert.doesNotMatch(message, /Invalid|Too |expected|received|input/i, `${field} ${JSON.stringify(value)}`)
    }
  }
})

test('a ring of one has nothing to retire', () => {
  assert.match(
    wrongWith({ provider: 'single', resource: undefined, retireAfter: 'P7D' })[0]!,
    /^.retireAfter Single has one key/,
  )
})

test('Defaults that do not fit together are reported once, not with every target', () => {
  const problems = problemsOf({ defaults: { vault, validFor: 'P10D' }, targets: [target(), target(), target()] })

  assert.deepEqual(
    problems.map(({ path }) => path),
    ['$.defaults.validFor'],
  )
})

test('A wrong duration is not also reported as breaking a relation', () => {
  assert.deepEqual(
    wrongWith({ rotateEvery: 'P2M' }).map((text) => text.split(' ')[0]),
    ['.rotateEvery'],
  )
})

test('a window is checked whole', () => {
  const window = { days: ['Sun', 'Funday'], start: '24:00', length: 'PT10M', timezone: 'Europe/Zurich' }

  assert.deepEqual(
    wrongWith({ window })
      .map((text) => text.split(' ')[0])
      .toSorted(),
    ['.window.days[1]', '.window.length', '.window.start', '.window.timeZone', '.window.timezone'],
  )
  for (const timeZone of ['Mars/Olympus', '+02:00', '']) {
    const otherwise = { days: ['Sun'], start: '02:00', length: 'PT1H', timeZone }
    assert.match(wrongWith({ window: otherwise })[0]!, /^.window.timeZone is not a time zone/)
  }
  assert.match(
    wrongWith({ window: { ...window, days: [], start: '02:00', length: 'P8D', timeZone: 'UTC' } }).join(),
    /days needs at least one day/,
  )
  const lasting = (length: string) => ({ window: { days: ['Sun'], start: '02:00', length, timeZone: 'UTC' } })
  for (const length of ['PT29M', 'P7DT1S']) assert.match(wrongWith(lasting(length)).join(), /^.window.length is too/)
  assert.deepEqual([only(lasting('PT30M')).window?.length, only(lasting('P7D')).window?.length], [minutes(30), days(7)])
})

test('a time zone may be written with its present name, an older one, or in another case', () => {
  for (const timeZone of ['Europe/Zurich', 'UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'US/Pacific', 'europe/zurich']) {
    const written = { window: { days: ['Sun'], start: '02:00', length: 'PT1H', timeZone } }
    assert.equal(only(written).window?.timeZone, timeZone)
  }
})

test('adopting everything by default is not possible', () => {
  assert.deepEqual(
    problemsOf({ defaults: { vault, adopt: true }, targets: [] }).map(({ path }) => path),
    ['$.defaults.adopt'],
  )
})

test('the sample is accepted with the real providers, and shows every one of them and a reminder', async () => {
  const text = await readFile(new URL('../../targets.sample.json', import.meta.url), 'utf8')

  const parsed = parseTargets(text, providers, 'public', now)

  assert.ok('targets' in parsed, JSON.stringify(parsed))
  assert.deepEqual(
    [...new Set(parsed.targets.map((each) => each.provider))].toSorted(),
    [...providers.map(({ id }) => id), 'reminder'].toSorted(),
  )
})

test('the schema knows every key that the parser knows, by provider', () => {
  const schema = z.fromJSONSchema(targetsJsonSchema([pair, single]) as z.core.JSONSchema.JSONSchema)
  const good = { targets: [target({ vault }), target({ provider: 'single', resource: undefined, retireAfter: null })] }
  const bad = [
    { targets: [target({ colour: 'red' })] },
    { targets: [target({ secrets: { one: 'keys' } })] },
    { targets: [target({ rotateEvery: 'P1M' })] },
  ]

  assert.ok(schema.safeParse(JSON.parse(JSON.stringify(good))).success)
  for (const document of bad) assert.ok(!schema.safeParse(document).success, JSON.stringify(document))
})
