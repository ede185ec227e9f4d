// Azure Container Registry: what only this service does, and what Azure was recorded, reported or documented to answer. The answers
// of the simulated control plane were read by @azure/arm-containerregistry 12.0.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import type { RegistryOptions } from '../../simulator/services/container-registry.ts'
import { networkRule } from '../../simulator/wire-faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { containerRegistry } from '../../src/providers/container-registry.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'
import { replies } from './addresses.ts'
import { opened } from './opened.ts'

const { signal } = new AbortController()

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/acr/tests/latest/recordings/test_acr_create_with_existing_storage.yaml',
  date: '2019-05-02',
}
const issue = (repository: string, number: number, date: string): Source => ({
  repository,
  file: `issue ${number}`,
  date,
})

function registry(options: Omit<RegistryOptions, 'name'> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.containerRegistries.add({ name: 'Contoso', ...options })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2023-07-01'), body)
  const login = (user: string, password: string) =>
    anonymousCaller(cloud)('GET', 'https://contoso.azurecr.io/v2/', undefined, {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    })
  const holder = containerRegistry.open({ resource: handle.resourceId }, connect(cloud))
  return { cloud, handle, post, login, holder }
}

fact('a listing of a registry has the user name and both passwords, 32 characters each', recording, async () => {
  const { post, handle } = registry()

  const { status, body } = await post('listCredentials')

  assert.equal(status, 200)
  assert.deepEqual(body, {
    username: 'Contoso',
    passwords: [
      { name: 'password', value: handle.keyOf('password') },
      { name: 'password2', value: handle.keyOf('password2') },
    ],
  })
  for (const { value } of body.passwords) assert.match(value, /^[\w+/=]{32}$/)
})

fact('a regenerate answers both passwords, and only the one that was named has changed', recording, async () => {
  const { post, handle } = registry()
  const before = handle.keys()

  const { status, body } = await post('regenerateCredential', { name: 'password2' })

  assert.equal(status, 200)
  assert.equal(body.passwords[0].value, before['password'])
  assert.equal(body.passwords[1].value, handle.keyOf('password2'))
  assert.notEqual(body.passwords[1].value, before['password2'])
})

fact(
  'with the admin user disabled, passwords are not listed: 400 UnAuthorizedForCredentialOperations',
  issue('hashicorp/terraform-provider-azurerm', 21440, '2023-04-17'),
  async () => {
    const { post, handle } = registry()
    handle.disableLocalAuth(true)

    const { status, body } = await post('listCredentials')

    assert.deepEqual([status, body.error.code], [400, 'UnAuthorizedForCredentialOperations'])
    assert.match(body.error.message, /as admin user is disabled/)
  },
)

fact(
  'the right user with a wrong password gets 401 UNAUTHORIZED, authentication required',
  issue('Azure/azure-cli', 29659, '2024'),
  async () => {
    const { login, handle } = registry()

    const accepted = await login('Contoso', handle.keyOf('password'))
    const { status, body } = await login('Contoso', 'wrong')

    assert.deepEqual([accepted.status, status, body.errors[0].code], [200, 401, 'UNAUTHORIZED'])
    assert.match(body.errors[0].message, /^authentication required/)
  },
)

fact('a wrong user name gets 401 with other words', issue('Azure/azure-cli', 21083, '2022-01-24'), async () => {
  const { login, handle } = registry()

  const { status, body } = await login('other', handle.keyOf('password'))

  assert.deepEqual([status, body.errors[0].message], [401, 'Application not registered with AAD.'])
})

fact(
  "a registry's firewall answers 403 DENIED, whatever the password is",
  { repository: 'Azure/azure-sdk-for-java', file: 'sdk/containerregistry/TROUBLESHOOTING.md', date: '2022' },
  async () => {
    const { cloud, login, handle } = registry()
    cloud.faults.add(networkRule({ service: 'container-registry' }))

    const answers = [await login('Contoso', handle.keyOf('password')), await login('Contoso', 'wrong')]

    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.errors[0].code]),
      [
        [403, 'DENIED'],
        [403, 'DENIED'],
      ],
    )
  },
)

test('a password is tried at the login server that the registry names, with its domain name label', async () => {
  const { cloud, handle, holder } = registry({ hash: 'a1b2c3d4' })
  const verdict = (password: string) => holder.probe!('password', { key: Secret.of(password) }, signal)

  assert.deepEqual([await verdict(handle.keyOf('password')), await verdict('wrong')], ['accepted', 'refused'])
  assert.ok(cloud.history.some(({ host }) => host === 'contoso-a1b2c3d4.azurecr.io'))
})

test('a refusal of the user name gives no verdict on the password', async () => {
  const on = opened(containerRegistry)
  const { password } = await on.holder.read(on.signal)
  const body = { errors: [{ code: 'UNAUTHORIZED', message: 'Application not registered with AAD.' }] }
  on.cloud.faults.add(replies('container-registry/v2', () => ({ status: 401, body })))

  assert.equal(await on.holder.probe!('password', password!, on.signal), 'unknown')
})

test('a password goes to no login server outside the hosts of container registries', async () => {
  const on = opened(containerRegistry)
  const { password } = await on.holder.read(on.signal)
  const elsewhere = { name: 'contoso', properties: { loginServer: 'contoso.azurecr.io.example' } }
  on.cloud.faults.add(replies('container-registry/get', (reply) => ({ ...reply, body: elsewhere })))

  assert.equal(await on.holder.probe!('password', password!, on.signal), 'unknown')
  assert.ok(on.azure.sent.every(({ url }) => !url.host.endsWith('.example')))
})

test('the user name of a registry is the same beside both passwords', async () => {
  const { holder } = registry()

  const { password, password2 } = await holder.read(signal)

  assert.deepEqual(
    [password, password2].map((each) => each!['username']!.reveal()),
    ['Contoso', 'Contoso'],
  )
})

test('a listing that lacks a password of the registry is refused', async () => {
  const { cloud, holder } = registry()
  const half = { username: 'Contoso', passwords: [{ name: 'password', value: 'x' }] }
  cloud.faults.add(replies('container-registry/listCredentials', (reply) => ({ ...reply, body: half })))

  await assert.rejects(holder.read(signal), { code: 'UnexpectedAnswer' })
})
