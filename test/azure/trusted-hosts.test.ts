// Which hosts may receive a token.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpHeaders, type PipelineRequest } from '@azure/core-rest-pipeline'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'

/** Clients of the public cloud, with what they sent and how many tokens they asked for. */
function listening() {
  const seen = { requests: [] as PipelineRequest[], tokens: 0 }
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: {
      getToken: async () => {
        seen.tokens += 1
        return { token: 'a-token', expiresOnTimestamp: 1e15 }
      },
    },
    httpClient: {
      sendRequest: async (request) => {
        seen.requests.push(request)
        return { request, headers: createHttpHeaders({}), status: 200, bodyAsText: '{}' }
      },
    },
    wait: async () => {},
  })
  const call = (url: string, scope?: string) => ({
    method: 'GET' as const,
    url,
    attempts: 'once' as const,
    signal: AbortSignal.timeout(5000),
    operation: 'GET something',
    ...(scope === undefined ? {} : { scope }),
  })
  return { seen, azure, call }
}

for (const url of [
  'https://evil.example/subscriptions/1',
  'https://management.azure.com.evil.example/subscriptions/1',
  'https://management.azure.com@evil.example/subscriptions/1',
  'https://me@management.azure.com/subscriptions/1',
  'https://management.azure.com:8443/subscriptions/1',
  'http://management.azure.com/subscriptions/1',
  'https://management.usgovcloudapi.net/subscriptions/1',
  'https://169.254.169.254/metadata/identity/oauth2/token',
  'https://azure-devices.net/devices',
]) {
  test(`A raw call with a token to ${url} is not sent, and no token is requested`, async () => {
    const { seen, azure, call } = listening()

    for (const send of [azure.send, azure.ask]) {
      await assert.rejects(send(call(url, 'https://management.azure.com/.default')), { code: 'BadConfiguration' })
    }

    assert.deepEqual([seen.requests.length, seen.tokens], [0, 0])
  })
}

test('A raw call with a token goes to the hosts of the configured cloud', async () => {
  const { seen, azure, call } = listening()

  for (const url of [
    'https://management.azure.com/subscriptions/1',
    'https://graph.microsoft.com/v1.0/security',
    'https://rekey.westeurope-1.eventgrid.azure.net/api/events',
    'https://stprod.blob.core.windows.net/config/targets.json',
    'https://kv-prod.vault.azure.net/secrets',
  ]) {
    await azure.send(call(url, 'https://management.azure.com/.default'))
  }

  assert.deepEqual([seen.requests.length, seen.tokens > 0], [5, true])
})

test("a raw call with a token goes to the service's own hosts where its provider declares them, and to none below another name", async () => {
  const { seen, azure, call } = listening()
  const own = { tokenHosts: ['keys.example'] }
  const scope = 'https://keys.example/.default'

  await azure.send({ ...call('https://one.keys.example/devices', scope), ...own })

  for (const url of ['https://one.keys.example/devices', 'https://keys.example.evil.example/devices']) {
    const request = url.includes('evil') ? { ...call(url, scope), ...own } : call(url, scope)
    await assert.rejects(azure.send(request), { code: 'BadConfiguration' })
  }
  assert.equal(seen.requests.length, 1)
})
