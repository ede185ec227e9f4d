// The record of secrets that have the three tags of Microsoft's rotation templates, as the schedule found them. It is the blob
// rekey-state/tagged-secrets.json, so that every instance knows the same targets, and what of them was verified. No secrets are in it.

import * as z from 'zod/mini'
import { onFirstUse } from '../../azure/lazily.ts'
import type { StateBlob } from '../../azure/state-blob.ts'
import type { Clock } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { failedHold, hold } from './stored-record.ts'

export const taggedSecretsBlob = 'tagged-secrets.json'

/** One secret, with its tags as they are written: whoever may write the vault can set them. */
export interface TaggedSecret {
  /** Address of the vault, in normalized form. */
  readonly vault: string
  readonly name: string
  /** `CredentialId`. */
  readonly slot: string
  /** `ProviderAddress`. */
  readonly address: string
  /** `ValidityPeriodDays`. */
  readonly validity: string
  /** The provider that rotates keys of such a resource. Absent: there is none. */
  readonly provider?: string | undefined
  /** The secret was once seen to hold a live key of this resource. */
  readonly verified?: true | undefined
}

/** Secret and resource: what was verified of one that has the same holds of the other. */
export function keyOf({ vault, name, address }: TaggedSecret): string {
  return `${vault} ${name} ${address}`.toLowerCase()
}

const Record = onFirstUse(() =>
  z.object({
    secrets: z.array(
      z.object({
        vault: z.string(),
        name: z.string(),
        slot: z.string(),
        address: z.string(),
        validity: z.string(),
        provider: z.optional(z.string()),
        verified: z.optional(z.literal(true)),
      }),
    ),
  }),
)

export interface TaggedSecretsSource {
  /**
   * The same list until something changes. Read at most once a minute; where it cannot be read, what was read before, and at most every 15
   * seconds. Throws RekeyError where nothing was.
   */
  read(): Promise<readonly TaggedSecret[]>
  /**
   * Changes the list, over what other instances have written meanwhile; `change` may return the list that it is given. False: others
   * have written over it three times. Throws RekeyError.
   */
  update(change: (secrets: readonly TaggedSecret[]) => readonly TaggedSecret[], signal?: AbortSignal): Promise<boolean>
}

/** `writes`: false where this process may not write; what it changes it then keeps to itself. */
export function taggedSecretsSource(
  blob: StateBlob,
  clock: Pick<Clock, 'monotonic'>,
  writes: boolean,
): TaggedSecretsSource {
  let known: { readonly text: string; readonly secrets: readonly TaggedSecret[] } | undefined
  let until = Number.NEGATIVE_INFINITY
  let failed: { readonly error: RekeyError; readonly until: number } | undefined

  /** The same object while the text is the same, so that nothing is made anew of it. */
  function keep(text: string): readonly TaggedSecret[] {
    if (known?.text !== text) known = { text, secrets: secretsIn(text) }
    until = clock.monotonic() + hold
    return known.secrets
  }

  return {
    read: async () => {
      if (known && clock.monotonic() < until) return known.secrets
      if (failed && clock.monotonic() < failed.until) throw failed.error
      try {
        return keep((await blob.read())?.text ?? '')
      } catch (thrown) {
        if (!(thrown instanceof RekeyError)) throw thrown
        until = clock.monotonic() + failedHold
        if (known) return known.secrets
        failed = { error: thrown, until }
        throw thrown
      }
    },
    update: async (change, signal) => {
      for (let attempt = 0; attempt < 3; attempt++) {
        const found = await blob.read(signal)
        const before = secretsIn(found?.text ?? '')
        const after = change(before)
        const text = `${JSON.stringify({ secrets: after })}\n`
        const isSame = after === before || text === found?.text
        const isDone = isSame || !writes || (await blob.write(text, found?.etag, signal))
        if (!isDone) continue
        keep(isSame ? (found?.text ?? '') : text)
        return true
      }
      return false
    },
  }
}

/** A blob that cannot be understood counts as lost: the next tick writes it anew, and every secret is verified again. */
function secretsIn(text: string): readonly TaggedSecret[] {
  try {
    const read = Record().safeParse(JSON.parse(text))
    return read.success ? (read.data.secrets as readonly TaggedSecret[]) : []
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return []
    throw thrown
  }
}
