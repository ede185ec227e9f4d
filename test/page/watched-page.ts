// Pages in a real Chromium, watched: an error, a broken policy or a call to another host fails the test.

import assert from 'node:assert/strict'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { findChromium } from '../../scripts/chromium.ts'

/** Why tests of the page are skipped; undefined: they are not. */
export const withoutChromium =
  findChromium() === undefined ? 'no Chromium here: install one, or name it in CHROMIUM_PATH' : undefined

export interface WatchedPage {
  readonly page: Page
  /** Fails where the page has said an error, broke its policy, or has asked another host for anything. Call it at the end. */
  check(): void
  close(): Promise<void>
}

/** A page in a context of its own, which is watched from the start. `allowed`: console errors that are no failure. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
  allowed: readonly RegExp[] = [],
): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    if (['error', 'warning'].includes(message.type()) && !allowed.some((each) => each.test(text))) wrong.push(text)
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:'))
      wrong.push(`asked ${url}`)
  })
  return { page, check: () => assert.deepEqual(wrong, []), close: () => context.close() }
}
