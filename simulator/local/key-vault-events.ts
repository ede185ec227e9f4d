// Stands in for Event Grid between the simulated vault and the function for secrets near their expiry: delivers each
// event until the function accepts it.

import type { Estate } from './estate.ts'

/** Looks every second. `webhook`: the function app's Event Grid address, with its key. Answers the way to stop. */
export function deliverKeyVaultEvents(estate: Estate, webhook: string): () => void {
  const vault = estate.cloud.vault(estate.fleet.vaultHost)
  let waiting: readonly unknown[] = []
  let busy = false
  const timer = setInterval(async () => {
    waiting = [...waiting, ...vault.takeEvents()]
    if (busy || waiting.length === 0) return
    busy = true
    const batch = waiting
    const taken = await post(webhook, batch)
    if (taken) waiting = waiting.slice(batch.length)
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
    // Not there, or not yet: Event Grid tries again later, and so does the next second. Anything else is ours.
    if (error instanceof TypeError) return false
    throw error
  }
}
