// `node --import …/simulator/preload.ts` redirects this process's Azure connections to the simulator.
// Reads SIMULATED_AZURE_PORT, SIMULATED_AZURE_CA (path of a PEM file) and
// SIMULATED_AZURE_HOSTS (names of services, as in hosts.ts, separated by spaces). For a test's own process: redirectAzure in redirect.ts.

import { readFileSync } from 'node:fs'
import { refuseInAzure } from './guard.ts'
import { redirectAzure } from './redirect.ts'

refuseInAzure(process.env)
const { SIMULATED_AZURE_PORT: port, SIMULATED_AZURE_CA: caFile, SIMULATED_AZURE_HOSTS: hosts = '' } = process.env
// Continuing without them would reach the real Azure.
if (!port) throw new Error('SIMULATED_AZURE_PORT is missing: the port on which the simulator listens.')
if (!caFile) throw new Error('SIMULATED_AZURE_CA is missing: the path of the simulator’s CA certificate (PEM).')
redirectAzure({ port: Number(port), ca: readFileSync(caFile, 'utf8'), hosts: hosts.split(' ').filter(Boolean) })
