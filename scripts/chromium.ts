// Finds a Chromium on this machine, for the tests, the pictures and the measurements of the page, and starts it.

import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where the package of a system puts it; Chrome and Edge are as good. */
const places = [
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

/**
 * The path of a Chromium: `CHROMIUM_PATH`, or where one is usually installed; undefined where there is none. Throws where
 * `CHROMIUM_REQUIRED` is set, as on the build server.
 */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const found = [env['CHROMIUM_PATH'], ...places].find((place) => place !== undefined && existsSync(place))
  if (found === undefined && env['CHROMIUM_REQUIRED']) {
    throw new Error(
      `There is no Chromium, and CHROMIUM_REQUIRED is set. Looked for CHROMIUM_PATH, ${places.join(', ')}.`,
    )
  }
  return found
}

/** Starts it without a profile; nothing of it calls home. Throws where there is none. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('There is no Chromium here. CHROMIUM_PATH may name one.')
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync']
  return chromium.launch({ executablePath, args })
}
