// What the infrastructure says of the app is what the app's code says: rights, settings, names in queries.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { vaultActions } from '../../src/azure/key-vault.ts'
import { type SeenTarget, type Telemetry, telemetryNames } from '../../src/azure/telemetry.ts'
import { settingNames } from '../../src/config/setting-names.ts'
import { ownPermissions } from '../../src/functions/health/grant.ts'
import { providers } from '../providers/all-providers.ts'
import { eventProperties, keyVaultEvents, queueNames } from './allowed.ts'
import { literal, loadGrammar, named, propertiesOf, valueAt } from './bicep.ts'
import { projectOf, readTexts, repository } from './project.ts'
import { appSettings } from './wiring.ts'

await loadGrammar()
const texts = readTexts()
const project = projectOf(texts)

interface Rights {
  readonly actions: string[]
  readonly dataActions: string[]
  readonly appRoles: string[]
}
const rights = JSON.parse(texts['infra/provider-actions.json']!) as Record<string, Rights>

test('every provider has an entry among the roles, and every entry a provider', () => {
  const entries = Object.keys(rights).sort()

  assert.deepEqual(entries, providers.map(({ id }) => id).sort())
})

for (const provider of providers) {
  test(`the role of ${provider.id} grants exactly what its code needs`, () => {
    const needed = (kind: string) => provider.actions.filter((each) => each.kind === kind).map(({ name }) => name)

    const granted = rights[provider.id]!

    assert.deepEqual(granted.actions.toSorted(), needed('action').sort())
    assert.deepEqual(granted.dataActions.toSorted(), needed('dataAction').sort())
    assert.deepEqual(granted.appRoles.toSorted(), needed('appRole').sort())
  })
}

const definitions = project.files.find(({ path }) => path === 'infra/roles/definitions.bicep')!

/** What a role definition allows: `permissions` with one entry, of literal names. */
function allowedBy(resource: string): Readonly<Record<string, readonly (string | undefined)[]>> {
  const { body } = definitions.resources.find(({ name }) => name === resource)!
  const [entry, ...more] = named(valueAt(body, 'properties.permissions')!)
  assert.deepEqual(more, [])
  return Object.fromEntries([...propertiesOf(entry)].map(([list, names]) => [list, named(names).map(literal).sort()]))
}

test('the role for vaults grants exactly what the code asks of a vault', () => {
  const granted = allowedBy('vaultDefinition')

  const dataActions = Object.values(vaultActions).sort()
  assert.deepEqual(granted, { actions: [], notActions: [], dataActions, notDataActions: [] })
})

test('the role that lets the app see its own permissions grants that, and nothing else', () => {
  const granted = allowedBy('healthDefinition')

  assert.deepEqual(granted, { actions: [ownPermissions], notActions: [], dataActions: [], notDataActions: [] })
})

