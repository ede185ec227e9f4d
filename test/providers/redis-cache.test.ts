// Azure Cache for Redis: what Azure was recorded to answer, and a real redis-server as the judge of keys that were rotated through
// the simulated control plane. The answers of the control plane were read by @azure/arm-rediscache 8.2.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
import type { CommandRequest } from '../../src/azure/clients.ts'
import { Secret } from '../../src/engine/secret.ts'
import { redisCache } from '../../src/providers/redis-cache.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'
import { startRedis, withoutRedis } from './real-redis.ts'
import { rotatedKeys } from './redis-rotation.ts'

const regenerated: Source = {
  repository: 'Azure/azure-sdk-for-net',
  file: 'Microsoft.Azure.Management.Redis/SessionRecords/GetListKeysFunctionalTests/RegenerateKeyTest.json',
  date: '2022-10-12',
}
const listed: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/redis/tests/latest/recordings/test_redis_cache_list_keys.yaml',
  date: '2023-10-10',
}
const host = 'contoso.redis.cache.windows.net'

function cache() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.redisCaches.add({ name: 'contoso' })
  const call = caller(cloud)
  const manage = (method: string, path: string, body?: unknown) =>
    call(method, arm(`${handle.resourceId}${path}`, '2022-06-01'), body)
  return { cloud, handle, manage }
}

fact('both keys of a cache are listed, 44 characters of base64 each', listed, async () => {
  const { manage, handle } = cache()

  const { status, body } = await manage('POST', '/listKeys')

  assert.equal(status, 200)
  assert.deepEqual(body, { primaryKey: handle.keyOf('Primary'), secondaryKey: handle.keyOf('Secondary') })
  for (const key of Object.values(body)) assert.match(key as string, /^[0-9A-Za-z+/]{43}=$/)
})

fact('a regenerate of a cache answers both keys at once, of which only the named one is new', regenerated, async () => {
  const { manage, handle } = cache()
  const before = handle.keys()

  const { status, body } = await manage('POST', '/regenerateKey', { keyType: 'Primary' })

  assert.equal(status, 200)
  assert.notEqual(body.primaryKey, before['Primary'])
  assert.deepEqual(body, { primaryKey: handle.keyOf('Primary'), secondaryKey: before['Secondary'] })
})

fact('a cache shows its host and its port for TLS, and no keys', listed, async () => {
  const { manage } = cache()

  const { id, type, properties } = (await manage('GET', '')).body

  assert.match(id, /\/Microsoft\.Cache\/Redis\/contoso$/)
  assert.equal(type, 'Microsoft.Cache/Redis')
  assert.deepEqual([properties.hostName, properties.sslPort, properties.accessKeys], [host, 6380, null])
})

test('a connection string has the form of StackExchange.Redis, with the host of the configured cloud', async () => {
  const { cloud, handle } = cache()
  const shown = async (name: 'public' | 'usgov' | 'china') => {
    const holder = redisCache.open({ resource: handle.resourceId }, connect(cloud, { cloud: name }))
    const ring = await holder.read(new AbortController().signal)
    return ring['Primary']!['connectionString']!.reveal()
  }
  const rest = `:6380,password=${handle.keyOf('Primary')},ssl=True,abortConnect=False`

  assert.equal(await shown('public'), `contoso.redis.cache.windows.net${rest}`)
  assert.equal(await shown('usgov'), `contoso.redis.cache.usgovcloudapi.net${rest}`)
  assert.equal(await shown('china'), `contoso.redis.cache.chinacloudapi.cn${rest}`)
})

