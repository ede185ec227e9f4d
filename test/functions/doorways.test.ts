// Runs every suite of the functions in one process: Azurite takes a second and a half to load, once.

import { after } from 'node:test'
import './suites/bad-input.ts'
import './suites/commands.ts'
import './suites/configuration.ts'
import './suites/health.ts'
import './suites/near-expiry.ts'
import './suites/operations.ts'
import './suites/poller.ts'
import './suites/promote.ts'
import './suites/pile-up.ts'
import './suites/queue.ts'
import './suites/repair.ts'
import './suites/repeating.ts'
import './suites/revokes.ts'
import './suites/schedule.ts'
import './suites/status.ts'
import './suites/stopped.ts'
import { closeStorage } from './world.ts'

after(closeStorage)