test('there are no roles but those for providers, vaults and health, and all are called as the lines of health say', () => {
  const titles = definitions.resources.map(({ body }) => valueAt(body, 'properties.roleName')!.text)

  assert.deepEqual(
    project.files.flatMap((file) =>
      file.resources.filter(({ type }) => type.endsWith('/roleDefinitions')).map(({ name }) => name),
    ),
    ['providerDefinitions', 'vaultDefinition', 'healthDefinition'],
  )
  for (const title of titles) assert.match(title, /^'Rekey: /)
})

test('no role of a provider has a wildcard, or a right to delete', () => {
  const names = Object.values(rights).flatMap(({ actions, dataActions }) => [...actions, ...dataActions])

  assert.deepEqual(
    names.filter((name) => /\*|delete/i.test(name)),
    [],
  )
})

test('the security document names what the role for vaults allows', () => {
  const security = readFileSync(`${repository}/docs/security.md`, 'utf8')

  const [row = ''] = /^.*Rekey: Key Vault secrets.*$/m.exec(security) ?? []

  const verbs = Object.values(vaultActions).map((action) => /secrets\/(\w+)\/action$/.exec(action)![1]!)
  assert.deepEqual([...row.matchAll(/`(\w+)`/g)].map(([, word]) => word!).sort(), verbs.sort())
})

test('a provider that needs an application permission has it granted by the scripts, which explain it', () => {
  const permissions = new Set(Object.values(rights).flatMap(({ appRoles }) => appRoles))

  assert.notEqual(permissions.size, 0)
  for (const script of ['infra/scripts/graph-permission.sh', 'infra/scripts/graph-permission.ps1']) {
    for (const permission of permissions) {
      assert.match(texts[script]!, new RegExp(`permission ?= ?'?${permission}`))
      assert.match(texts[script]!, new RegExp(`^# What it grants: ${permission}`, 'm'))
    }
  }
})

test('the app gets every setting that its code says is in Bicep, and no other', () => {
  const names = settingNames.filter((setting) => (setting.in as readonly string[]).includes('bicep'))

  const given = appSettings(project)

  // The host reads this one; the code only needs to know that there is an identity.
  const hostOnly = ['AzureWebJobsStorage__credential']
  assert.deepEqual(given.toSorted(), [...names.map(({ name }) => name), ...hostOnly].sort())
})

test('parameters that stand for settings have the defaults of the code', () => {
  const main = project.files.find(({ path }) => path === 'infra/main.bicep')!
  const fallback = (name: string) => main.parameters.find((parameter) => parameter.name === name)?.fallback
  const setting = (name: string) => settingNames.find((each) => each.name === name) as { default?: string }

  assert.equal(fallback('targets'), setting('ROTATION_TARGETS').default)
  assert.equal(fallback('schedule'), setting('ROTATION_SCHEDULE').default)
  assert.equal(fallback('eventSchema'), setting('ROTATION_EVENT_SCHEMA').default)
})

const queries = `${texts['infra/app/alerts.bicep']}\n${texts['infra/app/workbook.json']!.replaceAll('\\"', '"')}`

test('the custom events that queries may use are those that the app sends', () => {
  const metrics: readonly string[] = [telemetryNames.rotations, telemetryNames.duration, telemetryNames.overdueTargets]

  const sent = Object.values(telemetryNames).filter((name) => !metrics.includes(name))

  assert.deepEqual(Object.keys(eventProperties).sort(), sent.sort())
})

test('the properties that queries may use are those that the events have', () => {
  const seen: Record<keyof SeenTarget, true> = {
    target: true,
    provider: true,
    state: true,
    rotatedAt: true,
    dueAt: true,
    expiresOn: true,
  }
  const overdue: Record<keyof Parameters<Telemetry['overdue']>[0][number], true> = {
    target: true,
    provider: true,
    dueAt: true,
  }
  const removed: Record<keyof Parameters<Telemetry['removed']>[0], true> = { removed: true, of: true, at: true }
  const code = readFileSync(`${repository}/src/azure/telemetry.ts`, 'utf8')
  const [, sent = ''] = /\nfunction trackRotation\b([\s\S]*?)\n}\n/.exec(code) ?? []
  const literals = [...sent.matchAll(/(?:properties = |properties: |\? \{\} : )\{ ([^{}]*) \}/g)]

  const ofRotation = literals
    .flatMap(([, fields]) => fields!.split(', '))
    .flatMap((field) => /^\w+/.exec(field)?.[0] ?? [])

  assert.deepEqual([...eventProperties['TargetSeen']!].sort(), Object.keys(seen).sort())
  assert.deepEqual([...eventProperties['TargetOverdue']!].sort(), Object.keys(overdue).sort())
  assert.deepEqual([...eventProperties['TargetsRemoved']!].sort(), Object.keys(removed).sort())
  assert.deepEqual([...eventProperties['RotationFailed']!].sort(), ofRotation.sort())
})

test('Key Vault is asked for the events that the app understands, and they go to the queue that it reads', () => {
  const understood = readFileSync(`${repository}/src/functions/event-grid/near-expiry-event.ts`, 'utf8')
  const handler = readFileSync(`${repository}/src/functions/event-grid/near-expiry.ts`, 'utf8')

  const types = understood.match(/(?<=')Microsoft\.KeyVault\.\w+(?=')/g)!
  const [queue] = /(?<=queueName: )'[\w-]+'/.exec(handler)!

  assert.deepEqual(new Set(types), new Set(keyVaultEvents))
  for (const type of types) assert.ok(texts['infra/events/subscription.bicep']!.includes(`'${type}'`), type)
  assert.equal(queueNames['infra/events/subscription.bicep'], queue)
})

test('alerts ask for functions, queues and log lines that the app has', () => {
  const functions = [...queries.matchAll(/name == "([a-z]\w+)"/g)].map(([, name]) => name!)
  const queues = [...queries.matchAll(/"(rekey-[\w-]+)-poison"/g)].map(([, name]) => name!)
  const lines = [...queries.matchAll(/message startswith "([^"]+)"/g)].map(([, line]) => line!)

  const source = ['timer/schedule.ts', 'queue/queue-functions.ts', 'event-grid/near-expiry.ts', 'timer/tick.ts']
    .map((file) => readFileSync(`${repository}/src/functions/${file}`, 'utf8'))
    .join('\n')

  assert.deepEqual([functions.length, queues.length, lines.length].includes(0), false)
  for (const name of functions) assert.match(source, new RegExp(`app\\.\\w+\\('${name}'`))
  for (const name of queues) assert.match(source, new RegExp(`'${name}'`))
  for (const line of lines) assert.match(source, new RegExp(`'${line}`))
})

