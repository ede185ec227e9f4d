// `npm start`: everything on one machine. Starts the simulated Azure, Azurite and the built function app, lets the
// schedule fire once over a sample fleet, prints what happened, and keeps running.
// `--once` exits after that; `--json` prints one JSON document on stdout instead of a table.

import { createWriteStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildApp, isStale } from '../../scripts/build.ts'
import { type Estate, startEstate } from './estate.ts'
import { deliverEvents, eventWebhook } from './event-delivery.ts'
import { eventsOf, firstRound, type ShownResult, watchHost } from './first-round.ts'
import { flags } from './flags.ts'
import { type HostChild, spawnHost } from './host-child.ts'
import { progressOn, summary, table, whatNow } from './print-demo.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** The port that Core Tools use, too. */
const wantedPort = 7071
const hour = 3_600_000

const usage = `npm start [-- --once] [-- --json] [-- --sign-in]

The function app in a simulated Azure: rotates a sample fleet, reports what happened, and serves on port ${wantedPort} until Ctrl-C.
  --once   end after the first round; exit code 1 if something went otherwise than it should
  --json   one JSON document on stdout instead of the table
  --sign-in  with a simulated Entra sign-in in front, instead of function keys
  --operation-time <seconds>   how long a long-running operation takes; 3 if not given, 30 or more in Azure
`

interface Options {
  readonly once?: boolean
  readonly json?: boolean
  readonly 'sign-in'?: boolean
  readonly 'operation-time'?: string
}

async function main(options: Options): Promise<void> {
  const stopped = interrupted()
  const progress = progressOn(process.stderr)
  progress.say('Starting the simulated Azure, Azurite and the function app…')
  const started = await Promise.race([
    stopped,
    Promise.all([startEstate({ operationTime: operationTimeOf(options) }), isStale() ? buildApp() : undefined]),
  ])
  // Ctrl-C has also stopped the build's process: nothing here can continue.
  if (started === 'interrupted') process.exit(130)
  const [estate] = started
  const log = createWriteStream(join(estate.folder, 'host.log'))
  const watch = watchHost()
  const served = startApp(estate, options, (line) => {
    log.write(`${line}\n`)
    watch.line(line)
  })
  const host = await Promise.race([stopped, served]).catch((error: unknown) => endedByInterrupt(stopped, error))
  if (host === 'interrupted') process.exit(130)
  if (host.port !== wantedPort) progress.say(`Port ${wantedPort} is in use: serving on ${host.port}.`)

  const round = firstRound(estate, host, watch, (done, of) => {
    progress.say(`The schedule has fired: ${done} of the ${of} keys that need something are done…`)
  })
  const results = await Promise.race([stopped, round]).catch((error: unknown) => endedByInterrupt(stopped, error))
  progress.end()
  const wrong = results === 'interrupted' ? [] : report(results, estate, options)
  if (results !== 'interrupted' && !options.once) await stayUp(host, estate, options, stopped)
  await host.stop()
  await new Promise((resolve) => log.end(resolve))
  await estate.close()
  if (wrong.length > 0) process.stderr.write(`The app's log: ${join(estate.folder, 'host.log')}\n`)
  // An explicit exit: Azurite's own timer keeps the event loop alive.
  process.exit(results === 'interrupted' ? 130 : wrong.length > 0 ? 1 : 0)
}

/** Prints the results, and returns those that differ from the expected ones, as sentences. */
function report(results: readonly ShownResult[], estate: Estate, { json }: Options): readonly string[] {
  const text = json ? document(results, estate) : `${table(results, process.stdout.columns)}\n\n${summary(results)}`
  process.stdout.write(`${text}\n`)
  const wrong = unexpected(results, estate)
  for (const sentence of wrong) process.stderr.write(`${sentence}\n`)
  return wrong
}

/** Milliseconds. Exits the process if the flag is not a number of seconds. */
function operationTimeOf({ 'operation-time': given = '3' }: Options): number {
  const seconds = Number(given)
  if (given !== '' && seconds >= 0 && seconds <= 300) return seconds * 1000
  process.stderr.write(`--operation-time takes 0 to 300 seconds.\n\n${usage}`)
  process.exit(2)
}

async function stayUp(host: HostChild, estate: Estate, { json }: Options, stopped: Promise<unknown>): Promise<void> {
  ;(json ? process.stderr : process.stdout).write(whatNow(host, estate))
  const stopDelivering = deliverAll(host, estate)
  await stopped
  stopDelivering()
  process.stderr.write('\nStopping.\n')
}

/** Delivers the events of the vault and of the subscription. Returns a function that stops it. */
function deliverAll({ url, keys }: HostChild, { cloud, fleet, resourceEvents }: Estate): () => void {
  const webhook = (name: string) => eventWebhook(url, name, keys.eventGrid)
  const ofVault = deliverEvents(cloud.vault(fleet.vaultHost).takeEvents, webhook('nearExpiry'))
  const ofSubscription = deliverEvents(resourceEvents.take, webhook('resourceEvents'))
  return () => {
    ofVault()
    ofSubscription()
  }
}

function startApp(estate: Estate, options: Options, onLine: (line: string) => void): Promise<HostChild> {
  // As if the app had been down since the day before yesterday: it makes up for the missed run, which resyncs every target.
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
  const missed = { Last: ago(48 * hour), Next: ago(47.75 * hour), LastUpdated: ago(48 * hour) }
  const { settings, preload } = estate
  return spawnHost({
    directory: root,
    port: wantedPort,
    settings,
    preload,
    timers: { schedule: missed },
    signIn: options['sign-in'] ?? false,
    onLine,
  })
}

/** The results that differ from the expected ones, as sentences. */
function unexpected(results: readonly ShownResult[], { fleet }: Estate): string[] {
  return Object.entries(fleet.expected).flatMap(([name, expected]) => {
    const result = results.find((each) => each.name === name)
    if (result?.status === expected) return []
    const is = result === undefined ? 'is missing' : `is ${result.status}`
    return [`${name} ${is}${result?.detail === undefined ? '' : ` (${result.detail})`}; expected ${expected}.`]
  })
}

function document(results: readonly ShownResult[], estate: Estate): string {
  const targets = results.map(({ name, provider, status, reason, slot, secrets, eventId }) => ({
    name,
    provider,
    status,
    reason,
    slot,
    secrets,
    eventId,
  }))
  return JSON.stringify({ targets, events: eventsOf(estate) }, null, 2)
}

/** Ctrl-C ends the host, too: that is not a failure. */
async function endedByInterrupt(stopped: Promise<'interrupted'>, error: unknown): Promise<'interrupted'> {
  if ((await Promise.race([stopped, pause(200)])) === 'interrupted') return 'interrupted'
  throw error
}

function interrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'))
    process.once('SIGTERM', () => resolve('interrupted'))
  })
}

await main(
  flags(usage, {
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    'sign-in': { type: 'boolean' },
    'operation-time': { type: 'string' },
  }),
)
