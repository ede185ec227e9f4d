// The page for operators, in a real Chromium, against the app in the local host with the simulated Azure.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../../scripts/chromium.ts'
import { checkAccessible } from './axe-check.ts'
import { type PageApp, startPageApp } from './page-app.ts'
import { testSignIn } from './page-sign-in.ts'
import { openPage, type WatchedPage, withoutChromium } from './watched-page.ts'

let app: PageApp
let browser: Browser
const skip = withoutChromium

before(async () => {
  if (skip) return
  ;[app, browser] = await Promise.all([startPageApp(), launchChromium()])
  await app.firstRound()
})

after(async () => {
  await browser?.close()
  await app?.close()
})

/** The page, opened with the host key. */
async function opened(view = '', options = {}): Promise<WatchedPage> {
  const watched = await openPage(browser, app.host.url, options)
  await watched.page.goto(`${app.host.url}/api/page${view}`)
  await watched.page.getByLabel(/host key of this function app/).fill(app.host.keys.host)
  await watched.page.keyboard.press('Enter')
  return watched
}

/** Ends a test: nothing may have gone wrong in the page. */
async function done({ check, close }: WatchedPage): Promise<void> {
  check()
  await close()
}

/** The row of a command, with what it does and why it cannot be given now. */
function command(page: Page, label: string) {
  return page.locator('.commands > li').filter({ has: page.getByRole('button', { name: `${label}…`, exact: true }) })
}

test('the page is served without a key, with a policy that lets only its own script and style run', {
  skip,
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

test('a wrong key is refused, the right one opens the page, and no key is stored or part of an address', {
  skip,
}, async () => {
  // The browser itself writes a line for each answer that is an error.
  const watched = await openPage(browser, app.host.url, {}, [/status of 401/])
  const { page } = watched
  await page.goto(`${app.host.url}/api/page`)
  const key = page.getByLabel(/host key of this function app/)

  await key.fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('The app refused this key.').first().waitFor()
  await key.fill(app.host.keys.host)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /need attention|Nothing is failing/ }).waitFor()

  const stored = await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie, location.href]')
  assert.deepEqual(stored, [0, 0, '', `${app.host.url}/api/page`])
  await page.getByRole('button', { name: 'Forget key' }).click()
  await key.waitFor()
  await done(watched)
})

test('the list of targets is searched, filtered and ordered, and the address keeps that', { skip }, async () => {
  const watched = await opened('#/targets')
  const { page } = watched
  const names = () => page.locator('tbody th').allTextContents()
  await page.getByRole('link', { name: 'translator' }).waitFor()

  await page.keyboard.press('/')
  await page.keyboard.type('cosmos report')
  await page.locator('.count', { hasText: /^1 of \d targets/ }).waitFor()
  assert.deepEqual(await names(), ['orders-reports'])
  await page.waitForURL(/search=cosmos\+report$/)
  await page.getByLabel('Search targets').fill('')
  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'paused' }).click()
  assert.deepEqual(await names(), ['archive'])
  await page.getByRole('button', { name: 'all' }).click()
  await page.getByRole('columnheader', { name: 'Target' }).getByRole('button').click()
  assert.deepEqual(await names(), (await names()).toSorted())
  assert.equal(await page.getByRole('columnheader', { name: 'Target' }).getAttribute('aria-sort'), 'ascending')

  await page.locator('tbody a').first().focus()
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'translator' }).waitFor()
  await done(watched)
})

test('a key is rotated with the keyboard alone, and then the reason why it cannot be again is there before the button is pressed', {
  skip,
}, async () => {
  const watched = await opened('#/targets/translator')
  const { page } = watched
  const note = '<img src=x onerror=alert(1)>'
  await command(page, 'Rotate').waitFor()
  assert.match((await command(page, 'Rotate').textContent()) ?? '', /Makes a new key in Key1/)

  await tabTo(page, 'Rotate…')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Rotate translator?' }).waitFor()
  await page.keyboard.type(note)
  await page.keyboard.press('Enter')
  await page.locator('.success').waitFor()

  await page.getByText('Not now:').first().waitFor()
  assert.equal(await page.getByRole('button', { name: 'Rotate…', exact: true }).isDisabled(), true)
  // The button that was pressed is off: the focus is where the keyboard goes on from.
  await page.waitForFunction("document.activeElement.className === 'progress'")
  assert.match((await command(page, 'Rotate').textContent()) ?? '', /Not now: consumers may still hold the key/)
  assert.equal(await page.locator('.slots .active b').textContent(), 'Key1')
  // What an operator or a service wrote is text.
  await page.getByRole('cell', { name: note }).first().waitFor()
  assert.match((await page.getByRole('status').first().textContent()) ?? '', /Rotate translator: done/)
  await done(watched)
})

