// Finds a Chromium for the tests of the page, and opens pages in it that nothing may go wrong in.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const places = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/microsoft-edge',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
]

/** The path of a Chromium; undefined where there is none. Throws where `CHROMIUM_REQUIRED` is set, as on the build server. */
function findChromium(): string | undefined {
  const found = places.find((place) => place !== undefined && existsSync(place))
  if (found === undefined && process.env['CHROMIUM_REQUIRED']) {
    throw new Error(
      `There is no Chromium for the tests of the page. CHROMIUM_PATH may name one; looked for ${places.slice(1).join(', ')}.`,
    )
  }
  return found
}

/** Why tests of the page are skipped; undefined: they are not. */
export const withoutChromium =
  findChromium() === undefined ? 'no Chromium here: install one, or name it in CHROMIUM_PATH' : undefined

/** Starts the browser. Nothing of it leaves the machine, and no profile is kept. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium()!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
}

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
  page.setDefaultTimeout(15_000)
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
