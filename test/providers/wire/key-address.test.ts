// To which hosts a key may be sent.

import assert from 'node:assert/strict'
import test from 'node:test'
import { keyAddress } from '../../../src/providers/wire/key-address.ts'

const suffixes = ['cognitiveservices.azure.com', 'api.cognitive.microsoft.com']

/** What was answered, and what was logged. */
function asked(endpoint: string, path = '/probe?a=b') {
  const lines: { message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = []
  const url = keyAddress(endpoint, path, suffixes, (_level, message, fields) => lines.push({ message, fields }))
  return { url: url?.href, lines }
}

for (const [endpoint, address] of [
  ['https://vision.cognitiveservices.azure.com/', 'https://vision.cognitiveservices.azure.com/probe?a=b'],
  ['https://VISION.CognitiveServices.Azure.com', 'https://vision.cognitiveservices.azure.com/probe?a=b'],
  ['https://vision.cognitiveservices.azure.com:443/x', 'https://vision.cognitiveservices.azure.com/probe?a=b'],
  ['https://westus.api.cognitive.microsoft.com/', 'https://westus.api.cognitive.microsoft.com/probe?a=b'],
  ['https://api.cognitive.microsoft.com/', 'https://api.cognitive.microsoft.com/probe?a=b'],
] as const) {
  test(`a key may be sent to ${endpoint}`, () => {
    assert.deepEqual(asked(endpoint), { url: address, lines: [] })
  })
}

for (const [endpoint, host, why] of [
  ['https://evil.example', 'evil.example', 'not a host'],
  ['https://x.cognitiveservices.azure.com.evil.example/', 'x.cognitiveservices.azure.com.evil.example', 'not a host'],
  ['https://evilcognitiveservices.azure.com/', 'evilcognitiveservices.azure.com', 'not a host'],
  ['https://vision.cognitiveservices.azure.us/', 'vision.cognitiveservices.azure.us', 'not a host'],
  ['https://vision.cognitiveservices.azure.com./', 'vision.cognitiveservices.azure.com.', 'not a host'],
  ['https://evil.example\\@vision.cognitiveservices.azure.com/', 'evil.example', 'not a host'],
  ['https://evil.example#.cognitiveservices.azure.com/', 'evil.example', 'not a host'],
  ['https://evil.example?.cognitiveservices.azure.com', 'evil.example', 'not a host'],
  ['https://169.254.169.254/', '169.254.169.254', 'not a host'],
  ['https://vision.cognitiveservices.azure.com@evil.example/', 'evil.example', 'user name'],
  ['https://user@vision.cognitiveservices.azure.com/', 'vision.cognitiveservices.azure.com', 'user name'],
  ['https://:pass@vision.cognitiveservices.azure.com/', 'vision.cognitiveservices.azure.com', 'user name'],
  ['https://vision.cognitiveservices.azure.com:8443/', 'vision.cognitiveservices.azure.com', 'port'],
  ['http://vision.cognitiveservices.azure.com/', 'vision.cognitiveservices.azure.com', 'not https'],
  ['ftp://vision.cognitiveservices.azure.com/', 'vision.cognitiveservices.azure.com', 'not https'],
  ['//vision.cognitiveservices.azure.com/', undefined, 'not a URL'],
  ['vision.cognitiveservices.azure.com', undefined, 'not a URL'],
  ['', undefined, 'not a URL'],
] as const) {
  test(`a key is not sent to ${endpoint || 'an empty endpoint'}, and the log names the host`, () => {
    const { url, lines } = asked(endpoint)

    assert.equal(url, undefined)
    assert.equal(lines.length, 1)
    assert.equal(lines[0]!.fields?.['host'], host)
    assert.ok(String(lines[0]!.fields?.['why']).includes(why), String(lines[0]!.fields?.['why']))
  })
}

test('A path that leads to another host is refused as well', () => {
  assert.equal(asked('https://vision.cognitiveservices.azure.com/', '//evil.example/x').url, undefined)
})
