// Virtual time: events in order, and the engine's promises run to a standstill between them.

/** Where virtual time starts. Any moment will do; this one makes readable logs. */
const start = Date.UTC(2026, 0, 1)

export interface Time {
  now(): number
  /** Seconds since the start, for logs. */
  elapsed(): string
  at(moment: number, happen: () => void): () => void
  in(delay: number, happen: () => void): () => void
  /** Runs every event up to `end`. */
  runUntil(end: number): Promise<void>
}

interface Event {
  readonly moment: number
  readonly order: number
  happen: (() => void) | undefined
}

export function virtualTime(): Time {
  const events: Event[] = []
  let now = start
  let order = 0

  function at(moment: number, happen: () => void): () => void {
    const event: Event = { moment: Math.max(moment, now), order: order++, happen }
    insert(events, event)
    return () => {
      event.happen = undefined
    }
  }

  async function runUntil(end: number): Promise<void> {
    for (;;) {
      const next = events[0]
      if (!next || next.moment > end) break
      remove(events)
      if (!next.happen) continue
      now = next.moment
      next.happen()
      await standstill()
    }
    now = end
  }

  return {
    now: () => now,
    elapsed: () => ((now - start) / 1000).toFixed(1).padStart(8),
    at,
    in: (delay, happen) => at(now + delay, happen),
    runUntil,
  }
}

/** All promise callbacks run before the next macrotask does. */
function standstill(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A binary heap, because a seed has thousands of events. */
function insert(heap: Event[], event: Event): void {
  heap.push(event)
  let child = heap.length - 1
  while (child > 0) {
    const parent = (child - 1) >> 1
    if (!before(heap[child]!, heap[parent]!)) return
    exchange(heap, child, parent)
    child = parent
  }
}

function remove(heap: Event[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  heap[0] = last
  let parent = 0
  for (;;) {
    let least = parent
    for (const child of [2 * parent + 1, 2 * parent + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
    }
    if (least === parent) return
    exchange(heap, parent, least)
    parent = least
  }
}

function before(one: Event, other: Event): boolean {
  return one.moment < other.moment || (one.moment === other.moment && one.order < other.order)
}

function exchange(heap: Event[], one: number, other: number): void {
  const kept = heap[one]!
  heap[one] = heap[other]!
  heap[other] = kept
}
