// Room: tests of the core. A vault: versions with tags, never changed in value, and what the world must know of them.

import type { StoredSecret } from '../../../src/rotation/observation.ts'
import type { SecretMetadata } from '../../../src/rotation/ports.ts'
import { Secret } from '../../../src/rotation/secret.ts'
import type { Time } from './words.ts'

export interface MemoryVault {
  current(name: string): StoredSecret | undefined
  versions(name: string): readonly StoredSecret[]
  put(name: string, value: string, metadata?: SecretMetadata): StoredSecret
  patch(name: string, version: string, metadata: Partial<SecretMetadata>): StoredSecret
  enable(name: string, enabled: boolean): void
}

/** `onPut` is told of every new current version; `onChange` of whatever may change what consumers see. */
export function memoryVault(
  time: Time,
  onPut: (name: string, value: string) => void,
  onChange: () => void,
): MemoryVault {
  const secrets = new Map<string, (StoredSecret & { value: Secret })[]>()
  let count = 0
  const all = (name: string) => secrets.get(name) ?? []

  function replace(name: string, version: string, change: Partial<StoredSecret>): StoredSecret {
    const index = all(name).findIndex((each) => each.version === version)
    const changed = { ...all(name)[index]!, ...change } as StoredSecret & { value: Secret }
    all(name)[index] = changed
    return changed
  }

  return {
    current: (name) => readable(all(name).at(-1)),
    versions: (name) =>
      all(name)
        .map((each) => readable(each)!)
        .reverse(),
    put: (name, value, metadata) => {
      const stored = {
        name,
        version: `v${++count}`,
        value: Secret.of(value),
        enabled: true,
        created: Math.floor(time.now() / 1000) * 1000,
        otherTags: {},
        ...metadata,
      }
      secrets.set(name, [...all(name), stored])
      onPut(name, value)
      onChange()
      return stored
    },
    patch: (name, version, metadata) => replace(name, version, metadata),
    enable: (name, enabled) => {
      replace(name, all(name).at(-1)!.version, { enabled })
      onChange()
    },
  }
}

/** Nobody can read a disabled version. */
function readable(stored: StoredSecret | undefined): StoredSecret | undefined {
  if (!stored || stored.enabled) return stored
  const { value: _, ...rest } = stored
  return rest
}
