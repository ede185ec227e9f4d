// Leases on Azurite. One test waits in real time for a lease to expire, beside the others.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { BlobServiceClient } from '@azure/storage-blob'
import { createLeaseNotes, createLeases, leaseContainer } from '../../src/azure/blob-lease.ts'
import { openStorage, type Storage } from '../../src/azure/storage.ts'
import type { Lease } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { type StorageTap, tapStorage } from '../leak/storage-tap.ts'
import { type Azurite, startAzurite } from '../started-azurite.ts'

const signal = new AbortController().signal

describe('The lease of a credential', { concurrency: true }, () => {
  let azurite: Azurite
  let storage: Storage

  before(async () => {
    azurite = await startAzurite()
    storage = open(azurite)
  })
  after(() => azurite.close())

  function open({ connectionString }: Azurite): Storage {
    const noCredential = () => assert.fail('a connection string needs no credential')
    return openStorage({ by: 'connectionString', connectionString: Secret.of(connectionString) }, noCredential)
  }

  /** A credential that no other test uses, and two workers who want it. */
  function world() {
    const credential = `cognitive-services /subscriptions/S/${randomUUID()} ü/?#`
    return { credential, one: createLeases(storage), two: createLeases(open(azurite)) }
  }

  async function blobOf(lease: string) {
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      leaseContainer,
    )
    for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
      if (decodeURIComponent(metadata?.['credential'] ?? '') === lease.toLowerCase())
        return container.getBlobClient(name)
    }
    return assert.fail('no blob is named after the credential')
  }

  test('Metadata written under a lease can be read by a worker that does not hold it, singly and in one listing', async () => {
    const { credential, one } = world()
    const notes = createLeaseNotes(storage)
    const never = await notes.of(credential, signal)
    const lease = await one.acquire(credential, signal)
    await lease!.metadata.write({ compared_vision: '2026-11-21T10:00:00.000Z' }, signal)

    const [single, all] = [await notes.of(credential.toUpperCase(), signal), await notes.all(signal)]
    await lease!.release(signal)

    assert.equal(never, undefined)
    assert.equal(single?.['compared_vision'], '2026-11-21T10:00:00.000Z')
    assert.deepEqual([all(credential)?.['compared_vision'], all('another')], [single?.['compared_vision'], undefined])
  })

  test('One worker has the lease, the other is refused as busy, and gets it once it is released', async () => {
    const { credential, one, two } = world()

    const first = await one.acquire(credential, signal)
    const meanwhile = await two.acquire(credential, signal)
    await first?.release(signal)
    const second = await two.acquire(credential, signal)

    assert.ok(first)
    assert.equal(meanwhile, undefined)
    assert.ok(second)
  })

  test('Of many workers that want a lease at once, on first use too, exactly one gets it', async () => {
    const { credential, one, two } = world()

    const all = await Promise.all([one, two, one, two, one, two].map((leases) => leases.acquire(credential, signal)))

    assert.equal(all.filter((lease) => lease !== undefined).length, 1)
  })

  test('A credential has the same lease in any case of its letters', async () => {
    const { credential, one, two } = world()

    await one.acquire(credential, signal)

    assert.equal(await two.acquire(credential.toUpperCase(), signal), undefined)
  })

  test('The leases of two credentials are independent', async () => {
    const { credential, one, two } = world()

    assert.ok(await one.acquire(credential, signal))
    assert.ok(await two.acquire(`${credential}2`, signal))
  })

  test('The holder renews its lease; after a release there is nothing to renew', async () => {
    const { credential, one } = world()
    const lease = await one.acquire(credential, signal)
    assert.ok(lease)

    const while_ = await lease.renew(signal)
    await lease.release(signal)
    const afterwards = await lease.renew(signal)

    assert.deepEqual([while_, afterwards], [true, false])
  })

  test('A lease that was broken and taken by another is lost, and releasing it has no effect on the new holder', async () => {
    const { credential, one, two } = world()
    const lost = await one.acquire(credential, signal)
    assert.ok(lost)
    await (await blobOf(credential)).getBlobLeaseClient().breakLease(0)
    const taken = await two.acquire(credential, signal)
    assert.ok(taken)

    const renewed = await lost.renew(signal)
    await lost.release(signal)

    assert.equal(renewed, false)
    assert.equal(await taken.renew(signal), true)
  })

  test('A lease is still held while an operator breaks it', async () => {
    const { credential, one, two } = world()
    await one.acquire(credential, signal)
    await (await blobOf(credential)).getBlobLeaseClient().breakLease(60)

    assert.equal(await two.acquire(credential, signal), undefined)
  })

  test('a lease whose blob was deleted is lost, and can be taken again', async () => {
    const { credential, one } = world()
    const lease = await one.acquire(credential, signal)
    assert.ok(lease)
    const blob = await blobOf(credential)
    await blob.getBlobLeaseClient().breakLease(0)
    await blob.delete()

    assert.equal(await lease.renew(signal), false)
    assert.ok(await one.acquire(credential, signal))
  })

  test('Storage that cannot be reached is an error, not another worker’s lease', async () => {
    const nowhere = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/a;'
    const leases = createLeases(open({ ...azurite, connectionString: nowhere }))

    await assert.rejects(leases.acquire('x', AbortSignal.timeout(10_000)), {
      code: 'ServiceUnavailable',
      transient: true,
    })
  })

  test('A lease that expired can be taken, and its old holder has lost it', async () => {
    const { credential, one, two } = world()
    const old: Lease | undefined = await one.acquire(credential, signal)
    // 60 seconds are too long for a test: the same lease, cut down to the service's shortest.
    const blob = await blobOf(credential)
    await old?.release(signal)
    await blob.getBlobLeaseClient(randomUUID()).acquireLease(15)

    const meanwhile = await two.acquire(credential, signal)
    await pause(15_200)
    const taken = await two.acquire(credential, signal)

    assert.equal(meanwhile, undefined)
    assert.ok(taken)
    assert.equal(await old?.renew(signal), false)
  })
})

