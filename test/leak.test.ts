// No key, in any encoding, nor a hash of one, in anything that comes out of the app: in successful rounds of every provider and
// under every fault. test/leak/deployed.test.ts does the same with the deployed app.

import { after, describe, test } from 'node:test'
import { ownThread } from './own-thread.ts'
import { providers } from './providers/all-providers.ts'

const rounds = ownThread<typeof import('./leak/leak-rounds.ts')>(new URL('./leak/leak-rounds.ts', import.meta.url))

after(() => rounds.run('closeStorage'))

for (const { id } of providers) {
  describe(`${id} reveals no key`, () => {
    test(`${id} reveals no key in successful rounds, through every function`, async () => {
      await rounds.run('successfulRounds', id)
    })

    test(`${id} reveals no key, whatever its service and the vault answer`, async () => {
      await rounds.run('everyFault', id)
    })
  })
}
