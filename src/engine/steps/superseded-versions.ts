// Versions that were replaced before they were announced: noted by the version that covers them, announced with it.

import { overlapAfter } from '../ages.ts'
import * as events from '../events.ts'
import { type Context, isOurs, type SecretState, type State } from '../state.ts'
import type { StoredSecret } from '../stored-secret.ts'
import { leadOf } from '../target.ts'

/** How many versions that were never announced are announced with the one that covers them. */
const mostSuperseded = 25

/** The events of versions that the current ones cover, oldest first. `covering`: those that say so. Throws RekeyErrors of the vault. */
export async function supersededEvents(
  state: State,
  covering: readonly SecretState[],
  context: Context,
): Promise<readonly events.RekeyEvent[]> {
  const histories = await historiesOf(state, context)
  const covered = covering.flatMap(({ name }) => coveredIn(state, context, name, histories[name]!))
  return covered
    .toSorted((one, other) => one.created - other.created)
    .flatMap((version) => eventOf(state, context, version, histories))
}

/** Of every secret, newest first, the current version left out. */
async function historiesOf(
  { target, stored }: State,
  { vault, session }: Context,
): Promise<Record<string, readonly StoredSecret[]>> {
  const histories: Record<string, readonly StoredSecret[]> = {}
  for (const { name } of target.secrets) {
    const versions = await session.read((signal) => vault.versions(name, mostSuperseded + 1, signal))
    histories[name] = versions.filter(({ version }) => version !== stored[name]?.version)
  }
  return histories
}

/** Each version that covers another says so, down to the first that does not. */
function coveredIn(
  { target }: State,
  { ports }: Context,
  name: string,
  history: readonly StoredSecret[],
): readonly StoredSecret[] {
  const ours = history.filter((version) => isOurs(target, version))
  const last = ours.findIndex(({ stamps }) => !stamps!.behind)
  if (last >= 0) return ours.slice(0, last + 1)
  const fields = { target: target.name, secret: name, announced: ours.length }
  ports.log('error', 'older versions were replaced before they were announced, and never will be', fields)
  return ours
}

/** The event as it would have been then, with the versions that were current when this one was. */
function eventOf(
  { target, twoSlots }: State,
  { ports }: Context,
  version: StoredSecret,
  histories: Readonly<Record<string, readonly StoredSecret[]>>,
): readonly events.RekeyEvent[] {
  const then = target.secrets.flatMap(({ name }) => {
    if (name === version.name) return [version]
    return histories[name]!.find(({ created }) => created <= version.created) ?? []
  })
  const lead = then.find(({ name }) => name === leadOf(target).name)
  if (!lead) return []
  return [
    events.published(target, lead, version, then, {
      overlap: overlapAfter(target, twoSlots, lead),
      now: ports.clock.now(),
    }),
  ]
}
