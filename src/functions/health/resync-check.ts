// Health of the daily resync: drift is found only where a target is compared with its service.

import { leaseContainer } from '../../azure/blob-lease.ts'
import type { App } from '../../compose.ts'
import type { LeaseEntries } from '../../engine/lease-metadata.ts'
import { comparedAt, sinceOf } from '../../engine/lease-metadata.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, hours, type Target } from '../../engine/target.ts'
import { joined, mostListed } from '../shared/excerpt.ts'
import { type Check, type Round, unseen } from './health-check.ts'

/** Every target is compared once a day; a busy schedule may take two hours more. */
const longest: Duration = hours(26)
const check = 'targets: compared'
const place = `container ${leaseContainer}`

/** Which enabled targets have not been compared with their service for more than 26 hours. One listing, no call for each target. */
export async function checkCompared({ app, signal }: Round): Promise<Check> {
  try {
    return verdictOn(app, await app.leaseNotes.all(signal))
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    // The check "storage: leases" reports the same as a failure, with a remedy.
    return unseen(check, place, `the metadata of the leases cannot be read (${error.code})`)
  }
}

function verdictOn(app: App, entriesOf: (credential: string) => LeaseEntries | undefined): Check {
  const enabled = app.targets.filter((target) => target.enabled)
  // A target that has never been compared counts from when its lease was first taken.
  const since = (target: Target) => {
    const entries = entriesOf(target.lease)
    return comparedAt(target, entries) ?? sinceOf(entries)
  }
  const before = app.clock.now() - longest
  const stale = enabled.filter((target) => (since(target) ?? before) < before).map(({ name }) => name)
  if (stale.length > 0) return failed(stale)
  const fresh = enabled.filter((target) => since(target) === undefined).map(({ name }) => name)
  const detail =
    fresh.length === 0
      ? `all ${enabled.length} enabled targets were compared with their services within 26 hours`
      : `${fresh.length} of ${enabled.length} enabled targets are new, and wait for the schedule: ${joined(fresh)}`
  return { check, place, status: 'ok', detail }
}

function failed(stale: readonly string[]): Check {
  return {
    check,
    place,
    status: 'failed',
    detail: `not compared with their service for more than 26 hours: ${joined(stale)} (${stale.length} in all)`,
    remedy: `POST /api/targets/${stale[0]}/repair compares one now, and says what prevents it. For all of them: check that the schedule runs.`,
    targets: stale.slice(0, mostListed),
  }
}
