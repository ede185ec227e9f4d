// Tags and content types that others wrote beside a secret survive a rotation.

import assert from 'node:assert/strict'
import test from 'node:test'
import { days } from '../../src/engine/target.ts'
import { providers } from '../providers/all-providers.ts'
import { estate, vaultHost } from './crash-estate.ts'

for (const provider of providers) {
  test(`${provider.id}: the tags of others and the content type are copied to each new version`, async () => {
    const at = estate(provider)
    const vault = at.cloud.vault(vaultHost)
    await at.settle(at.request())
    const { name } = at.target.secrets[0]
    const { tags, exp } = vault.versions(name)[0]!
    const contentType = 'text/plain'
    vault.set(name, vault.read(name)!, { tags: { ...tags, owner: 'payments' }, contentType, expires: exp! * 1000 })
    at.cloud.clock.advance(days(3))

    await at.settle(at.request({ createdAfter: at.cloud.clock.now() }))

    const current = vault.versions(name)[0]!
    assert.equal(JSON.parse(current.tags!['rekey']!).reason, 'requested')
    assert.deepEqual([current.tags!['owner'], current.contentType], ['payments', contentType])
  })
}
