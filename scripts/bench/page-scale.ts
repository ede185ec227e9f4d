// `npm run bench:page`: how long the page takes with many targets, in a real Chromium: until the first rows can be used, until
// all are read, and from a letter typed into the search to the next frame. The API is a stand-in that answers at once, 1,000 targets a page.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { buildPage } from '../build-page.ts'
import { launchChromium } from '../chromium.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const day = 86_400_000
const pageSize = 1000
const typed = 'storage-account contoso-77'

interface Times {
  /** Milliseconds from the key being sent to rows that can be opened and searched. */
  readonly usable: number
  /** To the last page. */
  readonly complete: number
  /** From a letter to the next frame: the median, and the longest. */
  readonly median: number
  readonly longest: number
  /** The same for one page of scrolling. */
  readonly scroll: number
  /** Rows in the document at the end. */
  readonly rows: number
}

/** Targets as GET /api/targets answers them. */
function estate(count: number): readonly object[] {
  const providers = ['cognitive-services', 'storage-account', 'cosmos-db', 'service-bus', 'iot-hub-device']
  const statuses = ['current', 'current', 'current', 'current', 'due', 'current', 'closed', 'failed']
  const at = (days: number) => new Date(Date.now() + days * day).toISOString()
  return Array.from({ length: count }, (_, index) => ({
    name: `target-${String(index).padStart(6, '0')}`,
    provider: providers[index % providers.length],
    resource: `/subscriptions/11111111-2222-4333-8444-${String(index % 10).padStart(12, '0')}/resourceGroups/rg/providers/Microsoft.X/y/contoso-${index}`,
    vault: `https://kv-${index % 20}.vault.azure.net`,
    status: statuses[index % statuses.length],
    reason: 'due',
    actor: 'schedule',
    slot: `key${(index % 2) + 1}`,
    rotatedAt: at(-(index % 60)),
    dueAt: at((index * 7) % 60),
    nextRotationAt: at((index * 7) % 60),
    expiresAt: at(30 + ((index * 7) % 60)),
    lastComparedAt: at(-0.5),
    secrets: [{ name: `target-${index}-key`, output: 'key' }],
  }))
}

async function serve(count: number): Promise<Server> {
  const { html, policy } = await buildPage(root)
  const targets = estate(count)
  const answers: string[] = []
  for (let from = 0; from < count; from += pageSize) {
    const nextLink = from + pageSize < count ? { nextLink: `/api/targets?skipToken=${from + pageSize}` } : {}
    answers.push(
      JSON.stringify({ value: targets.slice(from, from + pageSize), asOf: new Date().toISOString(), ...nextLink }),
    )
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (url.pathname === '/api/page') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
      response.end(html)
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    const page = Number(url.searchParams.get('skipToken') ?? 0) / pageSize
    response.end(url.pathname === '/api/targets' ? answers[page] : '{"value":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function measure(browser: Browser, count: number): Promise<Times> {
  const server = await serve(count)
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/page#/targets`)
    await page.getByLabel(/key of this function app/).fill('any')
    const loaded = (await page.evaluate(load)) as { usable: number; complete: number }
    const letters = await latencies(page)
    const scroll = (await page.evaluate(scrolled)) as number
    const rows = await page.locator('tbody tr').count()
    return { ...loaded, median: letters[Math.floor(letters.length / 2)]!, longest: letters.at(-1)!, scroll, rows }
  } finally {
    await page.close()
    server.close()
  }
}

// What runs in the browser is text: the types of its globals are not those of this script.
const load = `(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  const start = performance.now()
  document.querySelector('form button').click()
  while (!document.querySelector('tbody a')) await frame()
  const usable = performance.now() - start
  while (document.querySelector('.count').textContent.includes('reading')) await frame()
  return { usable, complete: performance.now() - start }
})()`

const letter = (text: string) => `(async () => {
  const search = document.getElementById('search')
  const start = performance.now()
  search.value = ${JSON.stringify(text)}
  search.dispatchEvent(new Event('input', { bubbles: true }))
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  return performance.now() - start
})()`

const scrolled = `(async () => {
  const search = document.getElementById('search')
  search.value = ''
  search.dispatchEvent(new Event('input', { bubbles: true }))
  const times = []
  for (let index = 0; index < 20; index++) {
    const start = performance.now()
    scrollBy(0, 800)
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[10]
})()`

/** Milliseconds for each letter of a search, in order of length. */
async function latencies(page: Page): Promise<readonly number[]> {
  const times: number[] = []
  for (let length = 1; length <= typed.length; length++) {
    times.push((await page.evaluate(letter(typed.slice(0, length)))) as number)
  }
  return times.sort((a, b) => a - b)
}

if (import.meta.main) {
  const browser = await launchChromium()
  process.stdout.write(
    'Milliseconds. The letter of a search and one page of scrolling: to the next frame, which is up to 17 ms away by itself.\n',
  )
  process.stdout.write('targets   rows usable   all read   letter, median   longest   scroll   rows in the document\n')
  for (const count of [100, 10_000, 100_000]) {
    const { usable, complete, median, longest, scroll, rows } = await measure(browser, count)
    const cells = [
      count.toLocaleString('en'),
      ...[usable, complete, median, longest, scroll, rows].map((each) => each.toFixed(0)),
    ]
    const widths = [7, 13, 11, 17, 10, 9, 23]
    process.stdout.write(`${cells.map((cell, index) => cell.padStart(widths[index]!)).join('')}\n`)
  }
  await browser.close()
}