test('no alert rests on records that the host samples', () => {
  const kinds: Readonly<Record<string, string>> = { traces: 'Trace', requests: 'Request', customEvents: 'Event' }
  const host = JSON.parse(readFileSync(`${repository}/host.json`, 'utf8'))

  const tables = texts['infra/app/alerts.bicep']!.match(/^ +\(?(\w+)$|(?<=\()\w+(?= \|)/gm)!.map((table) =>
    table.trim(),
  )

  const kept: string[] = host.logging.applicationInsights.samplingSettings.excludedTypes.split(';')
  assert.deepEqual([...new Set(tables)].sort(), Object.keys(kinds).sort())
  for (const table of tables) assert.ok(kept.includes(kinds[table]!), table)
})

test('the queues and containers that code names are made', () => {
  const storage = texts['infra/app/storage.bicep']!
  const named = globSync('src/**/*.ts', { cwd: repository })
    .flatMap((file) => [...readFileSync(`${repository}/${file}`, 'utf8').matchAll(/'(rekey-[a-z-]+)'/g)])
    .map(([, name]) => name!)
    // Tags beside secrets.
    .filter((name) => name !== 'rekey-note' && name !== 'rekey-failed')

  assert.notEqual(named.length, 0)
  assert.deepEqual(
    named.filter((name) => !storage.includes(`'${name}'`)),
    [],
  )
})

test('the function that Event Grid calls is registered under the name that the subscription uses', () => {
  const code = readFileSync(`${repository}/src/functions/event-grid/near-expiry.ts`, 'utf8')

  const [, name] = /\/functions\/(\w+)'/.exec(texts['infra/events/subscription.bicep']!) ?? []

  assert.match(code, new RegExp(`app\\.eventGrid\\('${name}'`))
})

test('the app roles of the sign-in are those that the routes ask for', () => {
  const code = readFileSync(`${repository}/src/functions/http/caller.ts`, 'utf8')
  const asked = new Set(code.match(/Rekey\.(Read|Rotate|Revoke)/g))

  const made = (JSON.parse(texts['infra/scripts/app-roles.json']!) as { value: string }[]).map(({ value }) => value)

  assert.deepEqual(made.toSorted(), [...asked].sort())
})

test('the switches that the README lists are those of main.parameters.json', () => {
  const readme = readFileSync(`${repository}/infra/README.md`, 'utf8')
  const content = JSON.parse(texts['infra/main.parameters.json']!) as { parameters: Record<string, { value: string }> }
  const variableOf = ({ value }: { value: string }) => /^\$\{(\w+)/.exec(value)?.[1]
  const mapped = Object.entries(content.parameters).map(([name, entry]) => `${variableOf(entry)} ${name}`)

  const listed = [...readme.matchAll(/^\| `(\w+)` +\| `(\w+)` +\|/gm)].map(
    ([, variable, name]) => `${variable} ${name}`,
  )

  // azd sets these by itself; the silence is documented with the schedule.
  const other = ['AZURE_ENV_NAME environmentName', 'AZURE_LOCATION location', 'AZURE_PRINCIPAL_ID principalId']
  assert.deepEqual([...listed, ...other, 'SCHEDULE_SILENCE scheduleSilence'].sort(), mapped.sort())
})

test('test.http has a request for every route, and none for another', () => {
  const code = readFileSync(`${repository}/src/functions/http/routes.ts`, 'utf8')
  const routes = [...code.matchAll(/route\(\s*'\w+',\s*'(\w+)',\s*'([^']+)'/g)].map(
    ([, method, path]) => `${method} ${path}`,
  )

  const requests = readFileSync(`${repository}/test.http`, 'utf8').matchAll(
    /^(GET|POST) \{\{host\}\}\/api\/([^?\s]+)/gm,
  )
  const tried = [...requests].map(
    ([, method, path]) =>
      `${method} ${path!.replace(/^targets\/[^/]+/, 'targets/{name}').replace(/^operations\/[^/]+/, 'operations/{id}')}`,
  )

  assert.deepEqual([...new Set(tried)].sort(), routes.sort())
})
