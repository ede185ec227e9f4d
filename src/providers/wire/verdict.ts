// What an answer of a data plane says about a key.

import type { AzureClients, RawRequest } from '../../azure/clients.ts'
import type { Verdict } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'

/** What a data plane answered to a probe. The text may hold a token or a customer's data: judge it, never log it. */
export type ProbeAnswer = Awaited<ReturnType<AzureClients['ask']>>

/** What an answer says of the key that the request carried. Each provider declares its own. */
export type Judge = (answer: ProbeAnswer) => Verdict

/**
 * 2xx accepts the key, the named statuses refuse it, and no other status says anything: not a firewall (403), a wrong path or
 * host (404), a bad request (400) or a full bucket (429), which may come before the key is checked, nor a failing service.
 */
export function refusedBy(...statuses: readonly number[]): Judge {
  return ({ status }) => {
    if (statuses.includes(status)) return 'refused'
    return status >= 200 && status < 300 ? 'accepted' : 'unknown'
  }
}

/** Sends one probe, once, and judges its answer. `unknown` where none came: a time-out, or a network that does not get there. */
export async function verdictOf(
  azure: AzureClients,
  request: Pick<RawRequest, 'method' | 'url' | 'headers' | 'signal' | 'operation'>,
  judge: Judge,
): Promise<Verdict> {
  const answer = await unlessUnanswered(() => azure.ask({ ...request, attempts: 'once' }))
  return answer === undefined ? 'unknown' : judge(answer)
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
