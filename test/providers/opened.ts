// One resource of a provider in a simulated Azure of its own, opened as the app opens it.

import { inspect } from 'node:util'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, type HistoryEntry, simulatedCloud } from '../../simulator/cloud.ts'
import type { Fault } from '../../simulator/faults.ts'
import { ordinaryDay } from '../../simulator/wire-faults.ts'
import type { Credential, KeySlot } from '../../src/engine/key-ring.ts'
import type { Call, KeyHolder, Log } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { oldMetadata } from '../memory-lease.ts'
import { type ConnectedAzure, connect } from '../simulated-azure.ts'
import { wireSeed } from '../wire-seed.ts'
import { fleet, type Member } from './provider-fleet.ts'

const tokenFaults = ['claimsChallenges', 'expiringTokens']

export interface Opened extends Member {
  readonly cloud: Cloud
  readonly azure: ConnectedAzure
  readonly holder: KeyHolder
  readonly signal: AbortSignal
  readonly call: Call
  /** How often the lease was renewed. */
  readonly renewals: () => number
  /** What the provider logged, as fields with the message among them. */
  readonly logged: readonly Readonly<Record<string, unknown>>[]
}

/** A fresh resource on an ordinary day, with faults that begin only now. */
export function opened(provider: KeyProvider, outputs?: readonly string[], add = fleet[provider.id]!): Opened {
  const clock = virtualClock(Date.parse('2026-03-01T12:00:00Z'))
  const cloud = simulatedCloud({ seed: wireSeed, clock, faults: ordinaryDay() })
  const member = add(cloud)
  const azure = connect(cloud)
  const logged: Record<string, unknown>[] = []
  const log: Log = (level, message, fields) => logged.push({ level, message, ...fields })
  const holder = provider.open(provider.resource.parse(member.fields), azure, outputs, log)
  const { signal } = new AbortController()
  let renewals = 0
  const keepLease = async () => {
    renewals += 1
  }
  return {
    ...member,
    cloud,
    azure,
    holder,
    signal,
    call: { signal, keepLease, metadata: oldMetadata() },
    renewals: () => renewals,
    logged,
  }
}

/** Slot to key, in the open: for comparing with what the simulator knows. */
export function revealed(ring: Partial<Record<KeySlot, Credential>>): Record<KeySlot, string> {
  return Object.fromEntries(Object.entries(ring).map(([slot, credential]) => [slot, credential!['key']!.reveal()]))
}

/** How often an operation reached the service with a token that it took, and whether it took effect. */
export function calls({ cloud }: Opened, operation: string): { readonly sent: number; readonly effects: number } {
  const turnedAway = ({ status, fault = '' }: HistoryEntry) => status === 401 && tokenFaults.includes(fault)
  const entries = cloud.history.filter((entry) => entry.operation === operation && !turnedAway(entry))
  return { sent: entries.length, effects: entries.filter(({ effect }) => effect).length }
}

/** The RekeyError that `run` throws while a fault lasts. Throws where there is none, or where it says too much. */
export async function failure(on: Opened, faults: readonly Fault[], run: () => Promise<unknown>): Promise<RekeyError> {
  for (const fault of faults) on.cloud.faults.add(fault)
  try {
    await run()
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    assertDiscreet(on.cloud, error)
    return error
  } finally {
    on.cloud.faults.clear()
  }
  throw new Error('nothing was thrown')
}

/** Nothing that was ever minted is in the error, nor an error of another library as its cause. */
export function assertDiscreet({ minted }: Cloud, error: RekeyError): void {
  const everything = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${error.stack}`
  for (const secret of minted) {
    if (everything.includes(secret)) throw new Error('a secret is in the error')
  }
  if (error.cause !== undefined) throw new Error('the error has a cause')
}
