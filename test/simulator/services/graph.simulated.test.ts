// The sensor deployment key in Microsoft Graph.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { caller } from '../raw-caller.ts'

const sensors = 'https://graph.microsoft.com/v1.0/security/identities/sensors'
const role = 'SecurityIdentitiesSensors.ReadWrite.All'

test('one call replaces the one key, and the old one is refused from then on', async () => {
  const cloud = simulatedCloud()
  const sensor = cloud.defenderSensor
  const old = sensor.keyOf('key')
  const call = caller(cloud)

  const before = await call('GET', `${sensors}/getDeploymentAccessKey`)
  const regenerated = await call('POST', `${sensors}/regenerateDeploymentAccessKey`)
  const after = await call('GET', `${sensors}/getDeploymentAccessKey`)

  assert.equal(before.body.value.sensorDeploymentAccessKey, old)
  assert.equal(regenerated.body.value.sensorDeploymentAccessKey, sensor.keyOf('key'))
  assert.equal(after.body.value.sensorDeploymentAccessKey, sensor.keyOf('key'))
  assert.deepEqual([sensor.accepts(old), sensor.accepts(sensor.keyOf('key'))], [false, true])
})

test('the answer can be had in either spelling, and without its wrapper', async () => {
  const cloud = simulatedCloud()
  const sensor = cloud.defenderSensor
  const call = caller(cloud)

  sensor.answerAs('deploymentAccessKey')
  const other = await call('GET', `${sensors}/getDeploymentAccessKey`)
  sensor.answerAs('unwrapped')
  const bare = await call('GET', `${sensors}/getDeploymentAccessKey`)

  assert.equal(other.body.value.deploymentAccessKey, sensor.keyOf('key'))
  assert.equal(other.body.value.sensorDeploymentAccessKey, undefined)
  assert.equal(bare.body.deploymentAccessKey, sensor.keyOf('key'))
})

test('without the application role both calls are 403 in Graph’s shape, and the token does not carry it', async () => {
  const cloud = simulatedCloud()
  const key = cloud.defenderSensor.keyOf('key')
  const granted = cloud.identity.issue('https://graph.microsoft.com/.default').token
  cloud.identity.deny(role)

  const read = await caller(cloud)('GET', `${sensors}/getDeploymentAccessKey`)
  const regenerated = await caller(cloud)('POST', `${sensors}/regenerateDeploymentAccessKey`)
  const without = cloud.identity.issue('https://graph.microsoft.com/.default').token

  assert.deepEqual([read.status, regenerated.status], [403, 403])
  assert.ok(read.body.error.innerError['request-id'])
  assert.deepEqual([rolesOf(granted), rolesOf(without)], [[role], []])
  assert.equal(cloud.defenderSensor.keyOf('key'), key)
})

test('a token for Azure Resource Manager is 401 at Graph', async () => {
  const cloud = simulatedCloud()
  const { token } = cloud.identity.issue('https://management.azure.com/.default')

  const answer = await caller(cloud)('GET', `${sensors}/getDeploymentAccessKey`, undefined, {
    authorization: `Bearer ${token}`,
  })

  assert.deepEqual([answer.status, answer.body.error.code], [401, 'InvalidAuthenticationToken'])
})

function rolesOf(token: string): string[] {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).roles
}
