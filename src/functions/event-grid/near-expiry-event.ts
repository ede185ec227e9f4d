// Handles Key Vault's events that a secret expires soon or has expired, from Event Grid directly or through a storage queue.
// Such an event only causes a resync of the target, so it may arrive twice, late, or from an untrusted sender.

import type { InvocationContext } from '@azure/functions'
import type { App, Compose } from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import type { Target } from '../../engine/target.ts'
import { resyncRequest } from '../shared/requests.ts'
import { type ReceivedEvent, receiveEvent } from './received-event.ts'

/** The fields of Key Vault's event that are read, in either schema. */
interface NearExpiry {
  readonly type: string
  /** The name in the vault's resource id. */
  readonly vault: string
  readonly secret: string
  readonly version: string
}

/**
 * Queues a resync of the target whose secret the event names. Any other event is acknowledged, and logged.
 * Throws where the event should be delivered again: an invalid configuration, a queue that cannot be reached.
 */
export async function nearExpiryEvent(event: unknown, context: InvocationContext, compose: Compose): Promise<void> {
  await receiveEvent(event, context, compose, (received, app, log) => handle(parse(received), app, log))
}

async function handle(event: NearExpiry | string, app: App, log: Log): Promise<void> {
  if (typeof event === 'string') return log('warn', 'event ignored', { why: event })
  const { vault, secret, version, type } = event
  const about = { type, vault, secret, version }
  const url = `https://${vault}.${app.azure.cloud.vaultSuffix}`.toLowerCase()
  const isIt = (target: Target) =>
    target.vault === url && target.secrets.some(({ name }) => name.toLowerCase() === secret.toLowerCase())
  const target = app.targets.find(isIt)
  const reminder = app.reminders.find(isIt)
  // The schedule announces it, once for each version.
  if (reminder) return log('info', 'event ignored', { ...about, target: reminder.name, why: 'a reminder' })
  if (target === undefined) return log('warn', 'event ignored', { ...about, why: 'no target has this secret there' })
  if (!target.enabled) return log('info', 'event ignored', { ...about, target: target.name, why: 'disabled' })
  // The same for every delivery of the same event, so that a failure is announced once.
  const id = `near-expiry/${target.name}/${version}`
  const request = resyncRequest(target.name, id, 'near-expiry', app.clock.now())
  await app.queue.send(type === secretExpired ? { ...request, ignoreWindow: true } : request, 0)
  log('info', 'resync queued', { ...about, target: target.name })
}

const secretExpired = 'Microsoft.KeyVault.SecretExpired'
/** The types of event that are handled; the subscription in infra/ asks for these. */
export const keyVaultEvents: readonly string[] = ['Microsoft.KeyVault.SecretNearExpiry', secretExpired]

/** The event, or why it is ignored. */
function parse(event: ReceivedEvent | undefined): NearExpiry | string {
  if (event === undefined) return 'it is not an event of a known schema'
  const { type, source } = event
  if (!keyVaultEvents.includes(type)) return 'it is of another type'
  const data = fieldsOf(event.data)
  const vault = /\/providers\/Microsoft\.KeyVault\/vaults\/([0-9a-z-]{3,24})$/i.exec(source.trim())?.[1]
  if (vault === undefined) return 'its source is not a vault'
  if (data['vaultname'] !== undefined && data['vaultname'].toLowerCase() !== vault.toLowerCase()) {
    return 'its source and its data name different vaults'
  }
  const secret = data['objectname']
  if (secret === undefined || !/^[0-9a-z-]{1,127}$/i.test(secret)) return 'it names no secret'
  return { type, vault, secret, version: data['version']?.replace(/[^0-9a-z]/gi, '').slice(0, 64) ?? '' }
}

// Editions of Microsoft's documentation disagree on the case, and their own sample has stray spaces in names and values.
function fieldsOf(data: Readonly<Record<string, unknown>>): Readonly<Record<string, string | undefined>> {
  const texts = Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts.map(([name, value]) => [name.trim().toLowerCase(), value.trim()]))
}
