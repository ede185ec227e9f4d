// Room: the tests of the whole. How the house is built, read from its files: who may import whom, what the core may not know, and
// where a secret may be shown. docs.test.ts holds the error codes against the documents, build.test.ts what is deployed.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorCodes } from '../src/engine/rekey-error.ts'
import { providers } from './providers/all-providers.ts'
import { fleet } from './providers/provider-fleet.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const filesIn = (...globs: string[]) => globs.flatMap((glob) => globSync(glob, { cwd: root })).sort()
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const src = filesIn('src/**/*.ts')
const simulator = filesIn('simulator/**/*.ts')
const tests = filesIn('test/**/*.ts')
const all = [...src, ...simulator, ...tests, ...filesIn('scripts/**/*.ts')]

/** What a file may import, by the first room whose pattern it fits. Files of the same room may always. */
const rooms: readonly { readonly room: RegExp; readonly may: readonly RegExp[] }[] = [
  { room: /^src\/engine\//, may: [/^tinyqueue$/] },
  {
    room: /^src\/azure\//,
    may: [/^src\/engine\//, /^@azure\//, /^applicationinsights$/, /^zod$/, /^node:(crypto|timers\/promises)$/],
  },
  {
    room: /^src\/providers\//,
    // How calls are made, and how their errors are rebuilt: nothing else of the adapters.
    may: [/^src\/engine\//, /^src\/azure\/(clients|service-error)\.ts$/, /^@azure\/arm-/, /^zod$/, /^node:crypto$/],
  },
  {
    room: /^src\/config\//,
    // Settings are in the words of the adapters they are for, and targets in those of providers' own schemas.
    may: [
      /^src\/engine\//,
      /^src\/providers\/provider\.ts$/,
      /^src\/azure\/(clients|clouds|event-grid|trusted-hosts|plain|state-blob|storage)\.ts$/,
      /^(jsonc-parser|zod)$/,
      /^node:(crypto|fs\/promises|path)$/,
    ],
  },
  {
    room: /^src\/compose\.ts$/,
    may: [/^src\/(azure|providers|engine|config)\b/, /^@azure\/core-auth$/],
  },
  {
    room: /^src\/functions\//,
    may: [
      /^src\/(compose\.ts|engine\/.*|config\/schedule-setting\.ts|providers\/provider\.ts|config\/targets\/nearest\.ts)$/,
      // Shapes and names beside what compose hands out: listings, messages, log lines.
      /^src\/azure\/(blob-lease|service-error|json|key-vault|log|operation-store|plain|request-queue|telemetry)\.ts$/,
      /^@azure\/(functions|core-auth)$/,
      /^zod$/,
      /^node:crypto$/,
    ],
  },
]

/** Every file that shows a secret, and to whom. */
const reveals: Readonly<Record<string, string>> = {
  'src/azure/event-grid.ts': 'the key of the topic, to its SDK',
  'src/azure/key-vault.ts': 'a value, to the vault',
  'src/azure/raw.ts': 'a key that a request carries, to the request that goes out',
  'src/azure/storage.ts': 'the connection string of the storage account, to its SDK',
  'src/azure/telemetry.ts': 'the connection string of Application Insights, to its SDK',
  'src/providers/wire/connection-string.ts':
    'one field of a connection string, as a secret again; one that is an address',
  'src/providers/wire/key-material.ts': 'a key, to the function that signs with it',
}

describe('imports point one way', () => {
  for (const file of src) {
    test(`${file} imports what its room may`, () => {
      const { room, may } = rooms.find(({ room }) => room.test(file))!

      const strangers = importsOf(file).filter((path) => !room.test(path) && !may.some((known) => known.test(path)))

      assert.deepEqual(strangers, [])
    })
  }

  test('the app knows nothing of the simulator, the tests and the scripts, and the simulator nothing of the app', () => {
    const between = [
      ...src.flatMap((file) => importsOf(file).filter((path) => /^(simulator|test|scripts)\//.test(path))),
      ...simulator.flatMap((file) => importsOf(file).filter((path) => /^(src|test)\//.test(path))),
    ]

    assert.deepEqual(between, [])
  })

  test('a dynamic import and an import of a type count as well', () => {
    assert.ok(importsOf('src/functions/queue/queue-functions.ts').includes('src/compose.ts'))
    assert.ok(importsOf('src/azure/key-vault.ts').includes('@azure/keyvault-secrets'))
    assert.ok(importsOf('src/providers/provider.ts').includes('src/azure/clients.ts'))
  })
})

describe('the core', () => {
  const impure =
    /\bDate\.now\b|\bnew Date\(\)|\bset(Timeout|Interval|Immediate)\b|\bMath\.random\b|\b(process|performance|console|globalThis)\.|\bfetch\(|\brandomUUID\b/

  for (const file of src.filter((file) => file.startsWith('src/engine/'))) {
    test(`${file} has no clock, no dice, and no way out of its own`, () => {
      assert.doesNotMatch(codeOf(file), impure)
    })
  }

  test('what is not allowed there would be found', () => {
    for (const call of ['Date.now()', 'new Date()', 'setTimeout(', 'Math.random()', 'process.env', 'fetch(']) {
      assert.match(`const made = ${call}`, impure)
    }
  })
})

test('a secret is shown only in the files listed, and each of them does', () => {
  const showing = src.filter((file) => file !== 'src/engine/secret.ts' && /\.reveal\b/.test(codeOf(file)))

  assert.deepEqual(showing, Object.keys(reveals))
})

test('nothing that is deployed can be pointed at a simulator', () => {
  const words = /simulat|127\.0\.0\.1|localhost|NODE_TLS_REJECT_UNAUTHORIZED|SIMULATED_|rejectUnauthorized/i

  assert.deepEqual(
    src.filter((file) => words.test(codeOf(file))),
    [],
  )
  // The packages in the bundles have their own localhost; of the simulator there is nothing.
  const built = filesIn('dist/**/*.js')
  assert.deepEqual(
    built.filter((file) => /SIMULATED_AZURE|ESIMULATED|simulated Azure/.test(read(file))),
    [],
  )
})

test('the folder of providers, the registry, the fleet of the tests and the simulated services are the same', () => {
  const ids = providers.map(({ id }) => id).toSorted()
  const named = (glob: string) => filesIn(glob).map((file) => /([^/]+)\.ts$/.exec(file)![1]!)

  assert.deepEqual(
    named('src/providers/*.ts').filter((name) => name !== 'index' && name !== 'provider'),
    ids,
  )
  assert.deepEqual(Object.keys(fleet).toSorted(), ids)
})

test('every file begins with a comment that says what it is for', () => {
  const silent = all.filter((file) => !/^\/\/ \S/.test(read(file)))

  assert.deepEqual(silent, [])
})

test('no file of the app, or of the simulator, is longer than a person reads at once', () => {
  const long = [...src, ...simulator].filter((file) => read(file).split('\n').length > 400)

  assert.deepEqual(long, [])
})

test('every error code is given by somebody', () => {
  // The table of problems has them all, whether given or not.
  const text = src
    .filter((file) => file !== 'src/engine/rekey-error.ts' && file !== 'src/functions/http/problem.ts')
    .map(codeOf)
    .join('\n')

  assert.deepEqual(
    errorCodes.filter((code) => !text.includes(`'${code}'`)),
    [],
  )
})

test('every function and constant that is exported is imported by somebody', () => {
  const imported = new Set(all.flatMap(namesImportedBy))
  const unused = src.flatMap((file) =>
    [...codeOf(file).matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)]
      .map(([, name]) => `${file} ${name}`)
      .filter((exported) => !imported.has(exported)),
  )

  assert.deepEqual(unused, [])
})

test('every function that HTTP reaches asks for a key of its own', () => {
  const registering = src.filter((file) => /\bapp\.(http|get|post|put|patch|deleteRequest)\(/.test(codeOf(file)))

  assert.deepEqual(registering, ['src/functions/http/register-route.ts'])
  assert.match(codeOf(registering[0]!), /authLevel: 'function'/)
})

test('nothing that is caught is dropped without a word', () => {
  const empty = /\bcatch\s*(\([^)]*\))?\s*\{\s*\}/

  // A comment is word enough for the simulator, not for the app.
  assert.deepEqual(
    [...src.filter((file) => empty.test(codeOf(file))), ...simulator.filter((file) => empty.test(read(file)))],
    [],
  )
})

test('tests live where what they test lives', () => {
  const folders = new Set(['simulator', 'infra', 'docs', 'scripts'])
  // Tests of the whole, each with parts in a folder of its own.
  const whole = new Set(['leak', 'matrix', 'review', 'scale'])
  const lost = tests
    .filter((file) => file.endsWith('.test.ts') && file.split('/').length > 2)
    .map((file) => file.split('/')[1]!)
    .filter((folder) => !folders.has(folder) && !whole.has(folder) && filesIn(`src/${folder}/**/*.ts`).length === 0)

  assert.deepEqual(lost, [])
})

/** Packages by name, files of ours by their path from the root. */
function importsOf(file: string): string[] {
  const paths = [...codeOf(file).matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g)].map(([, path]) => path!)
  return paths.map((path) => (path.startsWith('.') ? join(dirname(file), path) : path))
}

/** `<file> <name>` for each name that a file takes from another of ours. */
function namesImportedBy(file: string): string[] {
  const code = codeOf(file)
  const listed = [...code.matchAll(/\{([^{}]*)\}\s*(?:from|= await import\()\s*'(\.[^']+)'/g)]
  const awaited = [...code.matchAll(/\(await import\('(\.[^']+)'\)\)\.(\w+)/g)].map(([, path, name]) => [
    undefined,
    name,
    path,
  ])
  const spaces = [...code.matchAll(/import \* as (\w+) from '(\.[^']+)'/g)].flatMap(([, space, path]) =>
    [...code.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, 'g'))].map(([, name]) => [undefined, name, path]),
  )
  // Destructured from Promise.all of several imports: whatever is named there may be any of them.
  const together = [...code.matchAll(/const \[([^\]]*)\] = await Promise\.all\(\[([^\]]*)\]\)/g)].flatMap(
    ([, names = '', imports = '']) =>
      [...imports.matchAll(/import\('(\.[^']+)'\)/g)].map(([, path]) => [undefined, names.replace(/[{}]/g, ''), path]),
  )
  return [...listed, ...awaited, ...spaces, ...together].flatMap(([, names = '', path = '']) =>
    names
      .split(',')
      .map((name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .replace(/(\s+as\s+|:\s*)\w+$/, ''),
      )
      .map((name) => `${join(dirname(file), path)} ${name}`),
  )
}

/** A file without its comments. Good enough here: no string of ours holds what looks like one, but addresses. */
function codeOf(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
}
