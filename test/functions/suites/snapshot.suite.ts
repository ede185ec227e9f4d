// What a tick stores for the lists of targets.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { BlobServiceClient } from '@azure/storage-blob'
import type { App } from '../../../src/compose.ts'
import { RekeyError } from '../../../src/engine/rekey-error.ts'
import { latestSnapshot } from '../../../src/functions/snapshot/latest-snapshot.ts'
import { saveSnapshot } from '../../../src/functions/snapshot/save-snapshot.ts'
import { secretsLine } from '../../../src/functions/snapshot/snapshot-lines.ts'
import { tick, tickLimits } from '../../../src/functions/timer/tick.ts'
import { account, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const minute = 60_000
const otherVault = 'kv-other.vault.azure.net'
const noSignal = new AbortController().signal

async function appOf(made: World): Promise<App> {
  const composed = await made.compose()
  assert.ok('app' in composed)
  return composed.app
}

/** What is stored of a target, or of a reminder. */
async function shotOf(made: World, name: string) {
  const app = await appOf(made)
  const snapshot = await latestSnapshot(app.snapshot, noSignal)
  const target = [...app.targets, ...app.reminders].find((each) => each.name === name)!
  return { takenAt: snapshot?.takenAt, comparedAt: snapshot?.comparedAt(target), reading: snapshot?.of(target) }
}

async function textStored(made: World): Promise<string> {
  const lines: string[] = []
  for await (const line of (await (await appOf(made)).snapshot.read())!.lines()) lines.push(line)
  return lines.sort().join('\n')
}

function blobOf(made: World) {
  const service = BlobServiceClient.fromConnectionString(made.env['AzureWebJobsStorage']!)
  return service.getContainerClient('rekey-state').getBlockBlobClient('targets-snapshot.gz')
}

/** Two targets, each in a vault of its own. */
async function twoVaults() {
  const made = await world()
  const near = account(made.cloud, 'near')
  const far = account(made.cloud, 'far', { vault: `https://${otherVault}` })
  made.cloud.vault(otherVault)
  await made.writeTargets([near.target, far.target])
  stored(made, near.target, near.handle.keyOf('Key1'), { age: 10 * days })
  return { made, near, far }
}

describe('The snapshot of a tick', () => {
  test('A tick stores the tags and dates of every target and reminder, and neither a value, nor a version, nor another client’s tag', async () => {
    const made = await world()
    const { handle, target } = account(made.cloud, 'vision')
    const reminder = { name: 'partner', provider: 'reminder', secrets: { 'partner-token': 'value' } }
    await made.writeTargets([target, account(made.cloud, 'unseen').target, reminder])
    const failed = { code: 'PermissionDenied', at: '2026-03-01T10:00:00.000Z', request: 'r1' }
    const version = stored(made, target, handle.keyOf('Key1'), { age: 10 * days, stamps: { failed } })
    made.cloud.vault(vaultHost).set('partner-token', 'of the partner', { tags: { owner: 'finance' } })

    await made.tick()

    const vision = await shotOf(made, 'vision')
    const now = made.cloud.clock.now()
    assert.deepEqual([vision.takenAt, vision.reading?.at], [now, now])
    assert.ok(vision.reading && 'secrets' in vision.reading)
    const [lead] = vision.reading.secrets
    assert.deepEqual([lead?.slot, lead?.created, lead?.expiresOn], ['Key1', now - 10 * days, now + 80 * days])
    assert.deepEqual(lead?.stamps?.failed, { code: 'PermissionDenied', at: Date.parse(failed.at) })
    assert.deepEqual((await shotOf(made, 'unseen')).reading, { at: now, secrets: [undefined] })
    assert.ok((await shotOf(made, 'partner')).reading)
    const text = await textStored(made)
    for (const hidden of [handle.keyOf('Key1'), version, 'of the partner', 'finance']) assert.ok(!text.includes(hidden))
    await made.close()
  })

  test('A tick stores when each target was last compared with its service', async () => {
    const { made, near } = await twoVaults()
    await made.tick()
    const before = (await shotOf(made, 'near')).comparedAt
    await made.drain()
    const compared = made.cloud.clock.now()
    made.cloud.clock.advance(15 * minute)

    await made.tick()

    assert.equal(near.target.name, 'near')
    assert.deepEqual([before, (await shotOf(made, 'far')).comparedAt], [undefined, compared])
    await made.close()
  })

  test('A tick that cannot read a vault keeps what was read of it before, with its moment', async () => {
    const { made } = await twoVaults()
    await made.tick()
    const first = made.cloud.clock.now()
    made.cloud.clock.advance(15 * minute)
    made.trouble.silent = [`https://${otherVault}`]

    await assert.rejects(made.tick({}, { ...tickLimits, reading: 50 }), /kv-other/)

    const [near, far] = [await shotOf(made, 'near'), await shotOf(made, 'far')]
    assert.deepEqual([near.takenAt, near.reading?.at], [first + 15 * minute, first + 15 * minute])
    assert.deepEqual(far.reading, { at: first, secrets: [undefined] })
    await made.close()
  })

  test('A vault that no tick could read yet is known as unreadable', async () => {
    const { made } = await twoVaults()
    made.trouble.silent = [`https://${otherVault}`]

    await assert.rejects(made.tick({}, { ...tickLimits, reading: 50 }), /kv-other/)

    const { reading } = await shotOf(made, 'far')
    assert.deepEqual(reading, { at: made.cloud.clock.now(), code: 'ServiceUnavailable' })
    await made.close()
  })

  test('A stopped app stores what its ticks read', async () => {
    const { made } = await twoVaults()
    made.env['ROTATION_STOPPED'] = 'true'
    made.restart()

    await made.tick()

    assert.equal((await shotOf(made, 'near')).takenAt, made.cloud.clock.now())
    assert.equal(await made.depth(), 0)
    await made.close()
  })

  test('A tick that ends late replaces nothing that a later one has read', async () => {
    const { made } = await twoVaults()
    const app = await appOf(made)
    const late = made.cloud.clock.now()
    made.cloud.clock.advance(15 * minute)
    await made.tick()
    const before = await textStored(made)

    await saveSnapshot(app.snapshot, late, [secretsLine([app.targetNamed('near')!], late, new Map())], noSignal)

    assert.equal(await textStored(made), before)
    await made.close()
  })

  test('Of two instances that store at the same moment neither takes away what the other has read', async () => {
    const { made } = await twoVaults()
    const app = await appOf(made)
    const at = made.cloud.clock.now()
    const save = (name: string, moment: number) =>
      saveSnapshot(app.snapshot, moment, [secretsLine([app.targetNamed(name)!], moment, new Map())], noSignal)

    await Promise.all([save('near', at), save('far', at + minute), save('near', at + 2 * minute)])

    const [near, far] = [await shotOf(made, 'near'), await shotOf(made, 'far')]
    assert.deepEqual([near.takenAt, near.reading?.at], [at + 2 * minute, at + 2 * minute])
    assert.ok(far.reading === undefined || far.reading.at === at + minute)
    await made.close()
  })

  test('A target that is no longer in targets.json leaves the snapshot with the next tick', async () => {
    const { made, near } = await twoVaults()
    await made.tick()
    await made.writeTargets([near.target])
    made.cloud.clock.advance(15 * minute)

    await made.tick()

    assert.ok(!(await textStored(made)).includes('far-key'))
    await made.close()
  })

  test('A snapshot that is damaged, or of another format, counts as lost, and the next tick stores one', async () => {
    const { made } = await twoVaults()
    for (const content of [
      'not compressed',
      gzipSync('snapshot\t1\t{"format":99}\n'),
      gzipSync('{}\n').subarray(0, 12),
    ]) {
      await made.tick()
      const bytes = Buffer.from(content)
      await blobOf(made).upload(bytes, bytes.length)
      assert.equal((await shotOf(made, 'near')).takenAt, undefined)

      await made.tick()

      assert.equal((await shotOf(made, 'near')).takenAt, made.cloud.clock.now())
    }
    await made.close()
  })

  test('A snapshot that cannot be stored fails the tick at its end, and what is due is queued', async () => {
    const { made } = await twoVaults()
    const app = await appOf(made)
    const write = async () => {
      throw new RekeyError('ServiceUnavailable', { message: 'PUT blob: no answer' })
    }
    const compose = async () => ({ app: { ...app, snapshot: { ...app.snapshot, write } } })
    const none = '0001-01-01T00:00:00+00:00'
    const timer = {
      isPastDue: false,
      schedule: { adjustForDST: true },
      scheduleStatus: { last: none, next: none, lastUpdated: none },
    }

    await assert.rejects(tick(timer, made.context('schedule'), compose), /PUT blob: no answer/)

    assert.deepEqual(
      made.sends.map(({ request }) => request.target),
      ['far'],
    )
    await made.close()
  })
})
