// Finds the targets whose keys belong to a resource that an event names.

import type { App } from '../../compose.ts'
import type { Target } from '../../engine/target.ts'

interface Index {
  /** By the id of the credential's own resource. */
  readonly own: ReadonlyMap<string, readonly Target[]>
  /** By the id of a resource above it. */
  readonly above: ReadonlyMap<string, readonly Target[]>
}

/** A burst of events asks for the same targets: their ids are taken apart once for each version of targets.json. */
const indexes = new WeakMap<readonly Target[], Index>()

/** `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/n`, split: what is shorter is no resource. */
const outermost = 9

/**
 * The targets whose credential is in the resource, in one above it, or in one below it: a write of a hub changes all of its policies. `resource`
 * is an ARM id in lower case. A target without an ARM id, such as a device, is never one of them.
 */
export function targetsOf(app: Pick<App, 'targets' | 'placeOf'>, resource: string): readonly Target[] {
  const { own, above } = indexes.get(app.targets) ?? indexed(app)
  const below = idsAbove(resource).flatMap((id) => own.get(id) ?? [])
  return [...(own.get(resource) ?? []), ...(above.get(resource) ?? []), ...below]
}

function indexed({ targets, placeOf }: Pick<App, 'targets' | 'placeOf'>): Index {
  const own = new Map<string, Target[]>()
  const above = new Map<string, Target[]>()
  for (const target of targets) {
    const id = placeOf(target).address.toLowerCase()
    if (!id.startsWith('/subscriptions/')) continue
    add(own, id, target)
    for (const higher of idsAbove(id)) add(above, higher, target)
  }
  const index = { own, above }
  indexes.set(targets, index)
  return index
}

/** The ids of the resources above one, down to the outermost. */
function idsAbove(id: string): string[] {
  const parts = id.split('/')
  const lengths = Array.from(
    { length: Math.max(Math.ceil((parts.length - outermost) / 2), 0) },
    (_, n) => outermost + 2 * n,
  )
  return lengths.map((length) => parts.slice(0, length).join('/'))
}

function add(index: Map<string, Target[]>, id: string, target: Target): void {
  const known = index.get(id)
  if (known === undefined) index.set(id, [target])
  else known.push(target)
}
