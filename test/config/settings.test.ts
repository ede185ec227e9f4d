// Reading and checking the app settings.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Cron } from 'croner'
import fc from 'fast-check'
import { clouds } from '../../src/azure/clouds.ts'
import { scheduleProblem } from '../../src/config/ncrontab.ts'
import { scheduleToRegister } from '../../src/config/schedule-setting.ts'
import { settingNames } from '../../src/config/setting-names.ts'
import { type Environment, readSettings } from '../../src/config/settings.ts'

const local: Environment = { AzureWebJobsStorage: 'UseDevelopmentStorage=true' }
const guid = '11111111-2222-3333-4444-555555555555'
/** Has the form of a key, and must never come out again. */
const canary = 'c2VjcmV0LWtleS1vZi1zb21lYm9keQ=='

function settingsOf(environment: Environment) {
  const read = readSettings(environment)
  assert.ok('settings' in read, JSON.stringify(read))
  return read.settings
}

function problemsOf(environment: Environment) {
  const read = readSettings(environment)
  assert.ok('problems' in read, 'there should be problems')
  return read.problems
}

test('with storage alone set, everything else has its default', () => {
  const settings = settingsOf(local)

  assert.equal(settings.targets, './targets.json')
  assert.equal(settings.schedule, '0 */15 * * * *')
  assert.equal(settings.cloud, clouds.public)
  assert.equal(settings.storage.by, 'connectionString')
  assert.deepEqual([settings.topic, settings.telemetry, settings.clientId], [undefined, undefined, undefined])
})

test('Every setting is read', () => {
  const settings = settingsOf({
    ROTATION_TARGETS: 'https://stprod.blob.core.usgovcloudapi.net/config/targets.json',
    ROTATION_VAULT: 'https://KV-Prod.vault.usgovcloudapi.net/',
    ROTATION_SCHEDULE: '0 0 */2 * * *',
    ROTATION_TOPIC: 'https://rekey.usgovvirginia-1.eventgrid.azure.us/api/events',
    ROTATION_TOPIC_KEY: canary,
    ROTATION_EVENT_SCHEMA: 'EventGrid',
    AZURE_CLOUD: 'AzureUSGovernment',
    AZURE_CLIENT_ID: guid,
    AzureWebJobsStorage__blobServiceUri: 'https://stprod.blob.core.usgovcloudapi.net',
    AzureWebJobsStorage__queueServiceUri: 'https://stprod.queue.core.usgovcloudapi.net',
    AzureWebJobsStorage__clientId: guid,
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${guid};IngestionEndpoint=https://usgovvirginia-1.in.applicationinsights.azure.us/`,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${guid};Authorization=AAD`,
    WEBSITE_SITE_NAME: 'func-rekey',
  })

  assert.equal(settings.app, 'func-rekey')
  assert.equal(settings.cloud.name, 'usgov')
  assert.equal(settings.vault, 'https://kv-prod.vault.usgovcloudapi.net')
  assert.equal(settings.clientId, guid)
  assert.equal(settings.topic?.schema, 'EventGrid')
  assert.equal(settings.topic?.key?.reveal(), canary)
  assert.deepEqual(settings.storage, {
    by: 'identity',
    blobs: 'https://stprod.blob.core.usgovcloudapi.net',
    queues: 'https://stprod.queue.core.usgovcloudapi.net',
    clientId: guid,
  })
  assert.equal(settings.telemetry?.authentication, `ClientId=${guid};Authorization=AAD`)
})

test('Every cloud is found by our name and by Azure’s', () => {
  const names = ['public', 'AzureCloud', 'USGov', 'AzureUSGovernment', 'china', 'AzureChinaCloud']

  const found = names.map((name) => settingsOf({ ...local, AZURE_CLOUD: name }).cloud.name)

  assert.deepEqual(found, ['public', 'public', 'usgov', 'usgov', 'china', 'china'])
})

