// Notes that the secret of a target that tags make was seen to hold a live key of its resource: from then on drift is repaired.

import type { App, TaggedSecret } from '../../compose.ts'
import type { Outcome } from '../../engine/outcome.ts'
import type { Log } from '../../engine/ports.ts'
import type { Target } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'

/** Never throws: what is not noted is verified again by the next reconcile. */
export async function noteVerified(app: App, log: Log, { target: name, status, busy }: Outcome): Promise<void> {
  const target = app.targetNamed(name)
  if (!target?.unverified || busy || (status !== 'changed' && status !== 'current')) return
  const isIt = (secret: TaggedSecret) => isOf(target, secret) && !secret.verified
  try {
    await app.tagged.update((secrets) =>
      secrets.some(isIt) ? secrets.map((each) => (isIt(each) ? { ...each, verified: true as const } : each)) : secrets,
    )
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'a tagged secret could not be noted as verified', { target: name, code, detail: message })
  }
}

/** The tags may name another resource by now: of that nothing was seen. */
function isOf({ vault, secrets, address }: Target, secret: TaggedSecret): boolean {
  const named = secret.address.replace(/\/+$/, '').toLowerCase()
  return secret.vault === vault && secret.name === secrets[0].name && named === address.toLowerCase()
}
