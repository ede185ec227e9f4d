// What an answer of a data plane says about a key.

import type { AzureClients, RawRequest } from '../../azure/clients.ts'
import type { Verdict } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'

/** What a data plane answered to a probe. The text may hold a token or a customer's data: judge it, never log it. */
export type ProbeAnswer = Awaited<ReturnType<AzureClients['ask']>>

/** `ambiguous`: the answer refuses the key only if the same request accepts another key of the resource. */
export type Judgement = Verdict | 'ambiguous'

/** What an answer says of the key that the request carried. Each provider declares its own. */
export type Judge = (answer: ProbeAnswer) => Judgement

/** Matches an answer by everything that it names. */
export interface AnswerRule {
  readonly status: number
  /** The service's own code, as `codeOf` finds it. */
  readonly code?: string
  readonly text?: RegExp
  /** The header `WWW-Authenticate`. */
  readonly challenge?: RegExp
  readonly is: Judgement
}

/**
 * The first rule that matches decides; otherwise 2xx accepts the key and nothing else says anything: not a firewall (403), a wrong
 * path or host (404), a bad request (400) or a full bucket (429), which may come before the key is checked, nor a failing service.
 */
export function judgedBy(...rules: readonly AnswerRule[]): Judge {
  return (answer) => {
    const { status, text, headers } = answer
    const found = rules.find(
      (rule) =>
        rule.status === status &&
        (rule.code === undefined || rule.code === codeOf(answer)) &&
        (rule.text === undefined || rule.text.test(text)) &&
        (rule.challenge === undefined || rule.challenge.test(headers['www-authenticate'] ?? '')),
    )
    return found?.is ?? (status >= 200 && status < 300 ? 'accepted' : 'unknown')
  }
}

/** These statuses refuse the key, whatever else the answer says. */
export function refusedBy(...statuses: readonly number[]): Judge {
  return judgedBy(...statuses.map((status): AnswerRule => ({ status, is: 'refused' })))
}

/** The code of an error: of the header `x-ms-error-code`, else of a JSON or XML body. */
function codeOf({ headers, text }: ProbeAnswer): string | undefined {
  return (
    headers['x-ms-error-code'] ?? /"code"\s*:\s*"([\w.-]+)"|<Code>([\w.-]+)<\/Code>/i.exec(text)?.slice(1).find(Boolean)
  )
}

/**
 * Sends one probe, once, and judges its answer. `unknown` where none came: a time-out, or a network that does not get there.
 * `control`: the verdict on another key of the resource, asked where the answer is ambiguous. Absent: an ambiguous answer is `unknown`.
 */
export async function verdictOf(
  azure: AzureClients,
  request: Pick<RawRequest, 'method' | 'url' | 'headers' | 'signal' | 'operation'>,
  judge: Judge,
  control?: () => Promise<Verdict>,
): Promise<Verdict> {
  const answer = await unlessUnanswered(() => azure.ask({ ...request, attempts: 'once' }))
  const judgement = answer === undefined ? 'unknown' : judge(answer)
  if (judgement !== 'ambiguous') return judgement
  return (await control?.()) === 'accepted' ? 'refused' : 'unknown'
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
