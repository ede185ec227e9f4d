// Tagged secrets that are no targets, and could be: with an entry for targets.json, and with the reason.

import { type App, placeOfTagged } from '../../compose.ts'
import type { Candidate, FoundProvider } from './find-candidates.ts'

/** As the last tick found them. `subscription`: only resources of this one. */
export function taggedCandidates(
  { notTaken }: Pick<App, 'notTaken'>,
  providers: readonly FoundProvider[],
  subscription: string | undefined,
): readonly Candidate[] {
  return notTaken.flatMap(({ secret, message, remedy, entry }): readonly Candidate[] => {
    const provider = providers.find(({ id }) => id === secret.provider)
    const read = provider?.resource.safeParse({ resource: secret.address })
    if (entry === undefined || provider === undefined || !read?.success) return []
    const { address, scope = address } = provider.place(read.data)
    const [, , ofResource = '', , resourceGroup = ''] = address.split('/')
    if (subscription !== undefined && ofResource.toLowerCase() !== subscription.toLowerCase()) return []
    return [
      {
        ...{ id: scope, name: scope.split('/').at(-1)!, type: provider.discovery.type },
        ...{ provider: provider.id, title: provider.title, subscription: ofResource, resourceGroup },
        from: 'tags',
        targetsEntry: entry,
        grant: `${provider.id}=${scope}`,
        note: `${placeOfTagged(secret)} has the tags of Microsoft's templates, and is no target: ${message}. ${remedy}`,
      },
    ]
  })
}
