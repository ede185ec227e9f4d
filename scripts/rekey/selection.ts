// Which targets a command for many is for: names, or all of a vault, a provider, a subscription, or the app.

import { asUsage } from './ended.ts'
import { pathOf } from './shown-target.ts'

export const selectOptions = {
  all: { about: 'every target' },
  vault: { value: 'URL', about: 'every target with its secrets in this vault' },
  provider: { value: 'ID', about: 'every target of this provider' },
  subscription: { value: 'GUID', about: 'every target with its resource in this subscription' },
} as const

type Selectors = {
  readonly all?: true
  readonly vault?: string
  readonly provider?: string
  readonly subscription?: string
}

/** Whether one target is named, and no other way to select is used. */
export function isOne(words: readonly string[], { all, vault, provider, subscription }: Selectors): boolean {
  return words.length === 1 && [all, vault, provider, subscription].every((each) => each === undefined)
}

/** The members of the request, and the selection as people read it. Throws Ended unless there is exactly one. */
export function selected(words: readonly string[], { all, vault, provider, subscription }: Selectors) {
  for (const name of words) pathOf(name)
  const ways = [
    words.length > 0 && {
      body: { targets: words },
      shown: words.length > 5 ? `${words.length} targets` : words.join(', '),
    },
    all && { body: { targets: 'all' }, shown: 'all targets' },
    vault !== undefined && { body: { vault }, shown: `the targets of the vault ${vault}` },
    provider !== undefined && { body: { provider }, shown: `the targets of the provider ${provider}` },
    subscription !== undefined && { body: { subscription }, shown: `the targets of the subscription ${subscription}` },
  ].filter((way) => typeof way === 'object')
  const [way] = ways
  if (way === undefined || ways.length > 1) {
    throw asUsage(
      way === undefined ? 'it is not said which targets' : 'the targets are selected in more than one way',
      'Name targets, or give one of --all, --vault, --provider and --subscription.',
    )
  }
  return way
}
