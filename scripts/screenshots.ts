// `npm run screenshots`: pictures of the page for the docs, in docs/images, from the app in the simulated Azure as `npm start` leaves it.

import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { startEstate } from '../simulator/local/estate.ts'
import { firstRound, watchHost } from '../simulator/local/first-round.ts'
import { spawnHost } from '../simulator/local/host-child.ts'
import { buildApp, isStale } from './build.ts'
import { launchChromium } from './chromium.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'docs/images')
/** A picture in a document should load at once. */
const mostBytes = 150_000

interface Picture {
  readonly name: string
  readonly view: string
  /** What must be there before it is taken. */
  readonly until: string
  readonly width?: number
  readonly height?: number
  readonly press?: string
  /** Only in one color scheme. */
  readonly only?: 'light' | 'dark'
}

const pictures: readonly Picture[] = [
  { name: 'overview', view: '', until: '.timeline' },
  { name: 'targets', view: 'targets', until: 'tbody a', height: 640, only: 'light' },
  { name: 'target', view: 'targets/translator', until: '.commands', height: 1180 },
  { name: 'revoke', view: 'targets/speech', until: '.commands', press: 'Revoke…', height: 700, only: 'light' },
  { name: 'candidates', view: 'candidates', until: '.cards', height: 700, only: 'light' },
  { name: 'health', view: 'health', until: '.headline', height: 700, only: 'dark' },
  { name: 'phone', view: 'targets/translator', until: '.commands', width: 360, height: 900, only: 'dark' },
]

async function take(page: Page, scheme: 'light' | 'dark', picture: Picture): Promise<void> {
  const { name, view, until, width = 1120, height = 800, press } = picture
  await page.setViewportSize({ width, height })
  await page.evaluate(`location.hash = '#/${view}'`)
  await page.locator(until).first().waitFor()
  // What is read after that, such as the history.
  await page.waitForLoadState('networkidle')
  if (press !== undefined) await page.getByRole('button', { name: press, exact: true }).click()
  const path = join(folder, `page-${name}-${scheme}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  if (press !== undefined) await page.keyboard.press('Escape')
  const { size } = statSync(path)
  process.stdout.write(`docs/images/page-${name}-${scheme}.png: ${Math.round(size / 1000)} kB\n`)
  if (size > mostBytes) throw new Error(`${path} has more than ${mostBytes / 1000} kB`)
}

async function takeAll(browser: Browser, url: string, key: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ colorScheme, locale: 'en-GB', timezoneId: 'Europe/Berlin' })
    const page = await context.newPage()
    await page.goto(`${url}/api/page`)
    await page.getByLabel(/key of this function app/).fill(key)
    await page.keyboard.press('Enter')
    for (const picture of pictures) {
      if (picture.only === undefined || picture.only === colorScheme) await take(page, colorScheme, picture)
    }
    await context.close()
  }
}

async function main(): Promise<void> {
  if (isStale()) await buildApp()
  mkdirSync(folder, { recursive: true })
  const estate = await startEstate()
  const watch = watchHost()
  const { settings, preload } = estate
  const missed = { Last: '2026-01-01T00:00:00Z', Next: '2026-01-01T00:15:00Z', LastUpdated: '2026-01-01T00:00:00Z' }
  const host = await spawnHost({
    directory: root,
    port: 0,
    settings,
    preload,
    timers: { schedule: missed },
    onLine: watch.line,
  })
  const browser = await launchChromium()
  try {
    await firstRound(estate, host, watch, () => undefined)
    await takeAll(browser, host.url, host.keys.host)
  } finally {
    await browser.close()
    await host.stop()
    await estate.close()
  }
}

await main()
// Azurite's own timer keeps the event loop alive.
process.exit(0)
