// Sends a command and follows it to its end.

import { ApiError, get, pathIn, post } from './api-client.ts'
import type { Operation, Outcome, ShownError } from './api-shapes.ts'

/** How far a command has come. */
export interface Progress {
  readonly state: 'sent' | 'running' | 'succeeded' | 'failed'
  readonly operation?: Operation
  readonly outcome?: Outcome
  readonly error?: ShownError
  /** Sends the same request again: it was not answered, and may have arrived. */
  readonly again?: () => void
}

/** Sends a command, and reports each step of it. Resolves with the last. */
export async function carryOut(path: string, body: object, report: (progress: Progress) => void): Promise<Progress> {
  const [id, firstSent] = [crypto.randomUUID(), new Date()]
  report({ state: 'sent' })
  try {
    const { status, body: answer, headers } = await post<Outcome | Operation>(path, body, id, firstSent)
    if (status === 200) return { state: 'succeeded', outcome: answer as Outcome }
    return await follow(pathIn(headers.get('operation-location')!), report)
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown
    return { state: 'failed', error: errorOf(thrown) }
  }
}

/** Follows an operation until it has ended. */
export async function follow(
  path: string,
  report: (progress: Progress) => void,
  goesOn: () => boolean = () => true,
): Promise<Progress> {
  for (let round = 0; ; round++) {
    const operation = await get<Operation>(path)
    const last = progressOf(operation)
    report(last)
    if (last.state !== 'running' || !goesOn()) return last
    // Often at first: most end within seconds. Then as often as the API asks for.
    await new Promise((resolve) => setTimeout(resolve, round < 20 ? 1000 : round < 40 ? 5000 : 30_000))
  }
}

/** What an operation says of its progress. */
function progressOf(operation: Operation): Progress {
  const { status, error } = operation
  if (status === 'Succeeded') return { state: 'succeeded', operation }
  if (status === 'Failed') return { state: 'failed', operation, ...(error && { error }) }
  return { state: 'running', operation }
}

function errorOf({ problem }: ApiError): ShownError {
  const { code, detail, remedy } = problem
  return { code, message: detail, ...(remedy === undefined ? {} : { remedy }) }
}
