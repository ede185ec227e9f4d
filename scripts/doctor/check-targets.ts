// The doctor's check of every target: one read of its service and its vault, as GET /api/targets/{name}/plan makes.

import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../../src/compose.ts'
import { pace } from '../../src/engine/pace.ts'
import type { Log, Ports } from '../../src/engine/ports.ts'
import { type Preview, preview } from '../../src/engine/preview.ts'
import { days, minutes, type Target } from '../../src/engine/target.ts'
import { grantLine, providerGrant, roles, scopes } from '../../src/functions/health/grant.ts'
import { type Check, checked, isRefused } from '../../src/functions/health/health-check.ts'
import { asPaused } from '../../src/functions/http/commands/refusals.ts'
import { atMost } from '../../src/functions/shared/at-most.ts'
import { resyncRequest } from '../../src/functions/shared/requests.ts'

/** How many targets are read at the same time. */
const concurrency = 8
const readLimit = minutes(1)

/**
 * Reads every enabled target, in the order of targets.json, at the pace of the schedule: reading keys is a POST, and
 * draws on the same budget as the app's rotations. `done` is called after each; `log` receives unforeseen errors.
 */
export async function checkTargets(app: App, log: Log, done: (target: Target) => void): Promise<readonly Check[]> {
  const enabled = app.targets.filter((target) => target.enabled)
  const checks = new Map<string, Check>()
  let waiting = enabled.map((target) => ({ ...candidateOf(app, target), of: target }))
  while (waiting.length > 0) {
    const { now, later } = pace(waiting, { interval: days(1), queued: 0 })
    const start = performance.now()
    await atMost(concurrency, now, async ({ candidate: { of }, delay }) => {
      await pause(Math.max(0, delay - (performance.now() - start)))
      checks.set(of.name, await checkTarget(app, log, of))
      done(of)
    })
    waiting = [...later]
  }
  return enabled.map(({ name }) => checks.get(name)!)
}

function candidateOf(app: App, target: Target) {
  const { allowance } = app.providerOf(target)
  const { budget } = app.placeOf(target)
  return { target: target.name, urgency: 0, budget, allowance, writes: 1, vault: target.vault, creates: 0 }
}

function checkTarget(app: App, log: Log, target: Target): Promise<Check> {
  const signal = AbortSignal.timeout(readLimit)
  let asking: 'service' | 'vault' = 'service'
  const ports = observed(app.ports(silent), () => {
    asking = 'vault'
  })
  const run = async () => {
    const seen = await preview(target, resyncRequest(target.name, 'doctor', 'doctor', app.clock.now()), ports, signal)
    if (seen.plan?.reason === 'unmanaged') throw asPaused(target, 'unmanaged')
    return describe(seen)
  }
  const place = `${target.name} (${target.provider})`
  return checked({ log }, 'target', place, run, async (error) => {
    if (!isRefused(error)) return undefined
    if (asking === 'vault') return grantLine(app, roles.vault, scopes.vault(target.vault), signal)
    return providerGrant(app, app.providerOf(target), app.placeOf(target), signal)
  }).then((check) => ({ ...check, targets: [target.name] }))
}

/** The same ports; `answered` is called when the service has returned its keys, and the vault is read next. */
function observed(ports: Ports, answered: () => void): Ports {
  return {
    ...ports,
    open: async (target) => {
      const holder = await ports.open(target)
      return {
        ...holder,
        read: async (signal) => {
          const ring = await holder.read(signal)
          answered()
          return ring
        },
      }
    },
  }
}

function describe({ slot, stored, plan }: Preview): string {
  const has =
    stored === undefined
      ? 'nothing in the vault yet'
      : slot === undefined
        ? 'the vault’s key is refused'
        : `${slot} is active`
  if (plan === undefined) return `${has}; nothing to do`
  const { reason, steps, until } = plan
  const when = until === undefined ? '' : ` at ${new Date(until).toISOString()}`
  return `${has}; ${reason}: a run would ${steps.length === 0 ? 'wait' : steps.join(', ')}${when}`
}

function silent(): void {}
