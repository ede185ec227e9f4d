// Room: the providers, what goes over the wire. May import azure/clients and the core.
// What an answer of a data plane says about a key.

import type { AzureClients, RawRequest } from '../../azure/clients.ts'
import { RekeyError } from '../../rotation/errors.ts'
import type { Verdict } from '../../rotation/ports.ts'

/**
 * Shows a key to the data plane: 401 refuses it, 2xx and whatever status `accepting` names accept it. A firewall (403),
 * a wrong path or host (404), a failing service, a time-out and a network that does not get there say nothing of it.
 */
export async function verdictOf(
  azure: AzureClients,
  request: Pick<RawRequest, 'method' | 'url' | 'headers' | 'signal' | 'operation'>,
  accepting: readonly number[] = [],
): Promise<Verdict> {
  const status = await unlessUnanswered(async () => (await azure.ask({ ...request, attempts: 'once' })).status)
  if (status === undefined) return 'unknown'
  if (status === 401) return 'refused'
  return (status >= 200 && status < 300) || accepting.includes(status) ? 'accepted' : 'unknown'
}

/** For what only helps to ask: its failure leaves the verdict open, and must not hold up a key that is already made. */
export async function unlessUnanswered<Answer>(run: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof RekeyError) return undefined
    throw error
  }
}
