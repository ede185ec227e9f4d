// Versions that were replaced before they were announced: noted by the version that covers them, announced with it.

import { overlapAfter } from '../ages.ts'
import * as events from '../events.ts'
import type { StoredSecret } from '../observation.ts'
import { isOurs } from '../situation.ts'
import { leadOf, type SecretName } from '../target.ts'
import type { Work } from '../work.ts'

/** How many versions that were never announced are announced with the one that covers them. */
const mostSuperseded = 25

/** What the stamps of a version say that is written now: whether it covers one that has to be announced, or that says so itself. */
export function coverageOf(work: Work, { name }: SecretName): { readonly behind?: true } {
  const { target, stored, earlier } = work
  const covered = isOurs(target, stored[name]) ? stored[name] : earlier[name]
  if (!covered?.stamps) return {}
  const lead = stored[leadOf(target).name]
  // An output that was written before the lead was announced with it.
  const own = name === leadOf(target).name || (lead !== undefined && covered.created > lead.created)
  return covered.stamps.behind || (own && !covered.stamps.announced) ? { behind: true } : {}
}

/** The events of versions that the current ones cover, oldest first. Throws RekeyErrors of the vault. */
export async function supersededEvents(work: Work): Promise<readonly events.RekeyEvent[]> {
  const { target, stored } = work
  const behind = target.secrets.filter(({ name }) => isOurs(target, stored[name]) && stored[name]?.stamps?.behind)
  if (behind.length === 0) return []
  const histories = await historiesOf(work)
  const covered = behind.flatMap(({ name }) => coveredIn(work, name, histories[name]!))
  return covered
    .toSorted((one, other) => one.created - other.created)
    .flatMap((version) => eventOf(work, version, histories))
}

/** Of every secret, newest first, the current version left out. */
async function historiesOf({ target, stored, vault, session }: Work): Promise<Record<string, readonly StoredSecret[]>> {
  const histories: Record<string, readonly StoredSecret[]> = {}
  for (const { name } of target.secrets) {
    const versions = await session.read((signal) => vault.versions(name, mostSuperseded + 1, signal))
    histories[name] = versions.filter(({ version }) => version !== stored[name]?.version)
  }
  return histories
}

/** Each version that covers another says so, down to the first that does not. */
function coveredIn({ target, ports }: Work, name: string, history: readonly StoredSecret[]): readonly StoredSecret[] {
  const ours = history.filter((version) => isOurs(target, version))
  const last = ours.findIndex(({ stamps }) => !stamps!.behind)
  if (last >= 0) return ours.slice(0, last + 1)
  const fields = { target: target.name, secret: name, announced: ours.length }
  ports.log('error', 'older versions were replaced before they were announced, and never will be', fields)
  return ours
}

/** The event as it would have been then, with the versions that were current when this one was. */
function eventOf(
  work: Work,
  version: StoredSecret,
  histories: Readonly<Record<string, readonly StoredSecret[]>>,
): readonly events.RekeyEvent[] {
  const { target, ports } = work
  const then = target.secrets.flatMap(({ name }) => {
    if (name === version.name) return [version]
    return histories[name]!.find(({ created }) => created <= version.created) ?? []
  })
  const lead = then.find(({ name }) => name === leadOf(target).name)
  if (!lead) return []
  return [
    events.published(target, lead, version, then, {
      overlap: overlapAfter(target, work.ring, lead),
      now: ports.clock.now(),
    }),
  ]
}
