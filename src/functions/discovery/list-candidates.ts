// GET /api/candidates: what has keys, lets them in, and is no target yet.

import { type App, loadProviders } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { minutes } from '../../engine/target.ts'
import { type Handler, json } from '../http/answer-request.ts'
import { badRequest } from '../http/body.ts'
import { readers } from '../http/caller.ts'
import { checkQuery, nextLink, skipToken as skipParameter } from '../http/paging.ts'
import type { CandidateCollection } from '../http/schemas/candidate-schema.ts'
import { type FoundProvider, findCandidates, foundIn, type Managed } from './find-candidates.ts'
import { taggedCandidates } from './tagged-candidates.ts'

const readLimit = minutes(1)
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A page of Resource Graph for each call: up to 1,000 resources, of which a page shows the candidates. Nothing is kept. */
export const listCandidates: Handler = {
  roles: readers,
  async answer({ app, request }) {
    checkQuery(request, ['provider', 'subscription', skipParameter])
    const asked = (name: string) => request.query.get(name) ?? undefined
    const subscription = asked('subscription')
    if (subscription !== undefined && !guid.test(subscription)) {
      throw badRequest('?subscription= is not the id of a subscription', 'Send its GUID.')
    }
    const providers = chosen(foundIn(await loadProviders()), asked('provider'))
    const skipToken = asked(skipParameter)
    const now = app.clock.now()
    const found = await findCandidates(
      app.azure,
      managedBy(app),
      {
        providers,
        ...(subscription === undefined ? {} : { subscription }),
        ...(skipToken === undefined ? {} : { skipToken }),
      },
      AbortSignal.timeout(readLimit),
    ).catch((thrown: unknown) => {
      throw skipToken !== undefined && isRefusedQuery(thrown) ? badToken() : thrown
    })
    const tagged = skipToken === undefined ? taggedCandidates(app, providers, subscription) : []
    // The tags of a secret say more than the inventory.
    const isTagged = ({ id }: { readonly id: string }) => tagged.some((each) => sameId(each.id, id))
    const page: CandidateCollection = {
      value: [...tagged, ...found.candidates.filter((each) => !isTagged(each))],
      ...(found.skipToken === undefined ? {} : { nextLink: nextLink(request, found.skipToken) }),
      asOf: iso(now),
      ...(found.notRead.length === 0 ? {} : { notRead: found.notRead }),
    }
    return json(200, page)
  },
}

/** The query is the same for every page: with a token it is the token that is refused. */
function isRefusedQuery(thrown: unknown): boolean {
  return thrown instanceof RekeyError && thrown.details.service?.status === 400
}

function badToken(): RekeyError {
  return badRequest(
    `Resource Graph refuses ?${skipParameter}=`,
    'Use the whole address in "nextLink" of the page before, or begin again.',
  )
}

function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function chosen(providers: readonly FoundProvider[], id: string | undefined): readonly FoundProvider[] {
  if (id === undefined) return providers
  const found = providers.filter((provider) => provider.id === id)
  if (found.length > 0) return found
  throw badRequest(
    '?provider= is none whose resources can be found',
    `There are ${providers.map((provider) => provider.id).join(', ')}.`,
  )
}

/** Names that entries cannot have, and the vault that they must name because nothing else does. */
function managedBy({ targets, reminders, configuration, settings }: App): Managed {
  const named = [...targets, ...reminders]
  const names = [...named.map(({ name }) => name), ...configuration.notApplied.map(({ target }) => target)]
  const vault = settings.vault === undefined ? mostUsed(named.map((target) => target.vault)) : undefined
  return { targets, names: new Set(names.map((name) => name.toLowerCase())), vault }
}

function mostUsed(vaults: readonly string[]): string | undefined {
  const counts = Map.groupBy(vaults, (vault) => vault)
  return [...counts].toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0]
}
