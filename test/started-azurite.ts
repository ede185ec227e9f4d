// Storage for one test file: the same Azurite in memory that `npm start` uses, on free ports.

import { createRequire } from 'node:module'

/**
 * How often queues are rid of what was deleted: every minute, which takes time by the square of the messages since then, and holds up
 * everything in the process. No test needs it. Read when a server is made.
 */
const sweeping = createRequire(import.meta.url)('azurite/dist/src/queue/utils/constants.js')
sweeping.DEFAULT_GC_INTERVAL_MS = 3_600_000

export { type Azurite, startAzurite } from '../simulator/local/run-azurite.ts'