test('the name of the storage account is enough', () => {
  const { storage } = settingsOf({ AzureWebJobsStorage__accountName: 'stprod', AZURE_CLOUD: 'china' })

  assert.ok(storage.by === 'identity')
  assert.equal(storage.queues, 'https://stprod.queue.core.chinacloudapi.cn')
})

test('where other settings are bad, the storage account is still the one of our cloud', () => {
  const read = readSettings({
    AzureWebJobsStorage__accountName: 'stprod',
    AZURE_CLOUD: 'usgov',
    ROTATION_SCHEDULE: 'often',
  })

  assert.ok('problems' in read && read.waiting)
  assert.ok(read.waiting.storage.by === 'identity')
  assert.equal(read.waiting.storage.queues, 'https://stprod.queue.core.usgovcloudapi.net')
  assert.equal(read.waiting.cloud.name, 'usgov')
})

test('A word that is a property of JavaScript’s objects is not the name of a cloud', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    const read = readSettings({ ...local, AZURE_CLOUD: name })

    assert.ok('problems' in read, name)
    assert.deepEqual(
      read.problems.map(({ path }) => path),
      ['AZURE_CLOUD'],
    )
  }
})

test('In an unknown cloud the name of a storage account is no address, and its endpoints are', () => {
  const waiting = (storage: Environment) => {
    const read = readSettings({ ...storage, AZURE_CLOUD: 'moon' })
    assert.ok('problems' in read)
    return read.waiting?.storage
  }
  const endpoints = {
    AzureWebJobsStorage__blobServiceUri: 'https://stprod.blob.core.usgovcloudapi.net',
    AzureWebJobsStorage__queueServiceUri: 'https://stprod.queue.core.usgovcloudapi.net',
  }

  assert.equal(waiting({ AzureWebJobsStorage__accountName: 'stprod' }), undefined)
  assert.equal(waiting(endpoints)?.by, 'identity')
})

test('an empty setting counts as not set', () => {
  const empty = Object.fromEntries(settingNames.map(({ name }) => [name, '']))

  assert.deepEqual(
    problemsOf(empty).map(({ path }) => path),
    ['AzureWebJobsStorage'],
  )
})

test('every wrong setting is named at once, with where to set it, and no value is repeated', () => {
  const wrong: Environment = {
    ROTATION_TARGETS: `https://stprod.blob.core.windows.net/config/targets.json?sig=${canary}`,
    ROTATION_VAULT: canary,
    ROTATION_SCHEDULE: '*/15 * * * *',
    ROTATION_TOPIC: canary,
    ROTATION_EVENT_SCHEMA: canary,
    AZURE_CLOUD: canary,
    AZURE_CLIENT_ID: canary,
    AzureWebJobsStorage: canary,
    APPLICATIONINSIGHTS_CONNECTION_STRING: canary,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: canary,
  }

  const problems = problemsOf(wrong)

  assert.deepEqual(problems.map(({ path }) => path).toSorted(), Object.keys(wrong).toSorted())
  for (const { path, remedy } of problems) {
    assert.ok(remedy.includes(`Set ${path} in the app's settings in Azure`))
    assert.ok(remedy.includes('local.settings.json'))
  }
  assert.ok(!JSON.stringify(problems).includes(canary))
})

test('half of the identity-based storage names the other half', () => {
  const problems = problemsOf({ AzureWebJobsStorage__blobServiceUri: 'https://stprod.blob.core.windows.net' })

  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    ['AzureWebJobsStorage__queueServiceUri is missing'],
  )
})

test('An endpoint of the storage account without TLS is refused, and no message can be put back', () => {
  const read = readSettings({
    AzureWebJobsStorage__blobServiceUri: 'https://stprod.blob.core.windows.net',
    AzureWebJobsStorage__queueServiceUri: 'http://stprod.queue.core.windows.net',
  })

  assert.ok('problems' in read)
  assert.deepEqual(
    read.problems.map(({ path, message }) => `${path} ${message}`),
    ['AzureWebJobsStorage__queueServiceUri is not an https URL'],
  )
  assert.equal(read.waiting, undefined)
})

