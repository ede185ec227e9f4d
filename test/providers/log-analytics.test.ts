// What is particular to Log Analytics workspaces.

import assert from 'node:assert/strict'
import test from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { type Fault, serverError } from '../../simulator/faults.ts'
import { logAnalytics } from '../../src/providers/log-analytics.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { calls, failure, opened, revealed } from './opened.ts'

const regenerate = 'log-analytics/regenerateSharedKey'

function workspace(behaviour: 'both' | 'keyType', outputs?: readonly string[]) {
  const cloud = simulatedCloud()
  const handle = cloud.logAnalytics.add({ name: 'logs', behaviour })
  const azure = connect(cloud)
  const { signal } = new AbortController()
  const holder = logAnalytics.open({ resource: handle.resourceId }, azure, outputs)
  return { cloud, handle, azure, holder, signal, call: { signal, keepLease: async () => {}, metadata: oldMetadata() } }
}

test('A Log Analytics workspace that changes both keys is called once, and both new keys are returned', async () => {
  const { cloud, handle, holder, signal, call } = workspace('both')
  const before = revealed(await holder.read(signal))

  const after = revealed(await holder.regenerate('secondary', call))

  assert.deepEqual(after, handle.keys())
  assert.notEqual(after['primary'], before['primary'])
  assert.notEqual(after['secondary'], before['secondary'])
  assert.equal(cloud.history.filter(({ operation }) => operation === regenerate).length, 1)
})

test('a regenerate of Log Analytics names its key from the start, in one call', async () => {
  const { azure, handle, holder, signal, call } = workspace('keyType')
  const before = revealed(await holder.read(signal))

  const after = revealed(await holder.regenerate('secondary', call))

  const asked = azure.sent.filter(({ url }) => url.pathname.endsWith('/regenerateSharedKey'))
  assert.deepEqual(
    asked.map(({ url }) => url.searchParams.get('keyType')),
    ['secondarySharedKey'],
  )
  assert.equal(after['primary'], before['primary'])
  assert.notEqual(after['secondary'], before['secondary'])
  assert.deepEqual(after, handle.keys())
})

test('a refused regenerate of Log Analytics is not sent a second time in the form that names no key', async () => {
  const on = opened(logAnalytics)
  const refusal = serverError({ operation: regenerate, when: 'before', status: 400 })

  const error = await failure(on, [refusal], () => on.holder.regenerate('primary', on.call))

  assert.equal(error.code, 'ServiceRefused')
  assert.equal(calls(on, regenerate).sent, 1)
})

test('The workspace id is the same in every slot, and read once, only where a secret holds it', async () => {
  const wanted = workspace('keyType', ['key', 'workspaceId'])
  const unwanted = workspace('keyType', ['key'])

  const ring = await wanted.holder.read(wanted.signal)
  const after = await wanted.holder.regenerate('primary', wanted.call)
  const short = await unwanted.holder.read(unwanted.signal)

  for (const credential of [ring['primary'], ring['secondary'], after['primary']]) {
    assert.equal(credential!['workspaceId']!.reveal(), wanted.handle.customerId)
  }
  const reads = ({ cloud }: typeof wanted) =>
    cloud.history.filter(({ operation }) => operation.endsWith('/getWorkspace'))
  assert.equal(reads(wanted).length, 1)
  assert.deepEqual(Object.keys(short['primary']!), ['key'])
  assert.equal(reads(unwanted).length, 0)
})

test('A workspace that requires the query keyType is understood, though its error says so in words only', async () => {
  const on = opened(logAnalytics)
  const text = 'keyType value must equal primarySharedKey or secondarySharedKey'
  const asking: Fault = {
    name: 'asking',
    install: () => ({
      before: (call) =>
        call.operation.operation === regenerate ? call.refuse(400, 'InvalidParameter', text).reply : undefined,
    }),
  }

  const error = await failure(on, [asking], () => on.holder.regenerate('primary', on.call))

  assert.equal(error.code, 'ServiceRefused')
  assert.equal(error.details.service?.code, 'KeyTypeRequired')
})
