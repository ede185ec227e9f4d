// The sensor deployment key in Microsoft Graph: what is documented.

import assert from 'node:assert/strict'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { caller } from '../raw-caller.ts'
import { fact, type Source } from './fact.ts'

const docs = (file: string): Source => ({
  repository: 'microsoftgraph/microsoft-graph-docs-contrib',
  file: `api-reference/v1.0/${file}`,
  date: '2024-09-10',
})
const sensors = 'https://graph.microsoft.com/v1.0/security/identities/sensors'

fact(
  'regenerateDeploymentAccessKey is a POST without a body, and answers 200 with the key inside value',
  docs('api/security-sensor-regeneratedeploymentaccesskey.md'),
  async () => {
    const cloud = simulatedCloud()
    const before = cloud.defenderSensor.keyOf('key')

    const { status, body } = await caller(cloud)('POST', `${sensors}/regenerateDeploymentAccessKey`)

    assert.equal(status, 200)
    assert.equal(body.value['@odata.type'], 'microsoft.graph.security.deploymentAccessKeyType')
    assert.equal(body.value.sensorDeploymentAccessKey, cloud.defenderSensor.keyOf('key'))
    assert.notEqual(body.value.sensorDeploymentAccessKey, before)
  },
)

fact(
  'getDeploymentAccessKey answers 200 with the same shape',
  docs('api/security-sensor-getdeploymentaccesskey.md'),
  async () => {
    const cloud = simulatedCloud()

    const { status, body } = await caller(cloud)('GET', `${sensors}/getDeploymentAccessKey`)

    assert.equal(status, 200)
    assert.equal(body.value.sensorDeploymentAccessKey, cloud.defenderSensor.keyOf('key'))
  },
)

fact(
  'the resource type names the property deploymentAccessKey',
  docs('resources/security-deploymentaccesskeytype.md'),
  async () => {
    const cloud = simulatedCloud()
    cloud.defenderSensor.answerAs('unwrapped')

    const { body } = await caller(cloud)('GET', `${sensors}/getDeploymentAccessKey`)

    assert.equal(body.deploymentAccessKey, cloud.defenderSensor.keyOf('key'))
    assert.match(body['@odata.context'], /#microsoft\.graph\.security\.deploymentAccessKeyType$/)
  },
)

fact(
  'generated SDKs call the actions by their full names',
  {
    repository: 'microsoftgraph/msgraph-sdk-python',
    file: 'msgraph/generated/security/identities/sensors/microsoft_graph_security_get_deployment_access_key',
    date: '2025',
  },
  async () => {
    const cloud = simulatedCloud()

    const { status } = await caller(cloud)('GET', `${sensors}/microsoft.graph.security.getDeploymentAccessKey`)

    assert.equal(status, 200)
  },
)
