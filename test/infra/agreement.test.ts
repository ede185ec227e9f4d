// The infrastructure and the app agree: rights, settings, functions, queues, and the names in the queries of alerts. What the
// app has is imported, or read from the functions that it registers.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { leaseContainer } from '../../src/azure/blob-lease.ts'
import { vaultActions } from '../../src/azure/key-vault.ts'
import { operationContainer } from '../../src/azure/operation-store.ts'
import { requestQueue, revocationQueue } from '../../src/azure/request-queue.ts'
import { stateContainer } from '../../src/azure/state-blob.ts'
import { rotationProperties, type SeenTarget, type Telemetry, telemetryNames } from '../../src/azure/telemetry.ts'
import { settingNames } from '../../src/config/setting-names.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { keyVaultEvents as keyVaultEventTypes } from '../../src/functions/event-grid/near-expiry-event.ts'
import { resourceEventTypes } from '../../src/functions/event-grid/resource-event.ts'
import { ownPermissions } from '../../src/functions/health/grant.ts'
import { scheduleFinished } from '../../src/functions/timer/tick.ts'
import { documents, quoted, rows } from '../docs/markdown.ts'
import { functions, mayCall, queuesRead, routes } from '../registered-app.ts'
import { eventProperties, keyVaultEvents, resourceEvents } from './allowed.ts'
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

const definitions = project.files.find(({ path }) => path === 'infra/roles/definitions.bicep')!

/** What a role definition allows: `permissions` with one entry, of literal names. */
function allowedBy(resource: string): Readonly<Record<string, readonly (string | undefined)[]>> {
  const { body } = definitions.resources.find(({ name }) => name === resource)!
  const [entry, ...more] = named(valueAt(body, 'properties.permissions')!)
  assert.deepEqual(more, [])
  return Object.fromEntries([...propertiesOf(entry)].map(([list, names]) => [list, named(names).map(literal).sort()]))
}

test('The role for vaults grants exactly the rights that the code uses', () => {
  const granted = allowedBy('vaultDefinition')

  const dataActions = Object.values(vaultActions).sort()
  assert.deepEqual(granted, { actions: [], notActions: [], dataActions, notDataActions: [] })
})

test('The role that lets the app see its own permissions grants that, and nothing else', () => {
  const granted = allowedBy('healthDefinition')

  assert.deepEqual(granted, { actions: [ownPermissions], notActions: [], dataActions: [], notDataActions: [] })
})

