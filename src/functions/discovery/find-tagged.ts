// Finds secrets with the three tags of Microsoft's rotation templates, in the vaults that targets.json names for it.

import type { ListedSecret, ListedVault } from '../../azure/key-vault.ts'
import {
  type App,
  type Compose,
  keyOf,
  loadProviders,
  type NotTaken,
  placeOfTagged,
  type TaggedSecret,
} from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { KeyProvider } from '../../providers/provider.ts'
import { atMost } from '../shared/at-most.ts'
import { joined } from '../shared/excerpt.ts'

/** How many vaults are listed at once. */
const vaults = 16

interface Finding {
  readonly log: Log
  /** Records a failure, and lets the rest go on. */
  collect(thrown: unknown, place: string): unknown
  readonly signal: AbortSignal
}

/**
 * The app with the targets that tags make now. What was listed is not listed again: the vaults of the app that is returned show it.
 * A vault that cannot be listed keeps what was found in it before.
 */
export async function withTagged(app: App, compose: Compose, finding: Finding): Promise<App> {
  const { discover } = app.configuration
  if (discover === undefined) return app
  const { collect, signal } = finding
  const listed = new Map<string, readonly ListedSecret[]>()
  await atMost(vaults, discover.vaults, async (url) => {
    try {
      listed.set(url, await listAll(app.vault(url), signal))
    } catch (thrown) {
      collect(thrown, url)
    }
  })
  try {
    await record(app, listed, signal)
  } catch (thrown) {
    collect(thrown, 'tagged secrets')
  }
  const composed = await compose()
  const now = 'app' in composed ? composed.app : app
  report(now.notTaken, finding)
  return { ...now, vault: (url) => replayed(now.vault(url), listed.get(url)) }
}

async function listAll(vault: ListedVault, signal: AbortSignal): Promise<readonly ListedSecret[]> {
  const all: ListedSecret[] = []
  for await (const page of vault.listCurrent(signal)) all.push(...page)
  return all
}

function replayed(vault: ListedVault, listed: readonly ListedSecret[] | undefined): ListedVault {
  if (listed === undefined) return vault
  return {
    ...vault,
    async *listCurrent() {
      yield listed
    },
  }
}

/** Writes down what was found; what was verified stays so while secret and resource are the same. */
async function record(
  app: App,
  listed: ReadonlyMap<string, readonly ListedSecret[]>,
  signal: AbortSignal,
): Promise<void> {
  const found = [...listed].flatMap(([url, secrets]) => secrets.flatMap((secret) => taggedIn(url, secret) ?? []))
  const providers = found.length === 0 ? [] : await loadProviders()
  const withProvider = found.map((each): TaggedSecret => {
    const provider = providerFor(each.address, providers)?.id
    return { ...each, ...(provider === undefined ? {} : { provider }) }
  })
  await app.tagged.update((before) => {
    const verified = new Set(before.filter((each) => each.verified).map(keyOf))
    const kept = before.filter(({ vault }) => !listed.has(vault) && app.configuration.discover?.vaults.includes(vault))
    const after = withProvider.map((each) => (verified.has(keyOf(each)) ? { ...each, verified: true as const } : each))
    return [...kept, ...after].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }, signal)
}

/**
 * Undefined: it lacks a tag, or belongs to a target that targets.json has, or had: whoever removes an entry wants its secret left alone. The
 * name of a target that tags make is that of its secret.
 */
function taggedIn(vault: string, { name, slot, address, validity, stamps }: ListedSecret): TaggedSecret | undefined {
  if (slot === undefined || address === undefined || validity === undefined) return undefined
  if (stamps !== undefined && stamps.target !== name) return undefined
  return { vault, name, slot, address, validity }
}

/** The provider whose targets need no more than the id of such a resource. */
function providerFor(address: string, providers: readonly KeyProvider[]): KeyProvider | undefined {
  return providers.find(
    ({ resource, outputs }) => outputs['key'] === 'secret' && resource.safeParse({ resource: address }).success,
  )
}

/** In one line, and one failure: there may be thousands. */
function report(notTaken: readonly NotTaken[], { log, collect }: Finding): void {
  if (notTaken.length === 0) return
  const sentences = (each: readonly NotTaken[]) =>
    joined(each.map(({ secret, message }) => `${placeOfTagged(secret)}: ${message}`))
  log('warn', 'tagged secrets not taken', { count: notTaken.length, why: sentences(notTaken) })
  // Something that was rotated until now may have stopped.
  const contested = notTaken.filter((each) => each.contested)
  const [first] = contested
  if (first === undefined) return
  const { remedy } = first
  collect(new RekeyError('BadConfiguration', { message: sentences(contested), remedy }), 'tagged secrets')
}
