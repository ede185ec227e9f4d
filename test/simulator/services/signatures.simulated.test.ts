// The signature checks against vectors computed apart from both sides.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hmacProof, sasProof, sharedKeyProof } from '../../../simulator/services/signatures.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64')
const otherKey = Buffer.alloc(32, 7).toString('base64')
const newYear = Date.UTC(2024, 0, 1)
const date = 'Mon, 01 Jan 2024 00:00:00 GMT'

function phoneNumbers(extra: Record<string, string> = {}) {
  return {
    method: 'GET',
    url: new URL('https://contoso.communication.azure.com/phoneNumbers?api-version=2022-12-01'),
    headers: new Headers({
      'x-ms-date': date,
      'x-ms-content-sha256': '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      authorization:
        'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=rYgpfsa3LkGTU2U9B2IL6ucTlBRcv6ekN5vhoPaVF7I=',
      ...extra,
    }),
    body: '',
  }
}

test('the HMAC vector is accepted for its own key and for no other', () => {
  const proof = hmacProof(phoneNumbers(), newYear)

  assert.equal(proof.kind, 'signed')
  assert.ok(proof.kind === 'signed' && proof.signedWith(key))
  assert.ok(proof.kind === 'signed' && !proof.signedWith(otherKey))
})

test('an HMAC request is refused six minutes late, with another body hash, or with a header left unsigned', () => {
  const unsigned = 'HMAC-SHA256 SignedHeaders=x-ms-date;host&Signature=AAAA'

  const late = hmacProof(phoneNumbers(), newYear + 6 * 60_000)
  const otherHash = hmacProof(phoneNumbers({ 'x-ms-content-sha256': 'AAAA' }), newYear)
  const leftOut = hmacProof(phoneNumbers({ authorization: unsigned }), newYear)
  const undated = hmacProof(phoneNumbers({ 'x-ms-date': 'yesterday' }), newYear)
  const none = hmacProof(phoneNumbers({ authorization: '' }), newYear)

  assert.deepEqual(
    [late, otherHash, leftOut, undated, none].map((proof) => proof.kind),
    Array.from({ length: 5 }, () => 'refused'),
  )
})

test('the data collector vector is accepted for its own workspace only', () => {
  const request = {
    method: 'POST',
    url: new URL('https://ws.ods.opinsights.azure.com/api/logs?api-version=2016-04-01'),
    headers: new Headers({
      'content-type': 'application/json',
      'x-ms-date': date,
      authorization: 'SharedKey ws:8hlZ0wO5w9g/c/DfBSIYanxh3JgPVE5oKWWraOa0mC0=',
    }),
    body: '{}',
  }

  const own = sharedKeyProof(request, 'ws', newYear)
  const foreign = sharedKeyProof(request, 'another', newYear)

  assert.ok(own.kind === 'signed' && own.signedWith(key) && !own.signedWith(otherKey))
  assert.equal(foreign.kind, 'refused')
})

test('the shared access signature vector is accepted until it expires', () => {
  const sig = encodeURIComponent('iIzEw6hi6GK79RY5jNXO6QeQkSL/Ax4zTmy44X2G1VY=')
  const headers = new Headers({
    authorization: `SharedAccessSignature sr=myhub.azure-devices.net&sig=${sig}&se=1700000000&skn=service`,
  })

  const inTime = sasProof(headers, 1_699_999_999_000)
  const expired = sasProof(headers, 1_700_000_000_000)

  assert.ok(inTime.kind === 'signed' && inTime.signedWith(key) && !inTime.signedWith(otherKey))
  assert.ok(inTime.kind === 'signed' && inTime.policy === 'service' && inTime.resource === 'myhub.azure-devices.net')
  assert.equal(expired.kind, 'refused')
})