test('an address of the targets that carries a password is refused, and not repeated', () => {
  for (const who of [`${canary}@`, `me:${canary}@`]) {
    const problems = problemsOf({ ...local, ROTATION_TARGETS: `https://${who}stprod.blob.core.windows.net/a/b.json` })

    assert.deepEqual(
      problems.map(({ path, message }) => `${path} ${message}`),
      ['ROTATION_TARGETS carries a signature or a password'],
    )
    assert.ok(!JSON.stringify(problems).includes(canary))
  }
})

/** Addresses in the form of a storage account's that are not: each would get a token that opens the real ones. */
const foreignHosts = [
  'https://evil.example/',
  'https://169.254.169.254/metadata/identity/oauth2/token',
  'https://[::1]/',
  'https://2130706433/',
  'https://localhost/',
  'https://stprod.SERVICE.core.windows.net.evil.example/',
  'https://evil.example/stprod.SERVICE.core.windows.net',
  'https://evil.example#.SERVICE.core.windows.net',
  'https://stprodSERVICE.core.windows.net/',
  'https://SERVICE.core.windows.net/',
  'https://a.b.SERVICE.core.windows.net/',
  'https://stprod.SERVICE.core.windows.net./',
  'https://stprod.SERVICE.core.windows.net:8443/',
  'https://stprod.SERVICE.core.chinacloudapi.cn/',
  'https://stprod.z1x.SERVICE.storage.azure.net/',
  'https://stprod.web.core.windows.net/',
  'https://storage.azure.com/',
]

test('a setting that names a host outside the cloud is refused: the app’s token would go there', () => {
  for (const [name, service, other] of [
    ['ROTATION_TARGETS', 'blob', local],
    [
      'AzureWebJobsStorage__blobServiceUri',
      'blob',
      { AzureWebJobsStorage__queueServiceUri: 'https://stprod.queue.core.windows.net' },
    ],
    [
      'AzureWebJobsStorage__queueServiceUri',
      'queue',
      { AzureWebJobsStorage__blobServiceUri: 'https://stprod.blob.core.windows.net' },
    ],
  ] as const) {
    for (const form of [...foreignHosts, 'https://me@stprod.SERVICE.core.windows.net/']) {
      const address = form.replace('SERVICE', service)
      const problems = problemsOf({ ...other, [name]: address })

      assert.deepEqual(
        problems.map(({ path }) => path),
        [name],
        address,
      )
      if (!/me@/.test(address)) assert.match(problems[0]!.remedy, new RegExp(`${service}\\.core\\.windows\\.net`))
    }
  }
})

test('Storage accounts are recognised in every form of address that Azure gives them', () => {
  for (const host of [
    'stprod.blob.core.windows.net',
    'stprod-secondary.blob.core.windows.net',
    'stprod.z07.blob.storage.azure.net',
  ]) {
    assert.equal(
      settingsOf({ ...local, ROTATION_TARGETS: `HTTPS://${host}/a/b.json` }).targets,
      `https://${host}/a/b.json`,
    )
  }
})

