// The parts that make their own connections (tokens and telemetry), over TLS to the simulated Azure under its real host
// names, with verification on.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
import { type SimulatorServer, startServer } from '../../simulator/server.ts'
import { claimsChallenges } from '../../simulator/wire-faults.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { credential } from '../../src/azure/credential.ts'
import { createVault } from '../../src/azure/key-vault.ts'
import { logTo } from '../../src/azure/log.ts'
import { createTelemetry, type TelemetrySettings } from '../../src/azure/telemetry.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { anyToken } from './wire.ts'

const vaultScope = 'https://vault.azure.net/.default'
const signal = new AbortController().signal
const { authority } = clouds.public

describe('Connections over TLS', () => {
  let cloud: Cloud
  let server: SimulatorServer
  let restore: () => void
  let identity: Awaited<ReturnType<typeof moodyIdentity>>

  before(async () => {
    cloud = simulatedCloud()
    server = await startServer(cloud)
    restore = redirectAzure({ port: server.port, ca: server.caPem })
    identity = await moodyIdentity(server.msiUrl)
    Object.assign(process.env, server.environment, { IDENTITY_ENDPOINT: identity.url })
  })
  after(async () => {
    restore()
    identity.close()
    await server.close()
  })

  test('the managed identity of the app gets tokens for what it calls', async () => {
    const ours = credential({ authority, managed: true })

    const token = await ours.getToken(vaultScope)

    assert.equal(cloud.identity.find(token?.token ?? '')?.audience, 'https://vault.azure.net')
  })

  test('a user-assigned identity is asked for by its client id', async () => {
    const ours = credential({ authority, managed: true, clientId: 'client-of-ours' })

    const token = await ours.getToken(vaultScope)

    assert.equal(cloud.identity.find(token?.token ?? '')?.caller, 'client-of-ours')
  })

  test('a vault is read under its real name with the token of the managed identity', async () => {
    cloud.vault('kv-tls.vault.azure.net').set('a', 'one')
    const azure = createAzureClients({ cloud: clouds.public, credential: credential({ authority, managed: true }) })

    const stored = await createVault('https://kv-tls.vault.azure.net', azure).current('a', signal)

    assert.equal(stored?.value?.reveal(), 'one')
  })

  test('A managed identity whose token was refused gets another past the library’s cache, and every client uses it from then on', async () => {
    cloud.vault('kv-refused.vault.azure.net').set('a', 'one')
    const identity = credential({ authority, managed: true })
    const open = () =>
      createVault(
        'https://kv-refused.vault.azure.net',
        createAzureClients({ cloud: clouds.public, credential: identity }),
      )
    const first = open()
    await first.current('a', signal)
    const tokens = () => cloud.history.filter(({ operation }) => operation === 'entra/managedIdentityToken').length
    const before = tokens()
    cloud.faults.add(claimsChallenges({ times: 1, operation: 'key-vault' }))

    const read = await first.current('a', signal)
    const asked = tokens() - before
    await open().current('a', signal)
    cloud.faults.clear()

    assert.equal(read?.value?.reveal(), 'one')
    assert.deepEqual([asked, tokens() - before], [1, 1])
  })

  test('An identity endpoint that refuses is a missing permission, without its text', async () => {
    const error = await tokenError('https://answers-400.example/.default')

    assert.equal(error.code, 'PermissionDenied')
    assert.equal(error.transient, false)
    assert.equal(error.cause, undefined)
    assert.doesNotMatch(error.message + error.stack, /hunter2/)
  })

  for (const status of [500, 429]) {
    test(`an identity endpoint that answers ${status} is a transient error, and nothing was sent`, async () => {
      const error = await tokenError(`https://answers-${status}.example/.default`)

      assert.equal(error.code, 'ServiceUnavailable')
      assert.equal(error.transient, true)
      assert.equal(error.details.outcomeUnknown, undefined)
    })
  }

  test('Where the platform has no managed identity, that of the environment or of the developer signs in with Entra', async (t) => {
    const theirs = {
      AZURE_TENANT_ID: cloud.identity.tenant,
      AZURE_CLIENT_ID: 'client-of-a-developer',
      AZURE_CLIENT_SECRET: 'a secret that is not checked',
    }
    Object.assign(process.env, theirs)
    t.after(() => {
      for (const name of Object.keys(theirs)) delete process.env[name]
    })

    const token = await credential({ authority: clouds.usgov.authority, managed: false }).getToken(vaultScope)

    assert.equal(cloud.identity.find(token?.token ?? '')?.caller, 'client-of-a-developer')
    assert.equal(cloud.history.at(-1)?.host, new URL(clouds.usgov.authority).host)
  })

  test('A request for a token without an answer ends with the call that needs it', async () => {
    const controller = new AbortController()

    const error = tokenError('https://silent.example/.default', controller.signal)
    controller.abort()

    assert.equal((await error).code, 'ServiceUnavailable')
  })

  async function tokenError(scope: string, abortSignal = signal): Promise<RekeyError> {
    const token = credential({ authority, managed: true }).getToken(scope, { abortSignal })
    const error = await Promise.resolve(token).catch((e: unknown) => e)
    assert.ok(error instanceof RekeyError)
    return error
  }

  describe('Telemetry over TLS', () => {
    // A hundred files: on a busy machine reading them takes longer than a flush waits.
    before(() => import('applicationinsights'))

    const connectionString = Secret.of(
      'InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/;LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/',
    )
    const outcome: Outcome = {
      target: 'vision',
      provider: 'cognitive-services',
      status: 'changed',
      reason: 'due',
      reasons: ['due'],
      slot: 'Key2',
      secrets: [{ name: 'vision-key', version: 'v1' }],
    }

    function world(more: Partial<TelemetrySettings> = {}) {
      const lines: string[] = []
      const sink = (line: string) => void lines.push(line)
      const log = logTo({ info: sink, warn: sink, error: sink })
      return { lines, telemetry: createTelemetry({ connectionString, credentialOf: () => anyToken, log, ...more }) }
    }

    function items(name: string): readonly string[] {
      return cloud.telemetry.map((item) => JSON.stringify(item)).filter((item) => item.includes(`"${name}"`))
    }

    test('A rotation is sent as an event, counted and timed; overdue targets are counted', async () => {
      const { lines, telemetry } = world()

      telemetry.rotation(outcome, 1234)
      telemetry.overdue([{ target: 'chat', provider: 'communication-services', dueAt: '2026-11-21T00:00:00.000Z' }])
      telemetry.seen([
        { target: 'chat', provider: 'communication-services', status: 'due', rotatedAt: '2026-09-22T00:00:00.000Z' },
      ])
      await telemetry.flush()

      const [event] = items('RotationFinished')
      for (const word of ['vision', 'cognitive-services', 'due', 'Key2']) assert.ok(event?.includes(`"${word}"`), word)
      assert.match(items('Rekey.Rotations')[0] ?? '', /"count":1/)
      assert.match(items('Rekey.RotationDuration')[0] ?? '', /1234/)
      assert.equal(items('TargetOverdue').length, 1)
      assert.equal(items('Rekey.OverdueTargets').length, 1)
      assert.ok(items('TargetSeen')[0]?.includes('"2026-09-22T00:00:00.000Z"'))
      assert.deepEqual(lines, [])
    })

    test('A failure that passes by itself is a delay; only one that needs an operator is a failure', async () => {
      const { telemetry } = world()
      const failed = (target: string, error: RekeyError) =>
        telemetry.rotation({ ...outcome, target, status: 'failed', error }, 1)

      failed('throttled-one', new RekeyError('Throttled', { message: 'busy', retryAfter: 30_000 }))
      failed('refused-one', new RekeyError('PermissionDenied', { message: 'no', remedy: 'Grant it.' }))
      await telemetry.flush()

      assert.deepEqual([items('RotationDelayed').length, items('RotationFailed').length], [1, 1])
      assert.match(items('RotationDelayed')[0]!, /throttled-one.*Throttled/)
      assert.match(items('RotationFailed')[0]!, /refused-one.*PermissionDenied/)
    })

    test('A reconcile that found another worker’s lease is not counted: that worker reports its own', async () => {
      const { telemetry } = world()

      telemetry.rotation({ ...outcome, target: 'busy-one', status: 'waiting', busy: true }, 1)
      telemetry.rotation({ ...outcome, target: 'idle-one', provider: 'of-its-own' }, 1)
      await telemetry.flush()

      const items = cloud.telemetry.map((item) => JSON.stringify(item))
      assert.ok(items.some((item) => item.includes('"of-its-own"')))
      assert.ok(!items.some((item) => item.includes('"busy-one"') || item.includes('"waiting"')))
    })

    test('With Entra authentication, telemetry carries the token of the configured identity', async () => {
      const asked: (string | undefined)[] = []
      const credentialOf: TelemetrySettings['credentialOf'] = (clientId) => {
        asked.push(clientId)
        return cloud.identity.credential('teller')
      }
      const { telemetry } = world({ credentialOf, authentication: 'Authorization=AAD;ClientId=abc' })

      telemetry.rotation({ ...outcome, target: 'by-token' }, 1)
      await telemetry.flush()

      assert.deepEqual(asked, ['abc'])
      assert.ok(cloud.history.some(({ operation, caller }) => operation.endsWith('/track') && caller === 'teller'))
    })

    test('Telemetry that cannot be set up is logged once, and stops nothing', async () => {
      const { lines, telemetry } = world({
        authentication: 'Authorization=AAD',
        credentialOf: () => {
          throw new Error('hunter2')
        },
      })

      telemetry.rotation(outcome, 1)
      telemetry.rotation(outcome, 1)
      telemetry.overdue([])
      await telemetry.flush()

      assert.deepEqual(lines, ['telemetry cannot be sent; rotations go on without it'])
    })
  })
})

test('Without a connection string there is no telemetry, and no warning', async () => {
  const telemetry = createTelemetry({ credentialOf: () => anyToken, log: () => assert.fail('nothing to say') })

  telemetry.overdue([])
  await telemetry.flush()
})

/**
 * An identity endpoint that hands on to the simulated one, but is broken for some resources. One for the whole process: the
 * library resolves its address once.
 */
async function moodyIdentity(simulated: string) {
  const http = createServer(async ({ url = '', headers }, response) => {
    const mood = /answers-(\d+)|silent/.exec(url)
    if (mood?.[0] === 'silent') return
    if (mood !== null) return void response.writeHead(Number(mood[1])).end('{"statusCode":0,"message":"hunter2"}')
    const answer = await fetch(new URL(url, simulated), {
      headers: { 'x-identity-header': String(headers['x-identity-header']) },
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const close = () => {
    http.closeAllConnections()
    http.close()
  }
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/msi/token`, close }
}
