// Operations as seen by Microsoft's own poller, which Azure's JavaScript SDKs use for theirs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHttpPoller } from '@azure/core-lro'
import { missingPermission } from '../../../simulator/faults.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { type Answer, account, days, stored, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }
const headers = { prefer: 'respond-async' }

async function visionWorld(): Promise<World> {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  return made
}

/** Follows an answer of 202 to its end. The queue is worked through before the second poll. */
async function pollUntilDone(made: World, accepted: Answer) {
  let polls = 0
  const asResponse = ({ status, headers: { 'retry-after': _, ...rest }, body }: Answer) => ({
    flatResponse: body,
    rawResponse: { statusCode: status, headers: rest, body },
  })
  const poller = await createHttpPoller(
    {
      requestPath: '/api/targets/vision',
      requestMethod: 'POST',
      sendInitialRequest: async () => asResponse(accepted),
      sendPollRequest: async (address: string) => {
        polls += 1
        if (polls === 2) await made.drain()
        const id = new URL(address).pathname.split('/').at(-1)!
        return asResponse(await made.http(showOperation, { params: { id } }))
      },
    },
    { intervalInMs: 1 },
  )
  const result = (await poller.pollUntilDone()) as { readonly status: string }
  return { polls, result, state: poller.getOperationState().status }
}

describe('Microsoft’s poller with our operations', () => {
  const commands = { rotate: [rotate, { params, headers }], repair: [repair, { params, headers }] } as const
  for (const [name, [handler, call]] of Object.entries(commands)) {
    test(`Microsoft’s poller follows a ${name} until it has succeeded`, async () => {
      const made = await visionWorld()

      const { polls, result, state } = await pollUntilDone(made, await made.http(handler, call))

      assert.deepEqual([state, result.status, polls], ['succeeded', 'Succeeded', 2])
      await made.close()
    })
  }

  test('Microsoft’s poller follows the rotations of many targets until they have succeeded', async () => {
    const made = await visionWorld()

    const { state } = await pollUntilDone(made, await made.http(startRotations, { body: { targets: 'all' } }))

    assert.equal(state, 'succeeded')
    await made.close()
  })

  test('Microsoft’s poller throws the error of an operation that has failed, with its code', async () => {
    const made = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/regenerateKey/action' }))
    const accepted = await made.http(rotate, { params, headers })

    await assert.rejects(pollUntilDone(made, accepted), /PermissionDenied/)
    await made.close()
  })
})