test('There are no roles but those for providers, vaults and health, and each is named as the report of health names it', () => {
  const titles = definitions.resources.map(({ body }) => valueAt(body, 'properties.roleName')!.text)

  assert.deepEqual(
    project.files.flatMap((file) =>
      file.resources.filter(({ type }) => type.endsWith('/roleDefinitions')).map(({ name }) => name),
    ),
    ['providerDefinitions', 'vaultDefinition', 'healthDefinition'],
  )
  for (const title of titles) assert.match(title, /^'Rekey: /)
})

test('No role of a provider has a wildcard, or a right to delete', () => {
  const names = Object.values(rights).flatMap(({ actions, dataActions }) => [...actions, ...dataActions])

  assert.deepEqual(
    names.filter((name) => /\*|delete/i.test(name)),
    [],
  )
})

test('docs/security.md names what the role for vaults allows', () => {
  const row = rows(documents.get('docs/security.md')!).find((cells) =>
    cells.join().includes('Rekey: Key Vault secrets'),
  )!

  // `Microsoft.KeyVault/vaults/secrets/<verb>/action`
  const verbs = Object.values(vaultActions).map((action) => action.split('/').at(-2)!)
  const named = quoted(row.join(' ')).filter((word) => !word.startsWith('Rekey: '))
  assert.deepEqual(named.sort(), verbs.sort())
})

test('An application permission that a provider needs is granted by the scripts for both systems', () => {
  const permissions = new Set(Object.values(rights).flatMap(({ appRoles }) => appRoles))

  assert.notEqual(permissions.size, 0)
  for (const script of ['infra/scripts/graph-permission.sh', 'infra/scripts/graph-permission.ps1']) {
    for (const permission of permissions) assert.ok(texts[script]!.includes(permission), `${script}: ${permission}`)
  }
})

test('The app gets every setting that its code expects from Bicep, and no other', () => {
  const names = settingNames.filter((setting) => (setting.in as readonly string[]).includes('bicep'))

  const given = appSettings(project)

  // The host reads this one; the code only needs to know that there is an identity.
  const hostOnly = ['AzureWebJobsStorage__credential']
  assert.deepEqual(given.toSorted(), [...names.map(({ name }) => name), ...hostOnly].sort())
})

test('Parameters that stand for settings have the defaults of the code', () => {
  const main = project.files.find(({ path }) => path === 'infra/main.bicep')!
  const fallback = (name: string) => main.parameters.find((parameter) => parameter.name === name)?.fallback
  const setting = (name: string) => settingNames.find((each) => each.name === name) as { default?: string }

  assert.equal(fallback('targets'), setting('ROTATION_TARGETS').default)
  assert.equal(fallback('schedule'), setting('ROTATION_SCHEDULE').default)
  assert.equal(fallback('eventSchema'), setting('ROTATION_EVENT_SCHEMA').default)
})

const queries = `${texts['infra/app/alerts.bicep']}\n${texts['infra/app/workbook.json']!.replaceAll('\\"', '"')}`

test('The custom events that queries may use are those that the app sends', () => {
  const metrics: readonly string[] = [telemetryNames.rotations, telemetryNames.duration, telemetryNames.overdueTargets]

  const sent = Object.values(telemetryNames).filter((name) => !metrics.includes(name))

  assert.deepEqual(Object.keys(eventProperties).sort(), sent.sort())
})

test('The properties that queries may use are those that the events have', () => {
  const seen: Record<keyof SeenTarget, true> = {
    target: true,
    provider: true,
    status: true,
    rotatedAt: true,
    dueAt: true,
    expiresAt: true,
  }
  const overdue: Record<keyof Parameters<Telemetry['overdue']>[0][number], true> = {
    target: true,
    provider: true,
    dueAt: true,
  }
  const removed: Record<keyof Parameters<Telemetry['removed']>[0], true> = { removed: true, of: true, at: true }
  const finished = {
    target: 'vision',
    provider: 'p',
    status: 'changed',
    reasons: [],
    secrets: [],
    proven: false,
  } as const
  const error = new RekeyError('Internal', { message: 'it failed' })

  const ofRotation = Object.keys(rotationProperties(finished, 0))
  const ofFailure = Object.keys(rotationProperties({ ...finished, status: 'failed', error }, 0))

  assert.deepEqual([...eventProperties['TargetSeen']!].sort(), Object.keys(seen).sort())
  assert.deepEqual([...eventProperties['TargetOverdue']!].sort(), Object.keys(overdue).sort())
  assert.deepEqual([...eventProperties['TargetsRemoved']!].sort(), Object.keys(removed).sort())
  assert.deepEqual([...eventProperties['RotationFinished']!].sort(), ofRotation.sort())
  assert.deepEqual([...eventProperties['RotationFailed']!].sort(), ofFailure.sort())
})

/** What each subscription of a system topic is made with: its file, event types, function and queue. */
const subscriptions = project.files.flatMap((file) =>
  file.modules
    .filter(({ source }) => source === 'subscription.bicep')
    .map(({ body }) => {
      const types = valueAt(body, 'params.filter.includedEventTypes')
      const [called, queue] = ['functionName', 'destinationQueue'].map((name) =>
        literal(valueAt(body, `params.${name}`)),
      )
      return { path: file.path, body, types: named(types!).map(literal), called, queue }
    }),
)

test('Subscriptions ask for the events that the app handles, and send them to the functions and queues that it has for them', () => {
  const handled = { nearExpiry: keyVaultEventTypes, resourceEvents: resourceEventTypes }

  assert.deepEqual(Object.fromEntries(subscriptions.map(({ called, types }) => [called, types])), handled)
  for (const { called, queue } of subscriptions) {
    assert.equal(functions.find(({ name }) => name === called)?.trigger.type, 'eventGridTrigger')
    assert.equal(functions.find(({ name }) => name === `${called}Queue`)?.trigger['queueName'], queue)
  }
  assert.deepEqual([...keyVaultEventTypes, ...resourceEventTypes], [...keyVaultEvents, ...resourceEvents])
})

test('The filter of a subscription’s events has no more values than Event Grid takes, and every provider’s own action passes it', () => {
  const { operations } = JSON.parse(texts['infra/key-operations.json']!) as { operations: string[] }
  const changes = Object.values(rights).flatMap(({ actions }) => actions.filter((name) => /regenerate/i.test(name)))

  assert.ok(operations.length + 1 <= 25, `${operations.length} operations, and the client id of the app`)
  assert.notEqual(changes.length, 0)
  for (const name of changes) {
    assert.ok(
      operations.some((part) => name.toLowerCase().includes(part.toLowerCase())),
      name,
    )
  }
})

test('Alerts ask for functions, queues and log lines that the app has', () => {
  const asked = [...queries.matchAll(/name == "([a-z]\w+)"/g)].map(([, name]) => name!)
  const queues = [...queries.matchAll(/"(rekey-[\w-]+)-poison"/g)].map(([, name]) => name!)
  const lines = [...queries.matchAll(/message startswith "([^"]+)"/g)].map(([, line]) => line!)

  assert.deepEqual([asked.length, queues.length, lines.length].includes(0), false)
  for (const name of asked)
    assert.ok(
      functions.some((each) => each.name === name),
      name,
    )
  for (const name of queues) assert.ok(queuesRead.includes(name), name)
  assert.deepEqual(new Set(lines), new Set([scheduleFinished]))
})

test('No alert uses records that the host samples', () => {
  const kinds: Readonly<Record<string, string>> = { traces: 'Trace', requests: 'Request', customEvents: 'Event' }
  const host = JSON.parse(readFileSync(`${repository}/host.json`, 'utf8'))

  const tables = texts['infra/app/alerts.bicep']!.match(/^ +\(?(\w+)$|(?<=\()\w+(?= \|)/gm)!.map((table) =>
    table.trim(),
  )

  const kept: string[] = host.logging.applicationInsights.samplingSettings.excludedTypes.split(';')
  assert.deepEqual([...new Set(tables)].sort(), Object.keys(kinds).sort())
  for (const table of tables) assert.ok(kept.includes(kinds[table]!), table)
})

test('The infrastructure makes the queues and containers that the app uses', () => {
  const storage = texts['infra/app/storage.bicep']!
  const used = [...queuesRead, requestQueue, revocationQueue, leaseContainer, operationContainer, stateContainer]

  assert.deepEqual(
    used.filter((name) => !storage.includes(`'${name}'`)),
    [],
  )
})

test('The app reads the queues that it writes', () => {
  assert.deepEqual(
    [requestQueue, revocationQueue].filter((name) => !queuesRead.includes(name)),
    [],
  )
})

test('Each app role of the sign-in opens a route, and each route is opened by one', async () => {
  const made = (JSON.parse(texts['infra/scripts/app-roles.json']!) as { value: string }[]).map(({ value }) => value)

  const opened = new Map<string, string[]>()
  for (const role of made) {
    for (const { name } of routes) if (await mayCall(name, role)) opened.set(role, [...(opened.get(role) ?? []), name])
  }

  assert.deepEqual([...opened.keys()].sort(), made.toSorted())
  assert.deepEqual(
    routes.filter(({ name }) => ![...opened.values()].flat().includes(name)),
    [],
  )
})

test('infra/README.md lists the switches of main.parameters.json', () => {
  const content = JSON.parse(texts['infra/main.parameters.json']!) as { parameters: Record<string, { value: string }> }
  const variableOf = ({ value }: { value: string }) => /^\$\{(\w+)/.exec(value)?.[1]
  const mapped = Object.entries(content.parameters).map(([name, entry]) => `${variableOf(entry)} ${name}`)

  const listed = rows(documents.get('infra/README.md')!)
    .map(([variable = '', name = '']) => quoted(`${variable} ${name}`))
    .filter((words) => words.length === 2 && /^[A-Z_]+$/.test(words[0]!))
    .map((words) => words.join(' '))

  // azd sets these by itself; the silence is documented with the schedule.
  const other = ['AZURE_ENV_NAME environmentName', 'AZURE_LOCATION location', 'AZURE_PRINCIPAL_ID principalId']
  assert.deepEqual([...listed, ...other, 'SCHEDULE_SILENCE scheduleSilence'].sort(), mapped.sort())
})

test('test.http has a request for every route, and none for another', () => {
  const requests = readFileSync(`${repository}/test.http`, 'utf8').matchAll(
    /^(GET|POST) \{\{host\}\}\/api\/([^?\s]+)/gm,
  )
  const tried = [...requests].map(
    ([, method, path]) =>
      `${method} ${path!.replace(/^targets\/[^/]+/, 'targets/{name}').replace(/^operations\/[^/]+/, 'operations/{id}')}`,
  )

  assert.deepEqual([...new Set(tried)].sort(), routes.map(({ route }) => route).sort())
})