/** A storage account that gives these answers, one after the other, the last one for good. */
async function scripted(t: TestContext, ...answers: readonly (readonly [status: number, code: string])[]) {
  let asked = 0
  const http = createServer((_, response) => {
    const [status, code] = answers[asked++] ?? answers.at(-1)!
    response.writeHead(status, { 'x-ms-error-code': code }).end()
  }).listen(0, '127.0.0.1')
  t.after(() => http.close())
  await once(http, 'listening')
  const endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}/devstoreaccount1`
  const account = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=${endpoint};QueueEndpoint=${endpoint};`
  const storage = openStorage({ by: 'connectionString', connectionString: Secret.of(account) }, () => assert.fail())
  return { leases: createLeases(storage), asked: () => asked }
}

test('A blob that another worker makes and leases in between is busy, whichever conflict the service reports', async (t) => {
  for (const conflict of [
    [409, 'BlobAlreadyExists'],
    [412, 'LeaseIdMissing'],
  ] as const) {
    const before = [404, 'BlobNotFound'] as const
    const { leases, asked } = await scripted(t, before, [201, ''], conflict, [409, 'LeaseAlreadyPresent'])

    const lease = await leases.acquire('a', signal)

    assert.equal(lease, undefined)
    assert.equal(asked(), 4)
  }
})

test('A lease that the service no longer knows is lost, whichever conflict it reports', async (t) => {
  for (const conflict of [
    [409, 'LeaseIdMismatchWithLeaseOperation'],
    [412, 'LeaseLost'],
  ] as const) {
    const { leases } = await scripted(t, [201, ''], conflict)
    const lease = await leases.acquire('a', signal)

    assert.equal(await lease?.renew(signal), false)
    await lease?.release(signal)
  }
})

