// The deployed package: the functions that it registers, what it loads, which files it has, and that it needs nothing else.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Built, buildApp, noticesFile } from '../scripts/build.ts'
import { packageLimits, packageSize } from '../scripts/package-size.ts'
import { startEstate } from '../simulator/local/estate.ts'
import { firstRound, watchHost } from '../simulator/local/first-round.ts'
import { spawnHost } from '../simulator/local/host-child.ts'
import { loadApp } from '../simulator/local/worker.ts'
import { providers } from './providers/all-providers.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** All that is deployed: an own copy, so that a build beside these tests does not take it away. */
let deployed: string
let built: Built

before(async () => {
  deployed = mkdtempSync(join(tmpdir(), 'rekey-package-'))
  process.once('exit', () => rmSync(deployed, { recursive: true, force: true }))
  built = await buildApp({ out: join(deployed, 'dist') })
  for (const file of ['host.json', 'package.json']) cpSync(join(root, file), join(deployed, file))
})

test('the package alone, in an empty folder without node_modules, rotates a key of every provider', async () => {
  const estate = await startEstate()
  const watch = watchHost()
  const lines: string[] = []
  const host = await spawnHost({
    directory: deployed,
    port: 0,
    settings: estate.settings,
    preload: estate.preload,
    timers: {
      schedule: { Last: '2026-01-01T00:00:00Z', Next: '2026-01-01T00:15:00Z', LastUpdated: '2026-01-01T00:00:00Z' },
    },
    onLine: (line) => {
      lines.push(line)
      watch.line(line)
    },
  })

  try {
    const results = await firstRound(estate, host, watch, () => undefined)

    const statuses = Object.fromEntries(results.map(({ name, status }) => [name, status]))
    assert.deepEqual(statuses, estate.fleet.expected, lines.filter((line) => / (warning|error) /.test(line)).join('\n'))
    const changed = results.filter(({ status }) => status === 'changed')
    const rotated = new Set(changed.map(({ provider }) => provider))
    assert.deepEqual([...rotated].sort(), providers.map(({ id }) => id).sort())
    assert.ok(changed.every(({ eventId, secrets }) => eventId !== undefined && secrets[0]?.version !== undefined))
  } finally {
    await host.stop()
    await estate.close()
  }
})

test('the built app registers these functions, and no others', async () => {
  const app = await loadApp(deployed, () => undefined)

  assert.deepEqual(app.functions.map(({ name, trigger }) => `${name}: ${trigger.type}`).sort(), [
    'health: httpTrigger',
    'listCandidates: httpTrigger',
    'listHistory: httpTrigger',
    'listOperations: httpTrigger',
    'listPlan: httpTrigger',
    'listProviders: httpTrigger',
    'listTargets: httpTrigger',
    'nearExpiry: eventGridTrigger',
    'nearExpiryQueue: queueTrigger',
    'page: httpTrigger',
    'planTarget: httpTrigger',
    'promoteTarget: httpTrigger',
    'repairTarget: httpTrigger',
    'resourceEvents: eventGridTrigger',
    'resourceEventsQueue: queueTrigger',
    'revoke: queueTrigger',
    'revokeTarget: httpTrigger',
    'rotate: queueTrigger',
    'rotateTarget: httpTrigger',
    'schedule: timerTrigger',
    'showOpenapi: httpTrigger',
    'showOperation: httpTrigger',
    'showTarget: httpTrigger',
    'startRevocations: httpTrigger',
    'startRotations: httpTrigger',
    'swapTarget: httpTrigger',
    'targetHistory: httpTrigger',
  ])
  const open = app.functions.filter(
    ({ trigger }) => trigger.type === 'httpTrigger' && trigger['authLevel'] !== 'function',
  )
  assert.deepEqual(
    open.map(({ name }) => name),
    ['page'],
  )
})

test('registration loads one file, with no package in it but @azure/functions and what that needs', () => {
  const { outputs } = built.functions
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const kept = inputs.flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : []))
  const packages = kept.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? [])

  const loaded = Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === 'import-statement'),
  )
  assert.deepEqual(
    loaded.filter(({ path }) => !path.startsWith('node:')),
    [],
  )
  assert.deepEqual([...new Set(packages)].sort(), ['@azure/functions', '@azure/functions-extensions-base', 'cookie'])
})

