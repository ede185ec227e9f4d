// Stands in for Event Grid between the simulated Azure and the app's functions: delivers each event until the function accepts it.

/** The address at which a host takes the events for one of its functions, with the key that Core Tools do not ask for. */
export function eventWebhook(host: string, functionName: string, key?: string): string {
  const code = key === undefined ? '' : `&code=${key}`
  return `${host}/runtime/webhooks/EventGrid?functionName=${functionName}${code}`
}

/** Polls every second. `take` gives the events that were not taken yet. Returns a function that stops it. */
export function deliverEvents(take: () => readonly unknown[], webhook: string): () => void {
  let waiting: readonly unknown[] = []
  let busy = false
  const timer = setInterval(async () => {
    waiting = [...waiting, ...take()]
    if (busy || waiting.length === 0) return
    busy = true
    const batch = waiting
    const accepted = await post(webhook, batch)
    if (accepted) waiting = waiting.slice(batch.length)
    busy = false
  }, 1000)
  return () => clearInterval(timer)
}

async function post(webhook: string, events: readonly unknown[]): Promise<boolean> {
  try {
    const response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents-batch+json', 'aeg-event-type': 'Notification' },
      body: JSON.stringify(events),
    })
    return response.ok
  } catch (error) {
    // No function host is listening, or not yet: the next poll tries again, as Event Grid does. Any other error is a bug.
    if (error instanceof TypeError) return false
    throw error
  }
}
