// A vault: versions with tags, never changed in value, and what the world must know of them.

import type { SecretMetadata } from '../../../src/engine/ports.ts'
import { Secret } from '../../../src/engine/secret.ts'
import type { StoredSecret } from '../../../src/engine/stored-secret.ts'
import { type Deed, operatorDeed } from './deeds.ts'
import type { Time } from './words.ts'

type Version = StoredSecret & { value: Secret }

export interface MemoryVault {
  current(name: string): StoredSecret | undefined
  versions(name: string): readonly StoredSecret[]
  /** Without a deed it is an operator's. */
  put(name: string, value: string, metadata?: SecretMetadata, deed?: Deed): StoredSecret
  patch(name: string, version: string, metadata: Partial<SecretMetadata>): StoredSecret
  enable(name: string, enabled: boolean): void
  /** Gives the current version as many other tags as Key Vault takes, or takes them away again. */
  crowd(name: string, crowded: boolean): void
  /** Deletes a secret with all its versions. */
  remove(name: string): void
  /** Who wrote a version. */
  writer(version: string): Deed
  /** What the secret held before that version, if anything. */
  before(name: string, version: string): (StoredSecret & { value: Secret }) | undefined
  /** When an operator last enabled or disabled, crowded or cleared the current version. */
  touched(name: string): number
}

/** Key Vault takes 15 tags, and six are ours. */
const mostOthers = 9

/** `onPut` gets every new current version; `onChange` is called whenever consumers may see something else. */
export function memoryVault(
  time: Time,
  onPut: (name: string, value: string, version: string) => void,
  onChange: () => void,
): MemoryVault {
  const secrets = new Map<string, Version[]>()
  const writers = new Map<string, Deed>()
  const touched = new Map<string, number>()
  let count = 0
  const all = (name: string) => secrets.get(name) ?? []

  function replace(name: string, version: string, change: Partial<StoredSecret>): StoredSecret {
    const index = all(name).findIndex((each) => each.version === version)
    const changed = { ...all(name)[index]!, ...change } as Version
    all(name)[index] = changed
    return changed
  }

  function touch(name: string, change: Partial<StoredSecret>): void {
    replace(name, all(name).at(-1)!.version, change)
    touched.set(name, time.now())
  }

  return {
    current: (name) => readable(all(name).at(-1)),
    versions: (name) =>
      all(name)
        .map((each) => readable(each)!)
        .reverse(),
    put: (name, value, metadata, deed = operatorDeed(time.now(), `writes ${name}`)) => {
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
      writers.set(stored.version, deed)
      onPut(name, value, stored.version)
      onChange()
      return stored
    },
    patch: (name, version, metadata) => replace(name, version, metadata),
    enable: (name, enabled) => {
      touch(name, { enabled })
      onChange()
    },
    crowd: (name, crowded) => {
      const tags = Array.from({ length: crowded ? mostOthers + 1 : 0 }, (_, index) => [`tag-${index}`, 'theirs'])
      touch(name, { otherTags: Object.fromEntries(tags) })
    },
    remove: (name) => {
      secrets.delete(name)
      onChange()
    },
    writer: (version) => writers.get(version)!,
    before: (name, version) => all(name)[all(name).findIndex((each) => each.version === version) - 1],
    touched: (name) => touched.get(name) ?? Number.NEGATIVE_INFINITY,
  }
}

/** Whether metadata can be written: as the adapter says before it sends anything. */
export function tagsFit({ otherTags }: Pick<StoredSecret, 'otherTags'>): boolean {
  return Object.keys(otherTags).length <= mostOthers
}

/** A disabled version cannot be read. */
function readable(stored: StoredSecret | undefined): StoredSecret | undefined {
  if (!stored || stored.enabled) return stored
  const { value: _, ...rest } = stored
  return rest
}
