// `npm run simulator`: only the simulated Azure and Azurite, with the sample fleet, for `func start`.

import { dirname } from 'node:path'
import { type Estate, startEstate } from './estate.ts'
import { deliverEvents, eventWebhook } from './event-delivery.ts'
import { flags } from './flags.ts'

/** Azurite's own ports, so that `UseDevelopmentStorage=true` finds it; any free ones if those are in use. */
async function start(): Promise<Estate> {
  try {
    return await startEstate({ ports: { blob: 10000, queue: 10001 } })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return startEstate()
  }
}

flags(
  'npm run simulator\n\nThe simulated Azure and Azurite with the sample fleet, for `func start`, until Ctrl-C.\n',
  {},
)
const estate = await start()
// The Node that this project pins: it runs TypeScript, whatever Node the machine has.
const pinned = dirname(process.execPath)
const environment = {
  ...estate.settings,
  // Core Tools hand this to the worker's Node, the first on the PATH.
  languageWorkers__node__arguments: `--import ${estate.preload}`,
}
process.stdout.write(
  [
    ...Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`),
    `export PATH='${pinned}':"$PATH"`,
    '',
    '# Paste these lines into another shell, then: npm run build && func start',
    `# Management API: ${estate.management}/history`,
    `# Targets: ${estate.settings['ROTATION_TARGETS']}`,
    '# Ctrl-C ends it, and forgets everything.',
    '',
  ].join('\n'),
)
// Core Tools check no keys.
const webhook = (name: string) => eventWebhook('http://127.0.0.1:7071', name)
const stopDelivering = [
  deliverEvents(estate.cloud.vault(estate.fleet.vaultHost).takeEvents, webhook('nearExpiry')),
  deliverEvents(estate.resourceEvents.take, webhook('resourceEvents')),
]
const stop = async () => {
  for (const stopOne of stopDelivering) stopOne()
  await estate.close()
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
