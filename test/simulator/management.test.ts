// The simulator's controls, by another process: what they cannot do or read is 400 or 404, with one sentence.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { management } from '../../simulator/management.ts'

const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 2, 2)) })
const account = cloud.cognitiveServices.add({ name: 'vision' })
cloud.vault('kv-prod.vault.azure.net').set('vision-key', 'x')
const resource = account.resourceId

for (const [path, body, status, says] of [
  ['/clock', '{"advance":', 400, 'the body is not JSON'],
  ['/clock', '', 400, 'the body is not JSON'],
  ['/clock', '[1]', 400, 'the body is not a JSON object'],
  ['/clock', '{"advance":"an hour"}', 400, '"advance" must be a number of milliseconds, 0 or more'],
  ['/clock', '{"advance":-1}', 400, '"advance" must be a number of milliseconds, 0 or more'],
  ['/accepts', '{', 400, 'the body is not JSON'],
  ['/accepts', '{}', 400, '"resource" must be a string'],
  ['/accepts', JSON.stringify({ resource }), 400, '"key" must be a string'],
  ['/regenerate', JSON.stringify({ resource: '/nowhere', slot: 'Key1' }), 404, 'no such resource'],
  ['/regenerate', JSON.stringify({ resource, slot: 1 }), 400, '"slot" must be a string'],
  ['/regenerate', JSON.stringify({ resource, slot: 'Key9' }), 400, /Key9/],
  ['/faults', 'null', 400, 'the body is not a JSON object'],
  ['/faults', '{"name":"constructor"}', 400, /^faults are /],
  ['/faults', '{"name":7}', 400, /^faults are /],
  ['/vaults/kv-prod.vault.azure.net/secrets/nothing/disable', '', 400, /nothing/],
  ['/vaults/kv-prod.vault.azure.net/secrets/vision-key/burn', '', 400, /disable, enable, delete or recover/],
] as const) {
  test(`POST ${path} with ${body || 'no body'} is ${status}, and says why`, async () => {
    const response = await management(cloud).request(`/simulator${path}`, { method: 'POST', body })

    assert.equal(response.status, status)
    const { error } = (await response.json()) as { error: string }
    if (typeof says === 'string') assert.equal(error, says)
    else assert.match(error, says)
    assert.doesNotMatch(error, /\n|\bat \//)
  })
}
