// Answers with other addresses in them, and where requests went: for tests of where keys and tokens go.

import assert from 'node:assert/strict'
import type { Fault } from '../../simulator/faults.ts'
import type { Reply } from '../../simulator/service-operations.ts'
import type { Opened } from './opened.ts'

/** One line, which names the host and holds no key. */
export function assertRefusalLogged({ logged, cloud }: Opened, host: string): void {
  assert.deepEqual(
    logged.map((line) => line['host']),
    [host],
  )
  const text = JSON.stringify(logged)
  assert.ok(![...cloud.minted].some((secret) => text.includes(secret)))
}

/** The hosts that were called, each once. */
export function hostsAsked({ azure }: Opened): string[] {
  return [...new Set(azure.sent.map(({ url }) => url.host))].toSorted()
}

/** Changes the answers of one operation. */
export function replies(operation: string, change: (reply: Reply) => Reply): Fault {
  return {
    name: 'replies',
    install: () => ({
      after: (call, reply) => (call.operation.operation === operation ? change(reply) : undefined),
    }),
  }
}
