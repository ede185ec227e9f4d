// A hub's operations and pages are followed only at Resource Manager's own addresses.

import assert from 'node:assert/strict'
import test from 'node:test'
import { iotHubPolicy } from '../../src/providers/iot-hub-policy.ts'
import { hostsAsked, replies } from './addresses.ts'
import { failure, opened } from './opened.ts'

const untrusted = 'https://management.azure.com.example.com/next'

test('A next page on an untrusted host is not requested', async () => {
  const on = opened(iotHubPolicy)
  const fault = replies('iot-hub/listKeys', (reply) => ({
    ...reply,
    body: { ...(reply.body as object), nextLink: untrusted },
  }))

  const error = await failure(on, [fault], () => on.holder.regenerate('primary', on.call))

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.deepEqual(hostsAsked(on), ['management.azure.com'])
})

test('An operation on an untrusted host is not polled: the hub itself is read until the write has ended', async () => {
  const near = 'https://not-management.azure.com/next'
  for (const address of [untrusted, near, 'http://management.azure.com/next', 'nowhere']) {
    const on = opened(iotHubPolicy)
    const fault = replies('iot-hub/putHub', (reply) => ({ ...reply, headers: { 'azure-asyncoperation': address } }))

    on.cloud.faults.add(fault)

    const made = await on.holder.regenerate('primary', on.call)

    assert.equal(made['primary']!['key']!.reveal(), on.handle.keyOf('primary'))
    assert.deepEqual(hostsAsked(on), ['management.azure.com'])
    assert.ok(!on.azure.sent.some(({ url }) => /operationResults|next/.test(url.pathname)))
  }
})

test('A write without an address to poll has ended when the hub itself shows it', async () => {
  const on = opened(iotHubPolicy)
  on.cloud.faults.add(replies('iot-hub/putHub', (reply) => ({ status: 202, body: reply.body })))

  const made = await on.holder.regenerate('primary', on.call)

  assert.equal(made['primary']!['key']!.reveal(), on.handle.keyOf('primary'))
})

test('A write that is answered as done is not polled', async () => {
  const on = opened(iotHubPolicy)
  on.cloud.faults.add(replies('iot-hub/putHub', (reply) => ({ status: 200, body: reply.body })))

  await on.holder.regenerate('primary', on.call)

  assert.ok(!on.azure.sent.some(({ url }) => url.pathname.includes('operationResults')))
})
