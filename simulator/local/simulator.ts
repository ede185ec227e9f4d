// Room: the local host. `npm run simulator`: the simulated Azure and Azurite alone, with the sample fleet, for `func start`.
// Imports its neighbours and node:* only.

import { type Estate, startEstate } from './estate.ts'
import { deliverKeyVaultEvents } from './key-vault-events.ts'

/** Azurite's own ports, so that `UseDevelopmentStorage=true` finds it; any free ones where something else has them. */
async function start(): Promise<Estate> {
  try {
    return await startEstate({ blob: 10000, queue: 10001 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return startEstate()
  }
}

const estate = await start()
const environment = {
  ...estate.settings,
  // Core Tools hand this to the worker's Node, which must be one that runs TypeScript: 22.18 or later.
  languageWorkers__node__arguments: `--import ${estate.preload}`,
}
process.stdout.write(
  [
    ...Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`),
    '',
    '# Paste these lines into another shell, then: npm run build && func start',
    `# Behind the scenes: ${estate.management}/history`,
    `# Targets: ${estate.settings['ROTATION_TARGETS']}`,
    '# Ctrl-C ends it, and forgets everything.',
    '',
  ].join('\n'),
)
// Core Tools check no keys.
const webhook = 'http://127.0.0.1:7071/runtime/webhooks/EventGrid?functionName=nearExpiry'
const stopDelivering = deliverKeyVaultEvents(estate, webhook)
const stop = async () => {
  stopDelivering()
  await estate.close()
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