test('A blob that is deleted right after it is made is an error that says so, with a remedy', async (t) => {
  const { leases } = await scripted(t, [404, 'BlobNotFound'], [201, ''], [201, ''], [404, 'BlobNotFound'])

  await assert.rejects(leases.acquire('a', signal), {
    code: 'ServiceBusy',
    message: /deleted as soon as it was created/,
  })
})

test('An Azurite that does not know the API version of our calls is an error that says how to start it', async (t) => {
  const { leases } = await scripted(t, [400, 'InvalidHeaderValue'])

  const error = await leases.acquire('a', signal).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'ServiceRefused')
  assert.match(error.details.remedy ?? '', /npx azurite --skipApiVersionCheck/)
})

describe('The metadata of a lease', { concurrency: true }, () => {
  let azurite: Azurite
  let tap: StorageTap
  const storageOf = ({ connectionString }: { readonly connectionString: string }) => {
    const noCredential = () => assert.fail('a connection string needs no credential')
    return openStorage({ by: 'connectionString', connectionString: Secret.of(connectionString) }, noCredential)
  }

  before(async () => {
    azurite = await startAzurite()
    tap = await tapStorage(azurite.connectionString)
  })
  after(async () => {
    tap.close()
    await azurite.close()
  })

  async function held(credential: string = randomUUID(), now = Date.UTC(2026, 0, 1)) {
    const lease = await createLeases(storageOf(azurite), () => now).acquire(credential, signal)
    assert.ok(lease)
    return { credential, lease }
  }

  test('A new blob says which credential it stands for, and since when', async () => {
    const { lease, credential } = await held()

    const entries = await lease.metadata.read(signal)

    assert.deepEqual(entries, { credential, since: '2026-01-01T00:00:00.000Z' })
  })

  test('The next holder of a lease reads what one wrote; entries that are not written stay', async () => {
    const { lease, credential } = await held()
    await lease.metadata.write({ hub: 'one', compared_a: '1' }, signal)
    await lease.metadata.write({ hub: 'two' }, signal)
    await lease.release(signal)

    const { lease: next } = await held(credential)
    const entries = await next.metadata.read(signal)

    assert.deepEqual(entries, { credential, since: '2026-01-01T00:00:00.000Z', hub: 'two', compared_a: '1' })
  })

  test('Two writes and two reads of one holder are one HEAD and two PUTs', async () => {
    const leases = createLeases(storageOf(tap))
    const lease = await leases.acquire(randomUUID(), signal)
    const { length } = tap.seen

    await lease!.metadata.write({ a: '1' }, signal)
    await lease!.metadata.read(signal)
    await lease!.metadata.write({ b: '2' }, signal)
    await lease!.metadata.read(signal)

    const methods = tap.seen.slice(length).flatMap((line) => /^(HEAD|GET|PUT|POST) /.exec(line)?.[1] ?? [])
    assert.deepEqual(methods, ['HEAD', 'PUT', 'PUT'])
  })

  test('A worker that has lost the lease neither reads nor writes its metadata', async () => {
    const { lease, credential } = await held()
    await lease.release(signal)
    const { lease: other } = await held(credential)

    await assert.rejects(lease.metadata.read(signal), { code: 'LeaseLost' })
    await assert.rejects(lease.metadata.write({ a: '1' }, signal), { code: 'LeaseLost' })
    assert.equal((await other.metadata.read(signal))['a'], undefined)
  })

  test('A failed write of metadata leaves nothing to be settled: it may be written again', async (t) => {
    const { leases } = await scripted(t, [201, ''], [500, 'InternalError'])
    const lease = await leases.acquire('a', signal)

    const error = await lease!.metadata.write({ a: '1' }, signal).catch((e: unknown) => e)

    assert.ok(error instanceof RekeyError)
    assert.equal(error.code, 'ServiceUnavailable')
    assert.equal(error.details.outcomeUnknown, undefined)
  })
})
