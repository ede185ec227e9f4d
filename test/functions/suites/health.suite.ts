// Health says what is wrong, what to do, and what it cannot see; it changes nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkPermissions, isGranted } from '../../../src/functions/health/permissions-check.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { providers } from '../../providers/all-providers.ts'
import { fleet } from '../../providers/provider-fleet.ts'
import { type Answer, account, vaultHost, type World, world } from '../functions-world.ts'

interface Check {
  readonly check: string
  readonly place: string
  readonly status: string
  readonly detail?: string
  readonly code?: string
  readonly remedy?: string
}

async function wholeFleet(): Promise<World> {
  const made = await world()
  const targets = providers.map(({ id }) => ({
    name: id,
    provider: id,
    ...fleet[id]!(made.cloud).fields,
    secrets: { [`${id}-key`]: 'key' },
  }))
  await made.writeTargets(targets)
  return made
}

const checksOf = ({ body }: Answer): Check[] =>
  body.checks.map(({ error, ...check }: Check & { error?: { code: string; message: string; remedy?: string } }) =>
    error === undefined ? check : { ...check, ...error, detail: error.message },
  )
const failedOf = (answer: Answer) => checksOf(answer).filter(({ status }) => status === 'failed')

describe('The health report', () => {
  test('Health is 200 when every check passes: every provider is checked, and nothing is changed', async () => {
    const made = await wholeFleet()

    const answer = await made.http(health)

    assert.equal(answer.status, 200)
    assert.equal(answer.body.status, 'healthy')
    for (const { id } of providers) assert.ok(checksOf(answer).some(({ check }) => check === `permissions: ${id}`))
    assert.ok(checksOf(answer).some(({ place, status }) => place === 'queue rekey-revocations' && status === 'ok'))
    assert.deepEqual(
      made.cloud.history.filter((entry) => entry.effect && entry.operation !== 'event-grid/publish'),
      [],
    )
    assert.deepEqual(made.cloud.vault(vaultHost).names(), [])
    await made.close()
  })

  test('Health says what it cannot check', async () => {
    const made = await wholeFleet()

    const answer = await made.http(health)

    const unseen = checksOf(answer).filter(({ status }) => status === 'unseen')
    assert.ok(unseen.some(({ check }) => check === 'vault: write secrets'))
    assert.ok(
      unseen.some(({ check, detail }) => check === 'permissions: iot-hub-device' && /devices\/write/.test(detail!)),
    )
    await made.close()
  })

  for (const provider of providers) {
    for (const { kind, name } of provider.actions.filter((action) => action.kind === 'action')) {
      test(`Health names ${name} when it is taken away, and the line that grants it (${kind})`, async () => {
        const made = await wholeFleet()
        made.cloud.identity.deny(name)

        const answer = await made.http(health)

        const failed = failedOf(answer).find(({ check }) => check === `permissions: ${provider.id}`)
        assert.equal(answer.status, 503)
        assert.equal(failed?.code, 'PermissionDenied')
        assert.ok(failed.detail?.toLowerCase().includes(name.toLowerCase()))
        assert.match(
          failed.remedy!,
          /^az role assignment create --assignee-object-id [0-9a-f-]{36} .*--scope \/subscriptions\//,
        )
        // A company's own role may have the action too, and others beside it.
        assert.match(failed.remedy!, /\[\?starts_with\(roleName, 'Rekey: '\) && contains\(permissions\[0\]\.actions, '/)
        await made.close()
      })
    }
  }

  test('Health names the application permission of Graph when the token lacks it', async () => {
    const made = await wholeFleet()
    made.cloud.identity.deny('SecurityIdentitiesSensors.ReadWrite.All')

    const answer = await made.http(health)

    const failed = failedOf(answer).find(({ check }) => check === 'permissions: defender-sensor')
    assert.match(failed?.detail ?? '', /SecurityIdentitiesSensors\.ReadWrite\.All/)
    assert.match(failed?.remedy ?? '', /graph-permission\.sh/)
    await made.close()
  })

  test('An unexpected error is a failed check like any other, and what was thrown is not shown', async (t) => {
    const made = await wholeFleet()
    t.mock.method(made.azure.credential, 'getToken', async () => {
      throw new TypeError('quoting a token')
    })

    const answer = await made.http(health)

    const identity = checksOf(answer).find(({ check }) => check === 'identity')
    assert.equal(answer.status, 503)
    assert.deepEqual([identity?.status, identity?.code], ['failed', 'Internal'])
    assert.ok(checksOf(answer).some(({ check }) => check === 'storage: requests'))
    assert.doesNotMatch(JSON.stringify([answer.body, made.lines]), /quoting a token/)
    assert.ok(made.lines.some(({ text }) => text.startsWith('unforeseen error')))
    await made.close()
  })

  test('A token that cannot be read fails the check of the identity alone, and is not quoted', async (t) => {
    const made = await wholeFleet()
    for (const token of ['opaque-token', `a.${Buffer.from('no JSON').toString('base64url')}.b`]) {
      const getToken = async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 })
      const mocked = t.mock.method(made.azure.credential, 'getToken', getToken)

      const answer = await made.http(health)

      mocked.mock.restore()
      const identity = checksOf(answer).find(({ check }) => check === 'identity')
      assert.deepEqual([identity?.status, identity?.code], ['failed', 'UnexpectedAnswer'])
      assert.ok(identity?.remedy)
      assert.ok(!JSON.stringify([answer.body, made.lines]).includes(token))
    }
    await made.close()
  })

  test('Health checks a sample of many resources, and says how many it did not check', async () => {
    const made = await world()
    await made.writeTargets(Array.from({ length: 5 }, (_, n) => account(made.cloud, `t${n}`).target))
    const composed = await made.compose()
    assert.ok('app' in composed)
    const round = { app: composed.app, log: () => {}, signal: AbortSignal.timeout(10_000) }

    const [some, all] = [await checkPermissions(round, 2), await checkPermissions(round, 5)]

    assert.deepEqual(
      some.map(({ place, status }) => (status === 'unseen' ? place : status)),
      ['ok', 'ok', '3 more resources'],
    )
    assert.deepEqual(
      all.map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok', 'ok'],
    )
    await made.close()
  })

  test('Health checks many vaults a few at a time', async () => {
    const made = await world()
    const vaults = Array.from({ length: 40 }, (_, n) => `https://kv-${n}.vault.azure.net`)
    await made.writeTargets(vaults.map((vault, n) => account(made.cloud, `t${n}`, { vault }).target))
    for (const vault of vaults) made.cloud.vault(new URL(vault).host)

    const answer = await made.http(health)

    assert.equal(checksOf(answer).filter(({ check }) => check === 'vault: list secrets').length, 40)
    assert.equal(made.trouble.mostListings, 8)
    await made.close()
  })

  test('Health names a vault that it may not read', async () => {
    const made = await wholeFleet()
    made.cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/getSecret/action')

    const answer = await made.http(health)

    assert.deepEqual(
      failedOf(answer).map(({ check, code }) => [check, code]),
      [['vault: read secrets', 'PermissionDenied']],
    )
    assert.ok(failedOf(answer)[0]?.remedy)
    await made.close()
  })

  test('Health names a topic that refuses the identity', async () => {
    const made = await wholeFleet()
    made.cloud.identity.deny('Microsoft.EventGrid/events/send/action')

    const answer = await made.http(health)

    assert.deepEqual(
      failedOf(answer).map(({ check, code }) => [check, code]),
      [['topic: announce', 'PermissionDenied']],
    )
    assert.match(failedOf(answer)[0]?.remedy ?? '', /EventGrid Data Sender/)
    await made.close()
  })

  test('Health says that events are only logged when there is no topic', async () => {
    const made = await wholeFleet()
    delete made.env['ROTATION_TOPIC']

    const answer = await made.http(health)

    const topic = checksOf(answer).find(({ check }) => check === 'topic: announce')
    assert.deepEqual([answer.status, topic?.status, topic?.place], [200, 'unseen', 'ROTATION_TOPIC'])
    await made.close()
  })
})

test('Permissions are read as Azure reads them: wildcards, without case, less what the same role excludes', () => {
  const none = { actions: [], notActions: [], dataActions: [], notDataActions: [] }
  const wanted = { kind: 'action', name: 'Microsoft.X/a/listKeys/action', why: '' } as const

  assert.ok(isGranted(wanted, [{ ...none, actions: ['*'] }]))
  assert.ok(isGranted(wanted, [{ ...none, actions: ['microsoft.x/*/LISTKEYS/action'] }]))
  assert.ok(!isGranted(wanted, [{ ...none, actions: ['*'], notActions: ['Microsoft.X/a/*'] }]))
  assert.ok(
    isGranted(wanted, [
      { ...none, actions: ['*'], notActions: ['Microsoft.X/a/*'] },
      { ...none, actions: ['*'] },
    ]),
  )
  assert.ok(!isGranted(wanted, [{ ...none, dataActions: ['*'] }]))
  assert.ok(!isGranted(wanted, [{ ...none, actions: ['Microsoft.X/a/listKeys/actionable', 'Microsoft.X/b/*'] }]))
  assert.ok(!isGranted(wanted, []))
})
