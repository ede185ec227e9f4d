// A Cognitive Services account: its state, and the hosts where it answers, by kind and host form.

import type { KeySlots } from '../keys.ts'

export interface Account {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly location: string
  /** Undefined: the account has only the region's host. */
  readonly subdomain: string | undefined
  readonly internalId: string
  readonly createdAt: number
  readonly slots: KeySlots
  /** How often the account was changed; its etag follows from this. */
  changes: number
  disableLocalAuth: boolean
}

export interface Accounts {
  add(account: Account): void
  byId(id: string): Account | undefined
  bySubdomain(name: string): Account | undefined
  /** The accounts of a region; those without one are under `global`. */
  inRegion(location: string): readonly Account[]
}

export function accountsOf(): Accounts {
  const ids = new Map<string, Account>()
  const subdomains = new Map<string, Account>()
  const regions = new Map<string, Account[]>()
  return {
    add(account) {
      ids.set(account.id.toLowerCase(), account)
      if (account.subdomain !== undefined) subdomains.set(account.subdomain, account)
      const region = account.location.toLowerCase()
      regions.set(region, [...(regions.get(region) ?? []), account])
    },
    byId: (id) => ids.get(id.toLowerCase()),
    bySubdomain: (name) => subdomains.get(name.toLowerCase()),
    inRegion: (location) => regions.get(location.toLowerCase()) ?? [],
  }
}

/** Translator's host for every region. */
export const translatorHost = 'api.cognitive.microsofttranslator.com'

/** `properties.endpoint`. A Speech account shows the address of the token exchange, path included. */
export function endpointOf(account: Account): string {
  const { kind, subdomain } = account
  if (kind === 'SpeechServices') return `${hostOf(account)}sts/v1.0/issuetoken`
  if (kind === 'TextTranslation' && subdomain === undefined) return `https://${translatorHost}/`
  return hostOf(account)
}

function hostOf({ kind, subdomain, location }: Account): string {
  if (subdomain !== undefined) {
    return kind === 'OpenAI'
      ? `https://${subdomain}.openai.azure.com/`
      : `https://${subdomain}.cognitiveservices.azure.com/`
  }
  if (location.toLowerCase() === 'global') return 'https://api.cognitive.microsoft.com/'
  return `https://${location.toLowerCase()}.api.cognitive.microsoft.com/`
}

/** Some of the names in an account's `properties.endpoints`. The three spellings of the token exchange are Azure's. */
const apis: Readonly<Record<string, readonly string[]>> = {
  AIServices: [
    'OpenAI Language Model Instance API',
    'Token Service API',
    'Content Safety',
    'Container',
    'Computer Vision',
    'FormRecognizer',
    'Token',
    'Text Analytics',
    'TextTranslation',
  ],
  OpenAI: ['OpenAI Language Model Instance API', 'OpenAI Realtime API', 'Token Service API'],
  CognitiveServices: [
    'Face',
    'Computer Vision',
    'Text Analytics',
    'TextTranslation',
    'Token',
    'Container',
    'FormRecognizer',
  ],
  TextTranslation: ['TextTranslation', 'DocumentTranslation', 'Token', 'Container'],
  SpeechServices: ['Speech Services Speech to Text v3.1', 'Container', 'Token API'],
  FormRecognizer: ['FormRecognizer', 'Container'],
  ComputerVision: ['Computer Vision', 'Container'],
}

/** `properties.endpoints`: a map by the name of the API. Empty for a kind that was never recorded. */
export function endpointsOf(account: Account): Readonly<Record<string, string>> {
  const { kind, subdomain, name } = account
  const base = kind === 'SpeechServices' ? endpointOf(account) : hostOf(account)
  const named = (apis[kind] ?? []).map((api) => [api, base] as const)
  const foundry =
    kind === 'AIServices' ? { 'AI Foundry API': `https://${subdomain ?? name}.services.ai.azure.com/` } : {}
  const translator = named.some(([api]) => api === 'TextTranslation')
    ? { 'TextTranslation-Global': `https://${translatorHost}/` }
    : {}
  return { ...foundry, ...Object.fromEntries(named), ...translator }
}
