// Signatures over requests. The vectors are computed independently of this code, with the key of bytes 00 to 1f.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Secret } from '../../../src/engine/secret.ts'
import { fieldOf, keyIn } from '../../../src/providers/wire/connection-string.ts'
import { signedHeaders } from '../../../src/providers/wire/hmac.ts'
import { basicAuthorization } from '../../../src/providers/wire/key-material.ts'
import { sharedAccessSignature } from '../../../src/providers/wire/sas.ts'

const key = Secret.of(Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'))

test('a request to Communication Services is signed over method, path, date, host and content hash', () => {
  const url = new URL('https://contoso.communication.azure.com/phoneNumbers?api-version=2022-12-01')

  const headers = signedHeaders('GET', url, key, Date.parse('2024-01-01T00:00:00Z'))

  assert.deepEqual(headers, {
    'x-ms-date': 'Mon, 01 Jan 2024 00:00:00 GMT',
    'x-ms-content-sha256': '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    Authorization:
      'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=rYgpfsa3LkGTU2U9B2IL6ucTlBRcv6ekN5vhoPaVF7I=',
  })
})

test("a hub's shared access signature is signed over its encoded host and the expiry in seconds", () => {
  const header = sharedAccessSignature(
    { resource: 'myhub.azure-devices.net', policy: 'service', key, bytes: 'base64' },
    1_700_000_000_999,
  )

  const signature = encodeURIComponent('iIzEw6hi6GK79RY5jNXO6QeQkSL/Ax4zTmy44X2G1VY=')
  assert.equal(header, `SharedAccessSignature sr=myhub.azure-devices.net&sig=${signature}&se=1700000000&skn=service`)
})

test("a messaging service's signature covers the encoded address of its namespace, and is signed with the text of the key", () => {
  const key = Secret.of(Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)).toString('base64'))

  const header = sharedAccessSignature(
    { resource: 'https://rekeytest.servicebus.windows.net/', policy: 'rule', key, bytes: 'utf8' },
    1_700_000_000_000,
  )

  // As the official clients for JavaScript sign it (core-amqp, tokenProvider.ts).
  const signature = encodeURIComponent('tmdZmVthvJA8ul8E0/b133tMm1KSNkjQxSdaMavBoNU=')
  const resource = 'https%3A%2F%2Frekeytest.servicebus.windows.net%2F'
  assert.equal(header, `SharedAccessSignature sr=${resource}&sig=${signature}&se=1700000000&skn=rule`)
})

test('the key is found inside a connection string, padding and all, whatever the case of the field', () => {
  const text = Secret.of('HostName=h.azure-devices.net;sharedaccesskeyname=service;SharedAccessKey=abc+/==')

  assert.equal(keyIn({ connectionString: text }, 'SharedAccessKey')?.reveal(), 'abc+/==')
  assert.equal(fieldOf(text, 'SharedAccessKeyName')?.reveal(), 'service')
})

test('A connection string without a key has none', () => {
  const rubbish = Secret.of('nothing;SharedAccessKey=;=;')

  assert.equal(keyIn({ connectionString: rubbish }, 'SharedAccessKey'), undefined)
  assert.equal(keyIn({}, 'SharedAccessKey'), undefined)
})

test('the header of basic authentication is the one of RFC 7617, and stays a secret', () => {
  const header = basicAuthorization('Aladdin', Secret.of('open sesame'))

  assert.equal(header.reveal(), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
  assert.ok(!String(header).includes('QWxhZGRpbjpvcGVuIHNlc2FtZQ'))
})