/** Presses Tab until the button has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let index = 0; index < 40; index++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate('document.activeElement.textContent')) === name) return
  }
  assert.fail(`Tab does not reach ${name}`)
}

test('a key is promoted back, and a target is repaired', { skip }, async () => {
  const watched = await opened('#/targets/orders-reports')
  const { page } = watched
  const before = await page.locator('.slots .active b').textContent()

  await page.getByRole('button', { name: 'Promote…' }).click()
  await page.getByRole('button', { name: 'Promote orders-reports' }).click()
  await page.locator('.success').waitFor()
  assert.match((await page.locator('.success').textContent()) ?? '', /Promote done/)
  await page.locator(`.slots li:not(.active) b:text-is("${before}")`).waitFor()
  await page.getByRole('button', { name: 'Repair…' }).click()
  await page.getByRole('button', { name: 'Repair orders-reports' }).click()

  await page.locator('.success').getByText('nothing had to be changed').waitFor()
  await done(watched)
})

test('Refresh reads again the target that is shown, and a form that is half filled in stays', { skip }, async () => {
  const watched = await opened('#/targets/translator')
  const { page } = watched
  await command(page, 'Rotate').waitFor()

  const again = page.waitForRequest((request) => request.url().endsWith('/api/targets/translator'), { timeout: 5_000 })
  await page.getByRole('button', { name: 'Refresh' }).click()
  await again
  await page.goto(`${app.host.url}/api/page#/revoke`)
  await page.locator('select').first().selectOption({ label: 'a list of targets' })
  await page.locator('textarea').fill('vision')
  await page.getByRole('button', { name: 'Refresh' }).click()

  assert.equal(await page.locator('textarea').inputValue(), 'vision')
  await done(watched)
})

test('Swap is there only where the service can exchange its slots', { skip }, async () => {
  const watched = await opened('#/targets/thermostat-7')
  const { page } = watched
  const before = await page.locator('.slots .active b').textContent()

  await page.getByRole('button', { name: 'Swap…' }).click()
  await page.getByRole('button', { name: 'Swap thermostat-7' }).click()
  await page.locator('.success').waitFor()
  await page.locator(`.slots li:not(.active) b:text-is("${before}")`).waitFor()

  await page.goto(`${app.host.url}/api/page#/targets/speech`)
  await command(page, 'Rotate').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Swap…' }).count(), 0)
  await done(watched)
})

test('a revoke asks for the name of the target and for the reason, and Esc leaves everything as it is', {
  skip,
}, async () => {
  const watched = await opened('#/targets/vision')
  const { page } = watched
  const posts: string[] = []
  page.on('request', (request) => void (request.method() === 'POST' && posts.push(request.url())))

  const press = page.getByRole('button', { name: 'Revoke…' })
  await press.click()
  const agree = page.getByRole('button', { name: 'Revoke vision' })
  assert.equal(await agree.isDisabled(), true)
  await page.getByLabel('Type vision to confirm').fill('vision')
  assert.equal(await agree.isDisabled(), true)
  await page.keyboard.press('Escape')
  assert.equal(await page.getByRole('dialog').count(), 0)
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Revoke…')
  assert.deepEqual(posts, [])

  await press.click()
  await page.getByLabel('Type vision to confirm').fill('vision')
  await page.getByLabel('Why').fill('seen in a log')
  await agree.click()
  await page.locator('.success, .running').filter({ hasText: 'Revoke' }).waitFor()
  assert.equal(posts.length, 1)
  await done(watched)
})

test('a command that the queue carries out is followed to its end', { skip }, async () => {
  const watched = await opened('#/targets/hub-service')
  const { page } = watched

  await page.getByRole('button', { name: 'Rotate…' }).click()
  await page.getByRole('button', { name: 'Rotate hub-service' }).click()

  await page.getByText('accepted; the queue carries it out').first().waitFor()
  await page.locator('.success').waitFor()
  await done(watched)
})

test('many keys are revoked only after their number was seen and typed, and the operation is followed', {
  skip,
}, async () => {
  const watched = await opened('#/operations')
  const { page } = watched
  await page.getByRole('link', { name: 'Revoke many keys…' }).click()
  await page.getByLabel('Every key of').selectOption('provider')
  await page.getByLabel('Which').selectOption('service-bus')

  await page.getByRole('button', { name: 'Count' }).click()
  await page.getByRole('heading', { name: '1 target would be revoked' }).waitFor()
  await page.getByRole('button', { name: 'Revoke 1 target…' }).click()
  await page.getByLabel('Type 1 to confirm').fill('1')
  await page.getByLabel('Why').fill('the vault leaked')
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()

  await page.getByRole('heading', { name: /of 1 target/ }).waitFor()
  await page.getByRole('progressbar').waitFor()
  await page.getByRole('link', { name: '← Operations' }).click()
  await page.getByRole('heading', { name: 'Revocation of a list' }).waitFor()
  await done(watched)
})

test('a target that another client changes is shown anew by itself', { skip }, async () => {
  const watched = await openPage(browser, app.host.url)
  const { page } = watched
  const vault = app.estate.cloud.vault(app.estate.fleet.vaultHost)
  await page.clock.install()
  await page.goto(`${app.host.url}/api/page#/targets/translator`)
  await page.getByLabel(/host key of this function app/).fill(app.host.keys.host)
  await page.keyboard.press('Enter')
  await page.locator('.headline', { hasText: 'current' }).waitFor()

  vault.disable('translator-key')
  await page.clock.fastForward(10_000)
  await page.locator('.headline', { hasText: 'paused' }).waitFor()

  vault.enable('translator-key')
  await page.clock.fastForward(10_000)
  await page.locator('.headline', { hasText: 'current' }).waitFor()
  await done(watched)
})

test('the history of one target, and that of all, is saved as CSV', { skip }, async () => {
  for (const [view, name, secrets] of [
    ['#/targets/translator', 'rekey-history-translator.csv', /,translator-key,/],
    ['#/operations', 'rekey-history.csv', /,translator-key,[\s\S]*,orders-/],
  ] as const) {
    const watched = await opened(view)
    const saved = watched.page.waitForEvent('download')
    await watched.page.getByRole('button', { name: 'Save as CSV' }).click()
    const file = await saved

    assert.equal(file.suggestedFilename(), name)
    const text = await readFile(await file.path(), 'utf8')
    assert.match(text, /^target,vault,secret,/)
    assert.match(text, secrets)
    assert.equal(text.match(/target,vault,secret,/g)?.length, 1)
    await done(watched)
  }
})

test('what is not managed yet has the lines that would add it, to be copied', { skip }, async () => {
  const watched = await opened('#/candidates')
  const { page } = watched
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])

  await page.getByText('Add it').first().click()
  await page
    .getByRole('button', { name: /^Copy the grant/ })
    .first()
    .click()

  await page.getByText('Copied', { exact: true }).waitFor()
  assert.match((await page.evaluate('navigator.clipboard.readText()')) as string, /^[a-z-]+=\/subscriptions\//)
  await done(watched)
})

test('a missing right shows in the overview and in health, with the line that grants it', { skip }, async () => {
  const action = 'Microsoft.CognitiveServices/accounts/regenerateKey/action'
  app.estate.cloud.identity.deny(action)
  const watched = await opened('#/targets/speech')
  const { page } = watched
  await page.getByRole('button', { name: 'Rotate by force' }).click()
  await page.getByRole('button', { name: 'Force: rotate speech' }).click()
  await page.locator('.problem').getByText('PermissionDenied').first().waitFor()

  await page.getByRole('link', { name: 'Health' }).click()
  await page.getByRole('heading', { name: 'Failed', exact: true }).waitFor()
  assert.match((await page.locator('.code pre').first().textContent()) ?? '', /^az role assignment create/)
  await app.tick()
  await page.getByRole('button', { name: 'Refresh' }).click()
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: '1 target needs attention' }).waitFor()
  await page.locator('.rows').first().getByRole('link', { name: 'speech' }).waitFor()
  app.estate.cloud.identity.grant(action)
  await done({ ...watched, check: () => undefined })
})

testSignIn(() => ({ app, browser }))

/** Every view, and what is there once it is whole. */
const views = [
  ['', '.timeline'],
  ['targets', 'tbody a'],
  ['targets/translator', '.panel table'],
  ['candidates', '.cards li'],
  ['operations', 'h1'],
  ['revoke', 'form'],
  ['health', '.headline'],
  ['providers', 'tbody tr'],
] as const

for (const [name, options, rules] of [
  ['in light', { colorScheme: 'light' }, undefined],
  ['in dark', { colorScheme: 'dark' }, ['color-contrast']],
  ['at 360 pixels', { colorScheme: 'light', viewport: { width: 360, height: 740 } }, undefined],
] as const) {
  test(`axe finds nothing in any view ${name}, and none is wider than the window`, { skip }, async () => {
    const watched = await openPage(browser, app.host.url, options)
    const { page } = watched
    await page.goto(`${app.host.url}/api/page`)
    await checkAccessible(page, 'the form for the key', rules)
    await page.getByLabel(/host key of this function app/).fill(app.host.keys.host)
    await page.keyboard.press('Enter')

    for (const [view, whole] of views) {
      await page.evaluate(`location.hash = '#/${view}'`)
      await page.locator(whole).first().waitFor()
      await checkAccessible(page, view, rules)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false, view)
    }
    await page.evaluate("location.hash = '#/targets/translator'")
    await page.getByRole('button', { name: 'Revoke…' }).click()
    await checkAccessible(page, 'the dialog', rules)
    await done(watched)
  })
}
