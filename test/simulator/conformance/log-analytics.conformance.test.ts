// Log Analytics workspaces: what Azure was recorded, documented or reported to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { arm, caller } from '../raw-caller.ts'
import { fact, type Source } from './fact.ts'

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/monitor/tests/latest/recordings/test_monitor_log_analytics_workspace_default.yaml',
  date: '2021-01-15',
}
const specsIssue: Source = { repository: 'Azure/azure-rest-api-specs', file: 'issue 29592', date: '2024-06-04' }
const cliIssue: Source = { repository: 'Azure/azure-cli', file: 'issue 24961', date: '2022' }

function workspace() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.logAnalytics.add({ name: 'clitest000002' })
  const call = caller(cloud)
  const regenerate = (query: string, body?: unknown) =>
    call('POST', `${arm(`${handle.resourceId}/regenerateSharedKey`, '2025-02-01')}${query}`, body)
  return { handle, call, regenerate, get: () => call('GET', arm(handle.resourceId, '2020-08-01')) }
}

fact('a workspace answers its own id in another case', recording, async () => {
  const { get, handle } = workspace()

  const { id } = (await get()).body

  assert.notEqual(id, handle.resourceId)
  assert.equal(id.toLowerCase(), handle.resourceId.toLowerCase())
  assert.match(id, /\/resourcegroups\/rg\/providers\/microsoft\.operationalinsights\/workspaces\/clitest000002$/)
})

fact('a workspace says nothing of local authentication until it is disabled', recording, async () => {
  const { get, handle } = workspace()

  const before = (await get()).body.properties.features
  handle.disableLocalAuth(true)
  const after = (await get()).body.properties.features

  assert.equal('disableLocalAuth' in before, false)
  assert.equal(after.disableLocalAuth, true)
})

fact('a workspace has its GUID, its price in lower case, and dates in the format of HTTP', recording, async () => {
  const { get, handle } = workspace()

  const { properties } = (await get()).body

  assert.equal(properties.customerId, handle.customerId)
  assert.equal(properties.sku.name, 'pergb2018')
  assert.equal(properties.createdDate, 'Thu, 01 Jan 2026 00:00:00 GMT')
  assert.equal(properties.provisioningState, 'Succeeded')
})

const refused = 'keyType value must equal primarySharedKey or secondarySharedKey'

fact('the documented regenerate, without a body, is refused for want of keyType', specsIssue, async () => {
  const { regenerate, handle } = workspace()
  const before = handle.keys()

  const { status, body } = await regenerate('')

  assert.equal(status, 400)
  assert.ok(['BadArgumentError', 'InvalidParameter'].includes(body.error.code))
  assert.equal(body.error.message, refused)
  assert.deepEqual(handle.keys(), before)
})

fact('keyType in the body is refused in the same words', cliIssue, async () => {
  const { regenerate, handle } = workspace()
  const before = handle.keys()

  const { status, body } = await regenerate('', { keyType: 'primarySharedKey' })

  assert.deepEqual([status, body.error.message], [400, refused])
  assert.deepEqual(handle.keys(), before)
})

fact('keyType in the query is the one form that was reported to work', specsIssue, async () => {
  const { regenerate, handle } = workspace()
  const before = handle.keys()

  const { status, body } = await regenerate('&keyType=primarySharedKey')

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['primarySharedKey', 'secondarySharedKey'])
  assert.notEqual(body.primarySharedKey, before['primary'])
  assert.equal(body.secondarySharedKey, before['secondary'])
})
