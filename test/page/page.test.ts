// The page for operators, in a real Chromium, against the app in the local host with the simulated Azure.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from '../../scripts/chromium.ts'
import { type PageApp, startPageApp } from './page-app.ts'
import { testSignIn } from './page-sign-in.ts'
import { openPage, type WatchedPage, withoutChromium } from './watched-page.ts'

let app: PageApp
let browser: Browser

before(async () => {
  if (withoutChromium) return
  ;[app, browser] = await Promise.all([startPageApp(), launchChromium()])
  await app.tick()
})

after(async () => {
  await browser?.close()
  await app?.close()
})

/** The page, opened with the host key. */
async function opened(view = ''): Promise<WatchedPage> {
  const watched = await openPage(browser, app.host.url)
  await watched.page.goto(`${app.host.url}/api/page${view}`)
  await watched.page.getByLabel(/host key of this function app/).fill(app.host.keys.host)
  await watched.page.getByRole('button', { name: 'Open' }).click()
  return watched
}

test('the page is served without a key, with a policy that lets only its own script and style run', {
  skip: withoutChromium,
}, async () => {
  const response = await fetch(`${app.host.url}/api/page`)

  const policy = response.headers.get('content-security-policy') ?? ''
  assert.equal(response.status, 200)
  assert.deepEqual(
    policy.split('; ').map((directive) => directive.replace(/'sha256-[^']+'/, 'hash')),
    [
      "default-src 'none'",
      'script-src hash',
      'style-src hash',
      'img-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ],
  )
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(response.headers.get('x-frame-options'), 'DENY')
  assert.ok((await response.text()).length < 80_000)
})

test('a key opens the list of targets', { skip: withoutChromium }, async () => {
  const { page, check, close } = await opened('#/targets')

  await page.getByRole('link', { name: 'vision' }).waitFor()
  assert.equal(await page.getByRole('row').count(), 7)

  check()
  await close()
})

testSignIn(() => ({ app, browser }))
