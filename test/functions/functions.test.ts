// Runs every suite of the functions in one process: Azurite takes a second and a half to load, once.

import { after } from 'node:test'
import './suites/bad-input.suite.ts'
import './suites/candidates.suite.ts'
import './suites/commands.suite.ts'
import './suites/configuration.suite.ts'
import './suites/health.suite.ts'
import './suites/near-expiry.suite.ts'
import './suites/operations.suite.ts'
import './suites/poller.suite.ts'
import './suites/promote.suite.ts'
import './suites/pile-up.suite.ts'
import './suites/queue.suite.ts'
import './suites/reminders.suite.ts'
import './suites/repair.suite.ts'
import './suites/repeating.suite.ts'
import './suites/revokes.suite.ts'
import './suites/schedule.suite.ts'
import './suites/status.suite.ts'
import './suites/stopped.suite.ts'
import { closeStorage } from './functions-world.ts'

after(closeStorage)
