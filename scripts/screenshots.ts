// `npm run screenshots`: pictures of the page for the docs, in docs/images, from the app in the simulated Azure as `npm start` leaves it.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { type Estate, startEstate } from '../simulator/local/estate.ts'
import { firstRound, watchHost } from '../simulator/local/first-round.ts'
import { type HostChild, spawnHost } from '../simulator/local/host-child.ts'
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
  { name: 'target', view: 'targets/speech', until: '.commands', height: 1180 },
  { name: 'revoke', view: 'targets/vision', until: '.commands', press: 'Revoke…', height: 700, only: 'light' },
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

/** Periods and a window of their own, so that the coming weeks differ. */
function spread({ settings, fleet: { expected } }: Estate): void {
  const file = settings['ROTATION_TARGETS']!
  const fleet = JSON.parse(readFileSync(file, 'utf8')) as { targets: { name: string }[] }
  const periods = ['P60D', 'P15D', 'P30D', 'P20D', 'P45D']
  const window = { days: ['Sat', 'Sun'], start: '02:00', length: 'PT4H', timeZone: 'Europe/Berlin' }
  const targets = fleet.targets.map((target, index) => ({
    ...target,
    rotateEvery: periods[index % periods.length],
    // What is due at first must not wait.
    ...(expected[target.name] === 'current' && { window }),
  }))
  writeFileSync(file, JSON.stringify({ ...fleet, targets }))
}

/** A right that is missing, and a roll-back. */
async function leaveTrouble({ cloud }: Estate, { url, keys }: HostChild): Promise<void> {
  const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-contoso'
  const account = `${group}/providers/Microsoft.CognitiveServices/accounts/contoso-documents`
  cloud.identity.deny('Microsoft.CognitiveServices/accounts/regenerateKey/action', account)
  const headers = { 'x-functions-key': keys.master, 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  await post('/api/targets/documents/rotate', { force: true })
  await post('/api/targets/speech/promote', {
    from: await versionOf('speech'),
    note: 'roll back: consumers were too slow',
  })
  async function versionOf(name: string): Promise<string> {
    const response = await fetch(`${url}/api/targets/${name}`, { headers })
    return ((await response.json()) as { version: string }).version
  }
}

async function main(): Promise<void> {
  if (isStale()) await buildApp()
  mkdirSync(folder, { recursive: true })
  const estate = await startEstate()
  spread(estate)
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
    await leaveTrouble(estate, host)
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
