// What is particular to the sensor key of Defender for Identity.

import assert from 'node:assert/strict'
import test from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { defenderSensor } from '../../src/providers/defender-sensor.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { revealed } from './opened.ts'

for (const spelling of ['sensorDeploymentAccessKey', 'deploymentAccessKey', 'unwrapped'] as const) {
  test(`The key is found where Graph answers it as ${spelling}`, async () => {
    const cloud = simulatedCloud()
    cloud.defenderSensor.answerAs(spelling)
    const { signal } = new AbortController()
    const holder = defenderSensor.open({}, connect(cloud))

    const read = revealed(await holder.read(signal))
    const made = revealed(
      await holder.regenerate('key', { signal, keepLease: async () => {}, metadata: oldMetadata() }),
    )

    assert.notDeepEqual(made, read)
    assert.deepEqual(made, cloud.defenderSensor.keys())
  })
}

test('The Graph of another cloud is called at its own host, with a token of its own', async () => {
  const cloud = simulatedCloud()
  const azure = connect(cloud, { cloud: 'usgov' })

  await defenderSensor.open({}, azure).read(new AbortController().signal)

  assert.deepEqual(
    azure.sent.map(({ url }) => url.origin),
    [clouds.usgov.graph],
  )
  assert.deepEqual(
    cloud.history.map(({ status }) => status),
    [200],
  )
})

test("Where the documented path does not exist, the key is read and regenerated at the action's full name, each sent once", async () => {
  const cloud = simulatedCloud()
  cloud.defenderSensor.answerAt('qualified')
  const azure = connect(cloud)
  const { signal } = new AbortController()
  const holder = defenderSensor.open({}, azure)

  const read = revealed(await holder.read(signal))
  const made = revealed(await holder.regenerate('key', { signal, keepLease: async () => {}, metadata: oldMetadata() }))
  const again = revealed(await holder.read(signal))

  assert.notDeepEqual(made, read)
  assert.deepEqual([made, again], [cloud.defenderSensor.keys(), cloud.defenderSensor.keys()])
  const asked = azure.sent.map(({ method, url }) => `${method} ${url.pathname.split('/').at(-1)}`)
  assert.deepEqual(asked, [
    'GET getDeploymentAccessKey',
    'GET microsoft.graph.security.getDeploymentAccessKey',
    'POST microsoft.graph.security.regenerateDeploymentAccessKey',
    'GET microsoft.graph.security.getDeploymentAccessKey',
  ])
})

test('a regenerate that is refused at the documented path is not sent to another', async () => {
  const cloud = simulatedCloud()
  cloud.defenderSensor.answerAt('qualified')
  const azure = connect(cloud)
  const { signal } = new AbortController()
  const holder = defenderSensor.open({}, azure)

  const regenerated = holder.regenerate('key', { signal, keepLease: async () => {}, metadata: oldMetadata() })

  await assert.rejects(async () => regenerated, { code: 'ServiceRefused' })
  assert.equal(azure.sent.length, 1)
})
