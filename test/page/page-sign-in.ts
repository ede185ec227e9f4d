// The page behind the simulated sign-in of App Service: who gets in, and what they may do. Part of page.test.ts, which starts the app.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { PageApp } from './page-app.ts'
import { openPage, type WatchedPage, withoutChromium } from './watched-page.ts'

/** Signs in as one of the simulated users, and waits for the page. */
async function signedIn(app: PageApp, browser: Browser, user: string, view = ''): Promise<WatchedPage> {
  // The browser itself writes a line for each answer that is an error, the 401 of the first call among them.
  const watched = await openPage(browser, app.behindSignIn.url, {}, [/status of 40[13]/])
  await watched.page.goto(`${app.behindSignIn.url}/api/page${view}`)
  await watched.page.getByRole('link', { name: 'Sign in' }).click()
  await watched.page.getByRole('button', { name: user }).click()
  return watched
}

/** The tests of the sign-in. `started` gives what the file has started by then. */
export function testSignIn(started: () => { readonly app: PageApp; readonly browser: Browser }): void {
  const skip = withoutChromium

  test('with the sign-in on, every route but the page is 401 for a caller who has not signed in, key or not', {
    skip,
  }, async () => {
    const { behindSignIn } = started().app
    const forged = Buffer.from(JSON.stringify({ claims: [{ typ: 'roles', val: 'Rekey.Read' }] })).toString('base64')
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(`${behindSignIn.url}${path}`, { headers })).status

    assert.equal(await status('/api/page'), 200)
    assert.equal(await status('/api/targets'), 401)
    assert.equal(await status('/api/targets', { 'x-functions-key': behindSignIn.keys.master }), 401)
    assert.equal(await status('/api/targets', { 'x-ms-client-principal': forged }), 401)
  })

  test('a token of a user with a role is enough for a program, and the header that names the caller is not taken from it', {
    skip,
  }, async () => {
    const { behindSignIn } = started().app
    const [all = '', reader = ''] = Object.values(behindSignIn.tokens)
    const principal = Buffer.from(JSON.stringify({ claims: [{ typ: 'roles', val: 'Rekey.Rotate' }] })).toString(
      'base64',
    )
    const repair = (token: string) =>
      fetch(`${behindSignIn.url}/api/targets/nothing/repair`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-ms-client-principal': principal,
        },
        body: '{}',
      })

    assert.equal((await repair(all)).status, 404)
    assert.equal((await repair(reader)).status, 403)
  })

  test('a reader of the page signs in, comes back to the view that was asked for, and signs out', {
    skip,
  }, async () => {
    const { app, browser } = started()
    const { page, check, close } = await signedIn(app, browser, 'anna@contoso.com', '#/providers')

    await page.getByRole('heading', { name: 'Services' }).waitFor()
    assert.deepEqual(await page.evaluate('[localStorage.length, sessionStorage.length]'), [0, 0])
    await page.getByRole('link', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()

    check()
    await close()
  })

  test('whoever may only read is shown why a command is refused, and which role is missing, before it is pressed', {
    skip,
  }, async () => {
    const { app, browser } = started()
    const { page, check, close } = await signedIn(app, browser, 'rita@contoso.com', '#/targets/translator')

    await page.locator('.commands > li').first().waitFor()
    const buttons = page.locator('.commands button')
    const rows = await page.locator('.commands > li').allTextContents()

    assert.ok(rows.length >= 4)
    assert.ok(
      await buttons.evaluateAll((all) => all.every((each) => (each as unknown as { disabled: boolean }).disabled)),
    )
    assert.ok(
      rows.every((row) => /Not now: the caller lacks the app role Rekey\.(Rotate|Revoke)/.test(row)),
      rows.join('\n'),
    )
    check()
    await close()
  })

  test('whoever signs in without a role of this app is shown which one is missing', { skip }, async () => {
    const { app, browser } = started()
    const { page, check, close } = await signedIn(app, browser, 'otto@contoso.com')

    const said = await page.getByRole('alert').textContent()

    assert.match(said ?? '', /Rekey\.Read/)
    check()
    await close()
  })

  test('a browser that sends a command from another place than the page is refused', { skip }, async () => {
    const { app, browser } = started()
    const { page, close } = await signedIn(app, browser, 'anna@contoso.com')
    await page.getByRole('link', { name: 'Overview' }).waitFor()
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const { url } = app.behindSignIn
    const send = (headers: Record<string, string>) =>
      fetch(`${url}/api/targets/nothing/repair`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', 'user-agent': 'Mozilla/5.0', ...headers },
        body: '{}',
      })

    assert.equal((await send({ origin: url, referer: `${url}/api/page` })).status, 404)
    assert.equal((await send({ origin: url, referer: `${url}/api/page`, 'sec-fetch-site': 'cross-site' })).status, 403)
    assert.equal((await send({ origin: 'https://other.example' })).status, 403)
    assert.equal((await send({})).status, 403)
    await close()
  })
}
