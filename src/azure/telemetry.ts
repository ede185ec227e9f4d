// Custom events and metrics through `applicationinsights`, which is loaded only where a connection string is set: it costs
// a second and a hundred megabytes. Requests, traces and exceptions are recorded by the Functions host.
// No failure here may affect a rotation: it is logged once, and that is all.

import type { TokenCredential } from '@azure/core-auth'
import type { TelemetryClient } from 'applicationinsights'
import type { Outcome } from '../engine/outcome.ts'
import type { Log } from '../engine/ports.ts'
import type { Secret } from '../engine/secret.ts'
import { type Duration, seconds } from '../engine/target.ts'
import { lazily } from './lazily.ts'

/** What a target's tags say; times in ISO 8601. */
export interface SeenTarget {
  readonly target: string
  readonly provider: string
  readonly status: string
  readonly rotatedAt?: string
  readonly dueAt?: string
  readonly expiresAt?: string
}

export interface Telemetry {
  /** One reconcile has ended: counted, timed, and sent as an event unless there was nothing to do. */
  rotation(outcome: Outcome, duration: Duration): void
  /** How many targets are overdue now, by provider; call it with every tick, also when none is. */
  overdue(targets: readonly { readonly target: string; readonly provider: string; readonly dueAt: string }[]): void
  /** Targets as the schedule saw them, each once a day: the workbook shows their ages and due dates. */
  seen(targets: readonly SeenTarget[]): void
  /** A change of targets.json removed more than half of the targets; call it with every tick of the day after it. */
  removed(removal: { readonly removed: number; readonly of: number; readonly at: string }): void
  /** Sends what was collected so far. Takes a bounded time, and never throws. */
  flush(): Promise<void>
}

export interface TelemetrySettings {
  /** `APPLICATIONINSIGHTS_CONNECTION_STRING`; absent: no telemetry. */
  readonly connectionString?: Secret
  /** `APPLICATIONINSIGHTS_AUTHENTICATION_STRING`: `Authorization=AAD[;ClientId=…]`; absent: the connection string is enough. */
  readonly authentication?: string
  /** The identity with this client id. */
  readonly credentialOf: (clientId: string | undefined) => TokenCredential
  readonly log: Log
}

const flushLimit = seconds(5)

/** The names that alerts and workbooks query. */
export const telemetryNames = {
  finished: 'RotationFinished',
  /** Needs an operator. */
  failed: 'RotationFailed',
  /** Failed, and is retried by itself. */
  delayed: 'RotationDelayed',
  paused: 'RotationPaused',
  overdue: 'TargetOverdue',
  seen: 'TargetSeen',
  removed: 'TargetsRemoved',
  rotations: 'Rekey.Rotations',
  duration: 'Rekey.RotationDuration',
  overdueTargets: 'Rekey.OverdueTargets',
} as const

function eventOf({ status, error }: Outcome): string | undefined {
  if (status === 'changed') return telemetryNames.finished
  if (status === 'failed') return error?.transient ? telemetryNames.delayed : telemetryNames.failed
  return status === 'paused' ? telemetryNames.paused : undefined
}

/** Telemetry for the life of the process. */
export function createTelemetry(settings: TelemetrySettings): Telemetry {
  const { connectionString, log } = settings
  if (connectionString === undefined) {
    const nothing = () => undefined
    return { rotation: nothing, overdue: nothing, seen: nothing, removed: nothing, flush: async () => undefined }
  }

  const { inTurn, isUsed } = turns(
    lazily(() => open(connectionString, settings)),
    log,
  )
  return {
    rotation: (outcome, duration) => {
      void inTurn((client) => trackRotation(client, outcome, duration))
    },
    overdue: (targets) => {
      void inTurn((client) => {
        client.trackMetric({ name: telemetryNames.overdueTargets, value: targets.length })
        for (const target of targets) client.trackEvent({ name: telemetryNames.overdue, properties: { ...target } })
      })
    },
    seen: (targets) => {
      void inTurn((client) => {
        for (const target of targets) client.trackEvent({ name: telemetryNames.seen, properties: { ...target } })
      })
    },
    removed: ({ removed, of, at }) => {
      const properties = { removed: String(removed), of: String(of), at }
      void inTurn((client) => client.trackEvent({ name: telemetryNames.removed, properties }))
    },
    flush: async () => {
      if (!isUsed()) return
      const late = new Promise<void>((resolve) => setTimeout(resolve, flushLimit).unref())
      await Promise.race([inTurn((client) => client.flush()), late])
    },
  }
}

/** Uses of the client, one after another. The first one loads it. A failure is logged, once, and never thrown. */
function turns(opened: () => Promise<TelemetryClient>, log: Log) {
  let warned = false
  /** The last use; undefined: nothing was sent yet, and nothing is loaded. */
  let pending: Promise<void> | undefined
  const inTurn = (use: (client: TelemetryClient) => void | Promise<void>): Promise<void> => {
    pending = (pending ?? Promise.resolve())
      .then(async () => use(await opened()))
      .catch(() => {
        if (warned) return
        warned = true
        log('warn', 'telemetry cannot be sent; rotations go on without it')
      })
    return pending
  }
  return { inTurn, isUsed: () => pending !== undefined }
}

function trackRotation(client: TelemetryClient, outcome: Outcome, duration: Duration): void {
  if (outcome.busy) return
  const properties = dimensionsOf(outcome)
  client.trackMetric({ name: telemetryNames.rotations, value: 1, properties })
  client.trackMetric({ name: telemetryNames.duration, value: duration, properties })
  const name = eventOf(outcome)
  if (name !== undefined) client.trackEvent({ name, properties: rotationProperties(outcome, duration) })
}

function dimensionsOf({ provider, reason, status }: Outcome): Record<string, string> {
  return { provider, reason: reason ?? 'none', outcome: status }
}

/** The properties of the event of one reconcile. Alerts and the workbook query them by name. */
export function rotationProperties(outcome: Outcome, duration: Duration): Readonly<Record<string, string>> {
  const { target, slot, proven, error } = outcome
  const failure =
    error === undefined ? {} : { code: error.code, step: error.details.step ?? '', remedy: error.details.remedy ?? '' }
  const unproven = proven === false ? { proven: 'false' } : {}
  return { target, ...dimensionsOf(outcome), ...unproven, slot: slot ?? '', duration: String(duration), ...failure }
}

async function open(connectionString: Secret, settings: TelemetrySettings): Promise<TelemetryClient> {
  // The library's own usage statistics would go to addresses that are not configured here.
  process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] ??= 'true'
  const { TelemetryClient } = await import('applicationinsights')
  // Its own providers, so that nothing is instrumented, and nothing global is touched.
  const client = new TelemetryClient(connectionString.reveal(), { useGlobalProviders: false })
  client.config.enableUseDiskRetryCaching = false
  const clientId = entraClientId(settings.authentication)
  if (clientId !== false) client.config.aadTokenCredential = settings.credentialOf(clientId)
  return client
}

/** False: Entra authentication is not configured. */
function entraClientId(authentication: string | undefined): string | undefined | false {
  const parts = new Map(
    (authentication ?? '').split(';').map((part) => {
      const [name = '', value = ''] = part.split('=')
      return [name.trim().toLowerCase(), value.trim()]
    }),
  )
  if (parts.get('authorization')?.toUpperCase() !== 'AAD') return false
  return parts.get('clientid') || undefined
}
