// Room: the core. Imports nothing.

export interface Heap<Item> {
  /** The one that goes before all others; undefined: empty. */
  first(): Item | undefined
  add(item: Item): void
  /** The same as `first`, and no longer there. */
  take(): Item | undefined
}

/** Items of which only the first is ever asked for: a binary heap. `order` as for sorting. */
export function heap<Item>(order: (a: Item, b: Item) => number): Heap<Item> {
  const items: Item[] = []
  const goesBefore = (a: number, b: number) => b >= items.length || order(items[a]!, items[b]!) <= 0
  const swap = (a: number, b: number) => {
    const kept = items[a]!
    items[a] = items[b]!
    items[b] = kept
  }
  const sink = (from: number) => {
    for (let at = from; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const child = goesBefore(left, right) ? left : right
      if (left >= items.length || goesBefore(at, child)) return
      swap(at, child)
      at = child
    }
  }
  return {
    first: () => items[0],
    add: (item) => {
      let at = items.push(item) - 1
      for (let parent = (at - 1) >> 1; at > 0 && !goesBefore(parent, at); parent = (at - 1) >> 1) {
        swap(at, parent)
        at = parent
      }
    },
    take: () => {
      const last = items.pop()
      if (last === undefined || items.length === 0) return last
      const first = items[0]
      items[0] = last
      sink(0)
      return first
    },
  }
}
