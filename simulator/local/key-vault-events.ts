// Stands in for Event Grid between the simulated vault and the function for secrets near their expiry: delivers each
// event until the function accepts it.

import type { Estate } from './estate.ts'

/** Polls every second. `webhook`: the function app's Event Grid address, with its key. Returns a function that stops it. */
export function deliverKeyVaultEvents(estate: Estate, webhook: string): () => void {
  const vault = estate.cloud.vault(estate.fleet.vaultHost)
  let waiting: readonly unknown[] = []
  let busy = false
  const timer = setInterval(async () => {
    waiting = [...waiting, ...vault.takeEvents()]
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
