// The first round of `npm start`: waits until the schedule has reached every target, and reports the result from the
// app's own answers and the events on the topic.

import { setTimeout as pause } from 'node:timers/promises'
import { QueueServiceClient } from '@azure/storage-queue'
import type { Estate } from './estate.ts'
import { callerHeader, type HostChild } from './host-child.ts'

export type Status = 'changed' | 'current' | 'waiting' | 'paused' | 'failed'

export interface Result {
  readonly name: string
  readonly provider: string
  readonly status: Status
  /** The app's reason code; absent if nothing was done. */
  readonly reason?: string
  readonly slot?: string
  readonly secrets: readonly { readonly name: string; readonly version: string }[]
  readonly eventId?: string
}

/** The same, with the fields that only the table shows. */
export interface ShownResult extends Result {
  readonly dueAt?: string
  /** The slot before this round, if it changed. */
  readonly slotBefore?: string
  /** It has no entry in targets.json. */
  readonly foundByTags?: true
  readonly detail?: string
}

/** The fields of a target in `GET /api/targets` that are read here. */
interface Listed {
  readonly name: string
  readonly provider: string
  readonly status: string
  readonly reason?: string
  readonly slot?: string
  readonly dueAt?: string
  readonly lastError?: { readonly code: string }
  readonly secrets: readonly { readonly name: string }[]
}
interface Event {
  readonly id: string
  readonly type: string
  readonly data: { readonly target: string; readonly reason?: string; readonly code?: string }
}

/**
 * How long the host may be silent while messages wait in the queue: longer than a target waits until a listing must be current.
 * A target that waits for longer is reported as waiting.
 */
const longestSilence = 7 * 60_000

/** What the host's lines say about a round. */
export interface HostWatch {
  /** Takes each line that the host writes. */
  line(text: string): void
  scheduleEnded(): boolean
  /** Milliseconds since the last line. */
  silence(): number
}

/** Nothing seen yet. */
export function watchHost(): HostWatch {
  let scheduleEnded = false
  let lastLine = performance.now()
  return {
    line: (text) => {
      lastLine = performance.now()
      scheduleEnded ||= text.includes(" Executed 'Functions.schedule'")
    },
    scheduleEnded: () => scheduleEnded,
    silence: () => performance.now() - lastLine,
  }
}

/**
 * Waits until the schedule has fired and the queue is empty: the host deletes a message after its run, and the app queues what must
 * come back before that. Gives up when nothing has happened for 7 minutes. `progress` is called as targets finish. Throws if the
 * host ends, or does not list its targets.
 */
export async function firstRound(
  estate: Estate,
  host: HostChild,
  watch: HostWatch,
  progress: (done: number, of: number) => void,
): Promise<readonly ShownResult[]> {
  const before = slotsIn(estate)
  const due = Object.entries(estate.fleet.expected).filter(([, expected]) => expected === 'changed')
  const queues = QueueServiceClient.fromConnectionString(estate.azurite.connectionString)
  const queue = queues.getQueueClient('rekey-requests')
  for (let waiting = true; waiting && watch.silence() < longestSilence; ) {
    await pause(100)
    if (!host.isRunning()) throw new Error(`The host ended in the first round; see ${estate.folder}/host.log`)
    // In this order, because the schedule queues messages until it ends. Hidden messages count, too: those being handled, and those
    // that come back later.
    waiting = !watch.scheduleEnded() || (await queue.getProperties()).approximateMessagesCount !== 0
    const announced = new Set(eventsOf(estate).map(({ data }) => data.target))
    progress(due.filter(([name]) => announced.has(name)).length, due.length)
  }
  const targets = await listTargets(host)
  return targets.map((target) => resultOf(target, estate, before))
}

async function listTargets(host: HostChild): Promise<readonly Listed[]> {
  const { name, value } = callerHeader(host, 'listTargets')
  const headers = { [name]: value }
  const targets: Listed[] = []
  for (let next: string | undefined = `${host.url}/api/targets`; next !== undefined; ) {
    const response = await fetch(next, { headers })
    if (!response.ok)
      throw new Error(
        `GET /api/targets answered ${response.status}; see the app's log. Body:\n${await response.text()}`,
      )
    const page = (await response.json()) as { readonly value: readonly Listed[]; readonly nextLink?: string }
    targets.push(...page.value)
    next = page.nextLink
  }
  return targets
}

/** Everything that reached the topic, in order. */
export function eventsOf(estate: Estate): readonly Event[] {
  return estate.cloud.topic(estate.fleet.topicHost).events as readonly unknown[] as readonly Event[]
}

function resultOf(target: Listed, estate: Estate, before: ReadonlyMap<string, string | undefined>): ShownResult {
  const { name, provider, slot, dueAt } = target
  const own = eventsOf(estate).filter(({ data }) => data.target === name)
  const change = own.findLast(({ type }) => type === 'Rekey.KeyRotated' || type === 'Rekey.KeyPublished')
  const failure = target.lastError?.code ?? own.find(({ type }) => type === 'Rekey.RotationFailed')?.data.code
  const status = statusOf(target, change, failure)
  const reason = status === 'changed' ? (change?.data.reason ?? target.reason) : reasonOf(target, status)
  const { secrets } = target
  const lead = secrets[0]?.name ?? ''
  const slotBefore = before.get(lead)
  return {
    name,
    provider,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(slot === undefined ? {} : { slot }),
    secrets: secrets.flatMap(({ name: secret }) => versionOf(estate, secret) ?? []),
    ...(change === undefined ? {} : { eventId: change.id }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(slotBefore === undefined || slotBefore === slot ? {} : { slotBefore }),
    ...(estate.fleet.tagged.includes(name) ? { foundByTags: true } : {}),
    ...(failure === undefined ? {} : { detail: failure }),
  }
}

function statusOf({ status }: Listed, change: Event | undefined, failure: string | undefined): Status {
  if (failure !== undefined) return 'failed'
  if (status === 'paused' || status === 'disabled') return 'paused'
  if (['due', 'expired', 'unfinished', 'new', 'untagged', 'unmanaged', 'closed', 'overdue'].includes(status))
    return 'waiting'
  return change === undefined ? 'current' : 'changed'
}

function reasonOf({ status, reason }: Listed, ours: Status): string | undefined {
  if (ours === 'current') return undefined
  return ours === 'failed' ? reason : status
}

/** The current version of a secret, which a list of targets does not have; undefined: there is no such secret. */
function versionOf(estate: Estate, name: string): Result['secrets'][number] | undefined {
  const version = estate.cloud.vault(estate.fleet.vaultHost).versions(name)[0]?.id
  return version === undefined ? undefined : { name, version }
}

/** The slot of each secret's current version, for lead and other secrets. */
function slotsIn(estate: Estate): ReadonlyMap<string, string | undefined> {
  const vault = estate.cloud.vault(estate.fleet.vaultHost)
  return new Map(vault.names().map((name) => [name, vault.versions(name)[0]?.tags?.['CredentialId']]))
}
