// What holds on every route: version, content type, origin, headers of errors, and who needs no function key.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { apiVersion } from '../../../src/functions/http/request-rules.ts'
import { isKeyless } from '../../../src/functions/http/sign-in.ts'
import { listProviders } from '../../../src/functions/http/status/list-providers.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { planTarget } from '../../../src/functions/http/status/plan-target.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { listPlan } from '../../../src/functions/http/status/show-plan.ts'
import { targetHistory } from '../../../src/functions/http/status/target-history.ts'
import { follow, type HttpCall, visionWorld, type World } from '../functions-world.ts'

const commands = { rotate, promote, swap, revoke, repair, startRotations }
const readers = { listTargets, showTarget, planTarget, targetHistory, listPlan, listProviders, health, showOperation }
const params = { name: 'vision', id: 'unknown' }

/** Every route answers the call with this code, by body and header, and nothing is changed. */
async function assertRefused(made: World, call: HttpCall, status: number, code: string, handlers = { ...commands }) {
  for (const [name, handler] of Object.entries(handlers)) {
    const answer = await made.http(handler, { params, ...call })

    assert.deepEqual([answer.status, answer.body.code], [status, code], name)
    assert.equal(answer.headers['x-ms-error-code'], code)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.ok(answer.body.remedy)
  }
  assert.deepEqual(
    made.cloud.history.filter(({ effect }) => effect),
    [],
  )
  assert.equal(await made.depth(), 0)
}

describe('The version of the API', () => {
  for (const version of ['2026-12-02', '2026-12', '', 'v1', apiVersion.toLowerCase() + ' ']) {
    test(`Every route refuses the version "${version}", and names the one it has`, async () => {
      const { made } = await visionWorld()
      const query = { 'api-version': version }

      await assertRefused(made, { query }, 400, 'UnsupportedApiVersionValue', { ...commands, ...readers } as never)
      const { body } = await made.http(listTargets, { query })

      assert.ok(body.remedy.includes(apiVersion), body.remedy)
      await made.close()
    })
  }

  test('A call that names the version gets addresses that name it too; one that does not gets none', async () => {
    const { made } = await visionWorld()
    const prefer = { prefer: 'respond-async' }

    const named = await made.http(rotate, { params, query: { 'api-version': apiVersion }, headers: prefer })
    const unnamed = await made.http(rotate, { params, headers: prefer })

    const [first, second] = [named, unnamed].map(({ headers }) => new URL(headers['operation-location']!).search)
    assert.deepEqual([first, second], [`?api-version=${apiVersion}`, ''])
    assert.equal((await follow(made, named)).status, 200)
    await made.close()
  })

  test('A version that occurs twice is 400', async () => {
    const { made } = await visionWorld()

    const answer = await made.http(listTargets, {
      path: `/targets?api-version=${apiVersion}&api-version=${apiVersion}`,
    })

    assert.deepEqual([answer.status, answer.body.code], [400, 'BadRequest'])
    await made.close()
  })
})

describe('The content type of a command', () => {
  for (const type of [
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=latin1',
    'application/jsonx',
    'text/plain; application/json',
  ]) {
    test(`Every command refuses the content type "${type}", and nothing is changed`, async () => {
      const { made } = await visionWorld()

      await assertRefused(made, { headers: { 'content-type': type } }, 415, 'UnsupportedMediaType')
      await assertRefused(made, { headers: { 'content-type': type }, body: '{}' }, 415, 'UnsupportedMediaType')
      await made.close()
    })
  }

  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ]) {
    test(`A command with the content type ${type} is carried out`, async () => {
      const { made } = await visionWorld()

      assert.equal((await made.http(rotate, { params, headers: { 'content-type': type } })).status, 200)
      await made.close()
    })
  }

  test('A query parameter is refused by every command', async () => {
    const { made } = await visionWorld()

    await assertRefused(made, { query: { force: 'true' } }, 400, 'BadRequest')
    await made.close()
  })
})

describe('Requests of browsers, with the sign-in on', () => {
  const claims = ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'].map((val) => ({ typ: 'roles', val }))
  const principal = { 'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64') }
  const from = (site: string) => ({ headers: { ...principal, 'sec-fetch-site': site } })

  for (const site of ['cross-site', 'same-site', '', 'Same-Origin', 'same-origin, cross-site']) {
    test(`Every route refuses a request with Sec-Fetch-Site "${site}" while the sign-in is on`, async (t) => {
      process.env['WEBSITE_AUTH_ENABLED'] = 'true'
      t.after(() => delete process.env['WEBSITE_AUTH_ENABLED'])
      const { made } = await visionWorld()

      await assertRefused(made, from(site), 403, 'CrossSite', { ...commands, ...readers } as never)
      await made.close()
    })
  }

  test('A request of the app’s own page, one typed into the address bar, and one of a program are answered', async (t) => {
    process.env['WEBSITE_AUTH_ENABLED'] = 'true'
    t.after(() => delete process.env['WEBSITE_AUTH_ENABLED'])
    const { made } = await visionWorld()

    const answers = [
      await made.http(showTarget, { params, ...from('same-origin') }),
      await made.http(showTarget, { params, ...from('none') }),
      await made.http(showTarget, { params, headers: principal }),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    await made.close()
  })

  test('Without the sign-in Sec-Fetch-Site says nothing: whoever has the key may call', async () => {
    const { made } = await visionWorld()

    assert.equal((await made.http(showTarget, { params, headers: { 'sec-fetch-site': 'cross-site' } })).status, 200)
    await made.close()
  })
})

test('No function key is needed only where the platform says that the sign-in is on, and the deployment for which app', () => {
  const id = '6f9b1c1e-6f2d-4b7a-9c4e-0d6a1b2c3d4e'
  const cases: [enabled: string | undefined, clientId: string | undefined, keyless: boolean][] = [
    ['true', id, true],
    ['True', id.toUpperCase(), true],
    ['false', id, false],
    [undefined, id, false],
    ['true', undefined, false],
    ['true', '', false],
    ['true', 'true', false],
    ['1', id, false],
  ]

  for (const [enabled, clientId, keyless] of cases) {
    const environment = { WEBSITE_AUTH_ENABLED: enabled, ROTATION_SIGN_IN: clientId }
    assert.equal(isKeyless(environment), keyless, JSON.stringify(environment))
  }
})