test('with a token, telemetry goes only to hosts of the cloud', () => {
  const entra = { ...local, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' }
  const withEndpoint = (endpoint: string) => ({
    ...entra,
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${guid};${endpoint}`,
  })

  for (const bad of [
    'IngestionEndpoint=https://evil.example/',
    'LiveEndpoint=http://live.monitor.azure.com',
    'EndpointSuffix=evil.example',
  ]) {
    assert.deepEqual(
      problemsOf(withEndpoint(bad)).map(({ path }) => path),
      ['APPLICATIONINSIGHTS_CONNECTION_STRING'],
      bad,
    )
  }
  settingsOf(
    withEndpoint(
      'IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/',
    ),
  )
})

test('a topic of another cloud, of another kind or without TLS is refused', () => {
  for (const endpoint of [
    'https://rekey.westeurope-1.eventgrid.azure.us/api/events',
    'https://rekey.westeurope-1.eventgrid.azure.net/topics/rekey',
    'http://rekey.westeurope-1.eventgrid.azure.net/api/events',
    'rekey.westeurope-1.eventgrid.azure.net',
    `https://rekey.westeurope-1.eventgrid.azure.net/api/events?aeg-sas-key=${canary}`,
    'https://rekey.westeurope-1.eventgrid.azure.net:444/api/events',
    'https://me@rekey.westeurope-1.eventgrid.azure.net/api/events',
    'https://rekey.westeurope-1.eventgrid.azure.net.evil.example/api/events',
    'https://169.254.169.254/api/events',
  ]) {
    const problems = problemsOf({ ...local, ROTATION_TOPIC: endpoint })

    assert.deepEqual(
      problems.map(({ path }) => path),
      ['ROTATION_TOPIC'],
      endpoint,
    )
  }
})

test('a vault of another cloud, or without https, is refused', () => {
  for (const address of ['https://kv-prod.vault.azure.cn', 'http://kv-prod.vault.azure.net', 'kv-prod']) {
    const problems = problemsOf({ ...local, ROTATION_VAULT: address })

    assert.deepEqual(
      problems.map(({ path }) => path),
      ['ROTATION_VAULT'],
      address,
    )
  }
})

test('A client id of the sign-in that is none is a warning, which stops nothing and does not repeat it', () => {
  const right = readSettings({ ...local, ROTATION_SIGN_IN: '6f9b1c1e-6f2d-4b7a-9c4e-0d6a1b2c3d4e' })
  const wrong = readSettings({ ...local, ROTATION_SIGN_IN: canary })

  assert.ok('settings' in right && 'settings' in wrong)
  assert.deepEqual([right.warnings.length, wrong.warnings.map(({ path }) => path)], [0, ['ROTATION_SIGN_IN']])
  assert.ok(!JSON.stringify(wrong.warnings).includes(canary))
})

test('the key of a topic that is not set is a mistake', () => {
  const [problem] = problemsOf({ ...local, ROTATION_TOPIC_KEY: canary })

  assert.equal(problem?.path, 'ROTATION_TOPIC_KEY')
})

test('a storage connection string needs its parts', () => {
  const accepted = [
    'DefaultEndpointsProtocol=https;AccountName=st;AccountKey=a2V5;EndpointSuffix=core.windows.net',
    'BlobEndpoint=https://b.example;QueueEndpoint=https://q.example;SharedAccessSignature=sv=1',
    'UseDevelopmentStorage=true;',
  ]
  const refused = ['AccountName=st', 'DefaultEndpointsProtocol=https;AccountKey=a2V5', 'x']

  for (const text of accepted) assert.equal(settingsOf({ AzureWebJobsStorage: text }).storage.by, 'connectionString')
  for (const text of refused) assert.equal(problemsOf({ AzureWebJobsStorage: text }).length, 1)
})

test('schedules that the host takes are accepted', () => {
  for (const schedule of [
    '0 */15 * * * *',
    '30 0,15,30,45 * * * *',
    '0 5 8-18/2 * * mon-fri',
    '0 0 3 1 Jan,jul *',
    '0 0 0 1-15 * 0',
    '  0   0 9 * * 6 ',
  ]) {
    assert.equal(scheduleProblem(schedule), undefined, schedule)
  }
})

test('Schedules that the host refuses are refused, with the form to write', () => {
  for (const schedule of [
    '',
    '00:15:00',
    '0 0 0 1 1 0 2030',
    '60 * * * * *',
    '0 60 * * * *',
    '0 0 24 * * *',
    '0 0 0 0 * *',
    '0 0 0 32 * *',
    '0 0 0 * 13 *',
    '0 0 0 * * 7',
    '0 0 0 L * *',
    '0 0 0 ? * *',
    '0 */0 * * * *',
    '0 5-1 * * * *',
    '0 1-2-3 * * * *',
    '0 1,,2 * * * *',
    '0 -5 * * * *',
    '0 */5/5 * * * *',
    '0 5/15 * * * *',
    '0 0 0 * * monday',
  ]) {
    const problem = scheduleProblem(schedule)

    assert.ok(problem, schedule)
    assert.match(problem.remedy, /^Write /)
  }
})

test('A five-field schedule is answered with the six-field one that was probably meant', () => {
  assert.equal(scheduleProblem('*/15 * * * *')?.remedy, 'Put the seconds in front: 0 */15 * * * *')
})

test('A schedule that runs more than once a minute is refused', () => {
  for (const second of ['*', '*/20', '0,30', '0-3']) {
    assert.match(scheduleProblem(`${second} * * * * *`)!.message, /more than once a minute/)
  }
})

test('A schedule that is accepted is also accepted by another reader of six fields', () => {
  const number = (least: number, most: number) => fc.integer({ min: least - 1, max: most + 1 }).map(String)
  const part = (least: number, most: number) =>
    fc.oneof(
      fc.constant('*'),
      number(least, most),
      fc.tuple(number(least, most), number(least, most)).map(([from, to]) => `${from}-${to}`),
      fc.nat(most).map((step) => `*/${step}`),
      fc
        .tuple(number(least, most), number(least, most), fc.nat(most))
        .map(([from, to, step]) => `${from}-${to}/${step}`),
    )
  const field = (least: number, most: number) =>
    fc.array(part(least, most), { minLength: 1, maxLength: 3 }).map((all) => all.join(','))
  const schedule = fc
    .tuple(fc.constantFrom('0', '59'), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
    .map((all) => all.join(' '))
  let accepted = 0

  fc.assert(
    fc.property(schedule, (text) => {
      if (scheduleProblem(text)) return
      accepted += 1
      new Cron(text, { mode: '6-part', domAndDow: true, paused: true })
    }),
    { numRuns: 2000 },
  )

  assert.ok(accepted > 20, `only ${accepted} of 2000 were schedules`)
})

test('the timer is registered with the default while the setting is wrong', () => {
  assert.equal(scheduleToRegister({ ROTATION_SCHEDULE: '0 0 4 * * *' }), '0 0 4 * * *')
  assert.equal(scheduleToRegister({ ROTATION_SCHEDULE: '*/15 * * * *' }), '0 */15 * * * *')
  assert.equal(scheduleToRegister({}), '0 */15 * * * *')
})

test('local.settings.sample.json holds the local settings and their defaults, and is accepted', async () => {
  const sample = JSON.parse(await readFile(new URL('../../local.settings.sample.json', import.meta.url), 'utf8'))
  const { FUNCTIONS_WORKER_RUNTIME: runtime, ...values } = sample.Values

  assert.equal(runtime, 'node')
  assert.deepEqual(
    Object.keys(values).toSorted(),
    settingNames
      .filter((setting) => (setting.in as readonly string[]).includes('local'))
      .map(({ name }) => name)
      .toSorted(),
  )
  for (const setting of settingNames) {
    if ('default' in setting) assert.equal(values[setting.name], setting.default)
  }
  settingsOf(values)
})

test('a setting of ours that the app does not know stops nothing, and is named with the one that was probably meant', () => {
  const read = readSettings({
    ...local,
    ROTATION_VALUT: canary,
    Rotation_Topic: canary,
    ROTATION_XYZZY: canary,
    ROTATION_GRANTS: '[]',
    ROTATION_OLD: '',
  })

  assert.ok('settings' in read)
  assert.deepEqual(
    read.warnings.map(({ path, remedy }) => `${path}: ${remedy.split(':')[0]}`),
    [
      'ROTATION_VALUT: Did you mean ROTATION_VAULT?',
      'Rotation_Topic: Did you mean ROTATION_TOPIC?',
      'ROTATION_XYZZY: Remove it. Known settings',
    ],
  )
  assert.ok(!JSON.stringify(read.warnings).includes(canary))
})