for (const [reply, verdict] of [
  ['+OK', 'accepted'],
  ['-WRONGPASS invalid username-password pair or user is disabled.', 'refused'],
  ['-WRONGPASS', 'refused'],
  ['-ERR invalid password', 'refused'],
  ['-ERR max number of clients reached', 'unknown'],
  ['-LOADING Redis is loading the dataset in memory', 'unknown'],
  ['-NOAUTH Authentication required.', 'unknown'],
  ['HTTP/1.1 400 Bad Request', 'unknown'],
  ['+OKAY', 'unknown'],
] as const) {
  test(`a server that says ${reply} to AUTH leaves the verdict ${verdict}, whatever comes after it`, async () => {
    const on = opened(redisCache)
    on.cloud.faults.add({
      name: 'saying',
      install: () => ({
        after: (call) =>
          call.operation.operation === 'redis-cache/auth' ? { status: 200, text: `${reply}\r\n+PONG\r\n` } : undefined,
      }),
    })

    const seen = await on.holder.probe!('Primary', { key: Secret.of('any key') }, on.signal)

    assert.equal(seen, verdict)
  })
}

test('a real server accepts the key that a rotation made, refuses the one before, and keeps the other', {
  skip: withoutRedis,
}, async (t) => {
  const { cloud, handle } = cache()

  const verdicts = await rotatedKeys({ t, cloud, handle, host, provider: redisCache })

  assert.deepEqual(verdicts, {
    before: 'accepted',
    made: 'accepted',
    old: 'refused',
    other: 'accepted',
    asString: 'accepted',
  })
})

test('the simulated database says what a real server says', { skip: withoutRedis }, async (t) => {
  const { cloud, handle } = cache()
  const server = await startRedis(host)
  t.after(() => server.close())
  await server.setPasswords(Object.values(handle.keys()))
  const simulated = connect(cloud)
  const real = connect(cloud, { sockets: 'real' })
  const key = handle.keyOf('Primary')
  const talks: readonly CommandRequest['commands'][] = [
    [['AUTH', key], ['PING']],
    [['AUTH', 'default', key], ['PING']],
    [['AUTH', 'wrong'], ['PING']],
    [['AUTH', 'unknown-user', key], ['PING']],
    [['PING']],
    [['auth', key], ['ping'], ['AUTH', 'wrong'], ['PING']],
  ]

  for (const commands of talks) {
    const request = { host, port: 6380, commands, signal: t.signal, operation: 'talk' }
    const restore = redirectAzure({ port: server.port, ca: server.caPem })
    const said = await real.command(request).finally(restore)
    assert.deepEqual(await simulated.command(request), said, JSON.stringify(commands.map(([name]) => name)))
  }
})

test('a disabled user of a real server reads like a wrong password, whichever key is shown', {
  skip: withoutRedis,
}, async (t) => {
  const { cloud, handle } = cache()
  const server = await startRedis(host)
  t.after(() => server.close())
  await server.setPasswords(Object.values(handle.keys()))
  await server.disableUser()
  const holder = redisCache.open({ resource: handle.resourceId }, connect(cloud, { sockets: 'real' }))
  t.after(redirectAzure({ port: server.port, ca: server.caPem }))

  const verdicts = await Promise.all(
    ['Primary', 'Secondary'].map((slot) =>
      holder.probe!(slot, { key: Secret.of(handle.keyOf(slot)) }, new AbortController().signal),
    ),
  )

  assert.deepEqual(verdicts, ['refused', 'refused'])
})

test('a key is not shown to a server whose certificate is not trusted', { skip: withoutRedis }, async (t) => {
  const { cloud, handle } = cache()
  const [server, another] = await Promise.all([startRedis(host), startRedis('another.redis.cache.windows.net')])
  t.after(() => Promise.all([server.close(), another.close()]))
  await Promise.all([server, another].map((each) => each.setPasswords([handle.keyOf('Primary')])))
  const holder = redisCache.open({ resource: handle.resourceId }, connect(cloud, { sockets: 'real' }))
  const verdict = async (port: number, ca: string) => {
    const restore = redirectAzure({ port, ca })
    const key = Secret.of(handle.keyOf('Primary'))
    return await holder.probe!('Primary', { key }, new AbortController().signal).finally(restore)
  }

  assert.equal(await verdict(server.port, server.caPem), 'accepted')
  assert.equal(await verdict(server.port, another.caPem), 'unknown')
  assert.equal(await verdict(another.port, another.caPem), 'unknown')
})
