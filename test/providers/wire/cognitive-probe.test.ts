// Which request tries a key of a Cognitive Services account.

import assert from 'node:assert/strict'
import test from 'node:test'
import { type AccountDescription, cognitiveProbes, isPathGone } from '../../../src/providers/wire/cognitive-probe.ts'

type CloudName = Parameters<typeof cognitiveProbes>[1]

/** The first request. */
const cognitiveProbe = (account: AccountDescription, cloud: CloudName) => cognitiveProbes(account, cloud)[0]
const at = (probe: ReturnType<typeof cognitiveProbe>) => probe && `${probe.method} ${probe.endpoint} ${probe.path}`

for (const [name, endpoint] of [
  ['Token Service API', 'https://eastus.api.cognitive.microsoft.com/'],
  ['Token', 'https://contoso.cognitiveservices.azure.com/'],
  // Speech accounts name the whole path.
  ['Token API', 'https://westeurope.api.cognitive.microsoft.com/sts/v1.0/issuetoken'],
] as const) {
  test(`an account that names "${name}" is tried by the token exchange there, whatever its kind`, () => {
    const probe = cognitiveProbe({ kind: 'Something.Newer', endpoints: { [name]: endpoint } }, 'public')

    assert.equal(at(probe), `POST ${endpoint} /sts/v1.0/issueToken`)
  })
}

for (const [cloud, host] of [
  ['public', 'api.cognitive.microsoft.com'],
  ['usgov', 'api.cognitive.microsoft.us'],
  ['china', 'api.cognitive.azure.cn'],
] as const) {
  test(`A Translator that names no token exchange is tried at the region's host of the cloud ${cloud}`, () => {
    const translator = { kind: 'TextTranslation', location: 'China East 2' }

    const probe = cognitiveProbe(translator, cloud)

    assert.equal(at(probe), `POST https://chinaeast2.${host}/ /sts/v1.0/issueToken`)
    assert.equal(probe!.headers['Ocp-Apim-Subscription-Region'], 'chinaeast2')
  })
}

test('a Translator without a region is tried at the host that has none, and sends no region', () => {
  const endpoint = 'https://api.cognitive.microsofttranslator.com/'

  const probe = cognitiveProbe({ kind: 'TextTranslation', location: 'global', endpoint }, 'public')

  assert.equal(at(probe), 'POST https://api.cognitive.microsoft.com/ /sts/v1.0/issueToken')
  assert.equal(probe!.headers['Ocp-Apim-Subscription-Region'], undefined)
})

test('a Translator whose custom subdomain has the word translator in it is tried there, not at the host of its region', () => {
  const endpoint = 'https://contoso-translator.cognitiveservices.azure.com/'

  const probe = cognitiveProbe({ kind: 'TextTranslation', location: 'westeurope', endpoint }, 'public')

  assert.equal(at(probe), `POST ${endpoint} /sts/v1.0/issueToken`)
})

test('an account with a token exchange and a read of its kind has both, the exchange first', () => {
  const endpoint = 'https://contoso.openai.azure.com/'
  const account = { kind: 'OpenAI', endpoint, endpoints: { 'Token Service API': endpoint } }

  const probes = cognitiveProbes(account, 'public').map(at)

  assert.deepEqual(probes, [
    `POST ${endpoint} /sts/v1.0/issueToken`,
    `GET ${endpoint} /openai/models?api-version=2024-10-21`,
  ])
})

test('A location that is not the name of a region becomes neither host nor header', () => {
  const location = 'evil.example/\r\nx: y'

  assert.equal(cognitiveProbe({ kind: 'TextTranslation', location }, 'public'), undefined)
  const named = cognitiveProbe({ location, endpoints: { Token: 'https://a.cognitiveservices.azure.com/' } }, 'public')
  assert.equal(named!.headers['Ocp-Apim-Subscription-Region'], undefined)
})

test('An API that an account names by something else than text is ignored', () => {
  const probe = cognitiveProbe({ kind: 'Face', endpoint: 'https://a.example', endpoints: { Token: 7 } }, 'public')

  assert.equal(at(probe), 'GET https://a.example /face/v1.0/largepersongroups?top=1')
})

test('an account without an endpoint, or of an unknown kind, has no probe', () => {
  assert.equal(cognitiveProbe({ kind: 'OpenAI' }, 'public'), undefined)
  assert.equal(cognitiveProbe({ kind: 'Newer', endpoint: 'https://a.example' }, 'public'), undefined)
  assert.equal(cognitiveProbe({}, 'public'), undefined)
})

test('A path counts as gone by its status, or by a code that says retired or deprecated', () => {
  const answer = (status: number, code: string) => ({ status, headers: {}, text: JSON.stringify({ error: { code } }) })

  const gone = [answer(404, '404'), answer(410, 'Gone'), answer(400, 'ApiVersionRetired'), answer(403, 'DeprecatedApi')]
  const there = [answer(400, 'InvalidRequest'), answer(401, '401'), answer(200, 'ApiVersionRetired')]

  assert.deepEqual(gone.map(isPathGone), [true, true, true, true])
  assert.deepEqual(there.map(isPathGone), [false, false, false])
})
