// Runs a function over a list, a few items at a time. p-limit and p-map reject at the first failure, while what they have begun still
// runs: a caller would answer before its last effect.

/**
 * Runs `work` over all items, at most `limit` at a time; answers in the items' order. After a failure nothing new is begun;
 * the first one is thrown when all that was under way has ended, so that nothing goes on behind the caller's back.
 */
export async function atMost<Item, Result>(
  limit: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const failures: unknown[] = []
  const entries = items.entries()
  const worker = async () => {
    for (const [index, item] of entries) {
      if (failures.length > 0) return
      try {
        results[index] = await work(item)
      } catch (thrown) {
        failures.push(thrown)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
