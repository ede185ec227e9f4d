// Checks the promises against the data planes after every effect.

import assert from 'node:assert/strict'
import type { Estate } from './crash-estate.ts'
import { vaultHost } from './crash-estate.ts'

interface Handed {
  readonly secret: string
  readonly key: string
  until: number
}

export interface Promises {
  /** Overlap and gaps are not promised from here on: a revoke, or a service that takes both keys. */
  excuse(): void
  /** What broke so far. */
  readonly broken: readonly string[]
  /** Checks once more, for a moment at which no effect happens. */
  check(): void
}

/** Watches an estate from now on. A ring of one has no overlap, and a gap until its next publish. */
export function promisesOf(estate: Estate): Promises {
  const { cloud, member, target, provider } = estate
  const vault = cloud.vault(vaultHost)
  const broken: string[] = []
  const handed: Handed[] = []
  let excused = provider.slots.length === 1

  function check(): void {
    const now = cloud.clock.now()
    for (const { name } of secretsThatOpen(estate)) {
      const value = vault.read(name)
      if (value === undefined) continue
      const key = keyOf(value)
      handOut(handed, name, key, now)
      if (!excused && !member.handle.accepts(key)) broken.push(`${name} holds a key that the service refuses`)
    }
    for (const { secret, key, until } of handed) {
      if (!excused && now < until + target.overlap && !member.handle.accepts(key)) {
        broken.push(`the key before in ${secret} died inside its overlap`)
      }
    }
  }

  cloud.onEffect(({ when }) => when === 'after' && check())
  return {
    broken,
    check,
    excuse: () => {
      excused = true
    },
  }
}

/** What must be true when everything has come to rest, whatever happened before. */
export function assertAtRest(estate: Estate): void {
  const { cloud, member, target } = estate
  const vault = cloud.vault(vaultHost)
  const keys = secretsWithKey(estate).map(({ name }) => keyOf(vault.read(name)!))
  assert.equal(new Set(keys).size, 1, 'every secret holds the same key')
  assert.equal(member.handle.accepts(keys[0]!), true, 'the key in the vault works')
  for (const { name } of secretsThatOpen(estate)) {
    assert.equal(member.handle.accepts(keyOf(vault.read(name)!)), true, `what ${name} holds works`)
  }
  assert.ok(estate.announced().includes(estate.version()), 'the current version was announced')
  for (const { name } of target.secrets) {
    const current = vault.versions(name)[0]!
    assert.ok(current.exp, `${name} expires`)
    assert.ok(current.tags?.['rekey'] && current.tags['CredentialId'], `${name} is tagged`)
    assert.equal(JSON.parse(current.tags['rekey']!).pending, undefined, 'nothing is pending')
  }
}

/** Those of which each holds a key, or what a key has signed. */
function secretsThatOpen({ target, provider }: Estate): Estate['target']['secrets'][number][] {
  return target.secrets.filter(({ output }) => provider.outputs[output] === 'secret')
}

/** An output with an end of its own was made from its key, and does not hold it. */
function secretsWithKey(estate: Estate): Estate['target']['secrets'][number][] {
  const made = estate.provider.lifetime?.(estate.target.resource)?.output
  return secretsThatOpen(estate).filter(({ output }) => output !== made)
}

/** What a value opens with: the key inside a connection string; else the value, a key or a signature. */
function keyOf(value: string): string {
  return /[;,](?:\w*key|password|secret)=([^;,]+)/i.exec(value)?.[1] ?? value
}

function handOut(handed: Handed[], secret: string, key: string, now: number): void {
  const last = handed.findLast((each) => each.secret === secret)
  if (last?.key === key) return
  if (last) last.until = now
  handed.push({ secret, key, until: Number.POSITIVE_INFINITY })
}
