// All targets as the schedule saw them last: read once, shared by the views, and read again every few minutes.

import { ApiError, getAll } from './api-client.ts'
import type { TargetSummary } from './api-shapes.ts'

export interface Fleet {
  readonly targets: readonly TargetSummary[]
  /** When the schedule read them. */
  readonly asOf?: string | undefined
  /** False while further pages are being read. */
  readonly complete: boolean
  readonly error?: ApiError | undefined
}

let fleet: Fleet = { targets: [], complete: false }
let loading: Promise<void> | undefined
const listeners = new Set<() => void>()

/** The targets as far as they are read. */
export function currentFleet(): Fleet {
  return fleet
}

/** Calls `listener` now and whenever the fleet changes; returns what ends that. */
export function watchFleet(listener: () => void): () => void {
  listeners.add(listener)
  listener()
  return () => listeners.delete(listener)
}

/** Reads all targets anew. A second call while one goes on waits for the first. */
export function loadFleet(): Promise<void> {
  loading ??= load().finally(() => {
    loading = undefined
  })
  return loading
}

/** How often the views follow while pages come in. */
const followEvery = 500

async function load(): Promise<void> {
  const isFirst = !fleet.complete
  let shownAt = Number.NEGATIVE_INFINITY
  try {
    await getAll<TargetSummary>('/api/targets', (targets, { asOf }, complete) => {
      // While it is read again, the whole former list is better than the first pages of the new one.
      if (!complete && (!isFirst || performance.now() - shownAt < followEvery)) return
      change({ targets: [...targets], asOf: asOf as string | undefined, complete })
      shownAt = performance.now()
    })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    change({ ...fleet, error })
  }
}

/** Puts what was just read of one target in the place of what the schedule saw. */
export function updateTarget(target: TargetSummary): void {
  if (!fleet.targets.some(({ name }) => name === target.name)) return
  change({ ...fleet, targets: fleet.targets.map((each) => (each.name === target.name ? target : each)) })
}

function change(next: Fleet): void {
  fleet = next
  for (const listener of [...listeners]) listener()
}
