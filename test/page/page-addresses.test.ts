// Which addresses the page calls: of what an answer names, only the path counts.

import assert from 'node:assert/strict'
import { test } from 'node:test'

test('The page calls its own host alone, whatever address an answer names', async () => {
  const origin = 'https://rekey.example'
  const location = { href: `${origin}/api/page` }
  Object.assign(globalThis, { location, document: { documentElement: { dataset: { signIn: 'key' } } } })
  // Its types are those of a browser, which the tests do not have.
  const client = new URL('../../src/page/api-client.ts', import.meta.url)
  const { pathIn } = (await import(client.href)) as { pathIn(address: string): string }

  for (const address of [
    `${origin}/api/targets?skipToken=x`,
    'https://other.example/api/targets',
    '//other.example/api',
    `${origin}//other.example/api`,
    `${origin}/\\\\other.example/api`,
  ]) {
    assert.equal(new URL(pathIn(address), location.href).origin, origin, address)
  }
})
