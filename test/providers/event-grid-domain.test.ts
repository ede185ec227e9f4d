// Event Grid domains: what Azure is specified to answer about their keys. What they have in common with topics is tested there.

import assert from 'node:assert/strict'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { fact } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

fact(
  'a regenerate of a domain answers 200 with both keys, and only the key that keyName names has changed',
  {
    repository: 'Azure/azure-rest-api-specs',
    file: 'eventgrid/stable/2025-02-15/examples/Domains_RegenerateKey.json',
    date: '2025-02-15',
  },
  async () => {
    const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
    const handle = cloud.eventGridDomains.add({ name: 'exampledomain1' })
    const before = handle.keys()

    const { status, body } = await caller(cloud)('POST', arm(`${handle.resourceId}/regenerateKey`, '2025-02-15'), {
      keyName: 'key2',
    })

    assert.deepEqual([status, body.key1], [200, before['key1']])
    assert.notEqual(body.key2, before['key2'])
    assert.match(handle.resourceId, /\/Microsoft\.EventGrid\/domains\/exampledomain1$/)
  },
)
