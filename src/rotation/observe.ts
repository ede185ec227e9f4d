// Room: the core. Reads back what is true: the ring from the service, the secrets from the vault.

import type { Observation, StoredSecret } from './observation.ts'
import type { KeyHolder, Vault } from './ports.ts'
import { isOurs, liveSlots } from './situation.ts'
import type { SecretName, Target } from './target.ts'

/** How far back to look for a version of ours under somebody else's. */
const versionsToSearch = 25

/** One look at everything. Throws RekeyErrors of the service or the vault. */
export async function observe(
  target: Target,
  holder: KeyHolder,
  vault: Vault,
  signal: AbortSignal,
): Promise<Observation> {
  // One after the other: a value written between the two looks would seem dead if the ring were the older one.
  const ring = await holder.read(signal)
  const current = await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal)))
  const stored: Record<string, StoredSecret | undefined> = {}
  const earlier: Record<string, StoredSecret | undefined> = {}
  for (const [index, secret] of target.secrets.entries()) {
    const now = current[index]
    stored[secret.name] = now
    if (now && !isOurs(target, now) && needsHistory(target, secret, liveSlots(ring, secret, now).length)) {
      earlier[secret.name] = await formerOurs(target, secret, vault, signal)
    }
  }
  return { ring, stored, earlier }
}

/** The lead's history tells how old its keys are; another secret's only whether it is ours at all. */
function needsHistory(target: Target, secret: SecretName, live: number): boolean {
  return secret === target.secrets[0] || live === 0
}

async function formerOurs(
  target: Target,
  secret: SecretName,
  vault: Vault,
  signal: AbortSignal,
): Promise<StoredSecret | undefined> {
  const versions = await vault.versions(secret.name, versionsToSearch, signal)
  const ours = versions.find((version) => isOurs(target, version))
  if (!ours?.enabled) return ours
  return (await vault.version(secret.name, ours.version, signal)) ?? ours
}