test('each Azure client is in a chunk that only a dynamic import reaches', () => {
  const clients = [
    '@azure/arm-cognitiveservices',
    '@azure/arm-communication',
    '@azure/arm-operationalinsights',
    '@azure/eventgrid',
    '@azure/identity',
    '@azure/keyvault-secrets',
    '@azure/storage-blob',
    '@azure/storage-queue',
  ]
  const chunkOf = (name: string) =>
    Object.values(built.onDemand.outputs).find(({ entryPoint }) => entryPoint?.startsWith(`node_modules/${name}/`))

  for (const client of clients) assert.ok(chunkOf(client), `${client} has no chunk of its own`)
})

test('nothing of the simulator or of the tests is in what is deployed', () => {
  const inputs = { ...built.functions.inputs, ...built.onDemand.inputs }
  const foreign = Object.keys(inputs).filter((input) => /^(simulator|test|scripts)\//.test(input))
  const text = globSync('dist/**/*.js', { cwd: deployed }).map((file) => readFileSync(join(deployed, file), 'utf8'))

  assert.deepEqual(foreign, [])
  assert.ok(text.length > 0)
  assert.ok(text.every((each) => !each.includes('SIMULATED_AZURE')))
})

test('the license of every package with code in the bundle goes along with it', () => {
  const notices = readFileSync(join(deployed, 'dist', noticesFile), 'utf8')
  const outputs = [...Object.values(built.functions.outputs), ...Object.values(built.onDemand.outputs)]
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs))
  const bundled = inputs.flatMap(([input, { bytesInOutput }]) =>
    bytesInOutput > 0 ? (/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1] ?? []) : [],
  )

  const missing = [...new Set([...bundled, 'applicationinsights'])].filter((name) => !notices.includes(`\n${name} `))

  assert.ok(bundled.length > 0)
  assert.deepEqual(missing, [])
  assert.match(notices, /Permission is hereby granted, free of charge/)
})

test('what is uploaded, telemetry aside, is under 1 MB zipped and under 40 files', () => {
  const { files, zipped } = packageSize(deployed)

  const all = globSync('**/*', { cwd: deployed, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.equal(files, all.length - 1, 'every file but telemetry.js is counted')
  assert.ok(files < packageLimits.files, `${files} files`)
  assert.ok(zipped < packageLimits.bytes, `${zipped} bytes`)
})

test('of all that lies in the repository, only host.json, package.json, dist and targets.json are uploaded', () => {
  const ignored = readFileSync(join(root, '.funcignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const pattern = line.replaceAll('.', '\\.').replaceAll(/\*+/g, (stars) => (stars === '*' ? '[^/]*' : '.*'))
      return new RegExp(`^${pattern}(/.*)?$`)
    })
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
  const untracked = [
    'dist/functions/a.js',
    'targets.json',
    'local.settings.json',
    'node_modules/zod/index.js',
    '.env',
    '.github/workflows/ci.yml',
  ]

  const uploaded = [...tracked, ...untracked].filter((file) => !ignored.some((pattern) => pattern.test(file))).sort()

  assert.deepEqual(uploaded, ['dist/functions/a.js', 'host.json', 'package.json', 'targets.json'])
})

test('an install is made when nothing is installed, a package is missing or has another version, and not otherwise', async () => {
  // Plain JavaScript without types: it must run before anything is installed.
  const { whyInstall } = (await import('../scripts/ensure-install.mjs' as string)) as {
    whyInstall(root: string): string | undefined
  }
  const repository = mkdtempSync(join(tmpdir(), 'rekey-install-'))
  const lock = (file: string, packages: object) => writeFileSync(join(repository, file), JSON.stringify({ packages }))
  const wanted = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0', optional: true },
  }
  lock('package-lock.json', wanted)

  const nothing = whyInstall(repository)
  mkdirSync(join(repository, 'node_modules'))
  lock('node_modules/.package-lock.json', { 'node_modules/b': { version: '1.0.0' } })
  const missing = whyInstall(repository)
  lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '0.9.0' } })
  const older = whyInstall(repository)
  lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } })
  const right = whyInstall(repository)
  rmSync(repository, { recursive: true })

  assert.deepEqual(
    [nothing, missing, older, right],
    ['nothing is installed yet', 'node_modules/a is missing', 'node_modules/a is not 1.0.0', undefined],
  )
})
