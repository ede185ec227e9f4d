// Azure Web PubSub: what Azure was recorded to answer, and a token that was computed elsewhere. What it shares with SignalR is in
// signalr.test.ts. The answers of the control plane were read by @azure/arm-webpubsub 1.2.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { Secret } from '../../src/engine/secret.ts'
import { webPubsub } from '../../src/providers/web-pubsub.ts'
import { signedToken } from '../../src/providers/wire/signalr-service.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-cli-extensions',
  file: 'webpubsub/tests/latest/recordings/test_webpubsub.yaml',
  date: '2021-10-21',
}

function service() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.webPubsubs.add({ name: 'contoso' })
  const post = (path: string, body?: unknown) =>
    caller(cloud)('POST', arm(`${handle.resourceId}${path}`, '2022-02-01'), body)
  return { cloud, handle, post }
}

fact('a connection string of Web PubSub has the form of that of SignalR', recording, async () => {
  const { post, handle } = service()

  const { body } = await post('/listKeys')

  const key = handle.keyOf('primary')
  assert.equal(
    body.primaryConnectionString,
    `Endpoint=https://contoso.webpubsub.azure.com;AccessKey=${key};Version=1.0;`,
  )
})

fact(
  'the type of the key is taken in lower case',
  {
    repository: 'Azure/azure-powershell',
    file: 'src/SignalR/SignalR.Autorest/test/New-AzWebPubSubKey.Recording.json',
    date: '2025-12-23',
  },
  async () => {
    const { post } = service()

    const { status } = await post('/regenerateKey', { keyType: 'secondary' })

    assert.equal(status, 202)
  },
)

test('a token for Web PubSub is for the address with its query, and is the one that another program computes', async () => {
  const key = Secret.of('0123456789abcdef0123456789abcdef0123456789AB')
  const audience = 'https://rekey-test.webpubsub.azure.com/api/hubs/rekey/users/rekey?api-version=2024-01-01'

  const token = signedToken(audience, key, (1_788_264_000 - 300) * 1000)

  assert.equal(token.split('.')[2], 'MaLXv6tzP_vOcuzl_Wr3WOQ3YU_gvgOtog-Kg_KMLf4')
  assert.equal(
    signedToken(audience.split('?')[0]!, key, (1_788_264_000 - 300) * 1000).split('.')[2],
    'xT9nUPcGuO-EgNICTrxwkokIpEksh7FPUU1gAzY8Rc4',
  )
})

test('a key of Web PubSub is tried with a token for exactly the address that is asked', async () => {
  const on = opened(webPubsub)
  const tokens: string[] = []
  on.cloud.faults.add({
    name: 'listening',
    install: () => ({
      before: (call) => {
        if (call.method === 'HEAD') tokens.push(call.headers.get('authorization')!)
        return undefined
      },
    }),
  })
  const ring = await on.holder.read(on.signal)

  const verdict = await on.holder.probe!('primary', ring['primary']!, on.signal)

  const { aud } = JSON.parse(Buffer.from(tokens[0]!.split('.')[1]!, 'base64url').toString())
  assert.equal(verdict, 'accepted')
  assert.equal(aud, on.azure.sent.at(-1)!.url.href)
})
