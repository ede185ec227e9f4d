// Where and how the key of a Cognitive Services account is tried. The account's own description names what it serves; the
// list by kind is for accounts that name no token exchange. Sources and what is unverified: docs/providers/cognitive-services.md, decision 020.

import type { AzureClients } from '../../azure/clients.ts'
import type { ServiceHosts } from '../provider.ts'
import type { ProbeAnswer } from './verdict.ts'

/** What the control plane says of an account, as far as a probe needs it. */
export interface AccountDescription {
  readonly kind?: string | undefined
  /** `westeurope`, `WESTEUROPE` or `West Europe`; `global` for a Translator without a region. */
  readonly location?: string | undefined
  /** `properties.endpoint`: of the custom subdomain, the region, or Translator. */
  readonly endpoint?: string | undefined
  /** `properties.endpoints`: address by the name of the API. */
  readonly endpoints?: Readonly<Record<string, unknown>> | undefined
}

export interface CognitiveProbe {
  readonly method: 'GET' | 'POST'
  readonly endpoint: string
  readonly path: string
  /** Beside the key. */
  readonly headers: Readonly<Record<string, string>>
}

type CloudName = AzureClients['cloud']['name']

/** Hosts that take the keys of accounts: custom subdomains, regional hosts, Azure OpenAI, AI Foundry, Translator. */
export const cognitiveHosts: ServiceHosts = {
  public: [
    'cognitiveservices.azure.com',
    'api.cognitive.microsoft.com',
    'openai.azure.com',
    'services.ai.azure.com',
    'cognitive.microsofttranslator.com',
  ],
  usgov: [
    'cognitiveservices.azure.us',
    'api.cognitive.microsoft.us',
    'openai.azure.us',
    'services.ai.azure.us',
    'cognitive.microsofttranslator.us',
  ],
  china: ['cognitiveservices.azure.cn', 'api.cognitive.azure.cn', 'openai.azure.cn', 'translator.azure.cn'],
}

/** Behind a region's name: where accounts without a custom subdomain answer. */
const regionalHosts: Readonly<Record<CloudName, string>> = {
  public: 'api.cognitive.microsoft.com',
  usgov: 'api.cognitive.microsoft.us',
  china: 'api.cognitive.azure.cn',
}

/** How accounts spell the API that exchanges a key for a token: OpenAI and AIServices, Translator and multi-service, Speech. */
const tokenServices = ['Token Service API', 'Token', 'Token API']
const tokenExchange = '/sts/v1.0/issueToken'

const models = '/openai/models?api-version=2024-10-21'
const visionModels = '/vision/v3.2/models'
/** Reads that an account of the kind answers. */
const readsByKind: Readonly<Record<string, string>> = {
  OpenAI: models,
  AIServices: models,
  FormRecognizer: '/documentintelligence/info?api-version=2024-11-30',
  ComputerVision: visionModels,
  CognitiveServices: visionModels,
  ContentSafety: '/contentsafety/text/blocklists?api-version=2024-09-01',
  TextAnalytics: '/language/authoring/analyze-text/projects?api-version=2023-04-01',
  Face: '/face/v1.0/largepersongroups?top=1',
}

/**
 * The requests that try a key of this account, the best first; the next one is for a path that turns out to be gone. Empty
 * where none is known. Inputs come from the service: nothing is trusted.
 */
export function cognitiveProbes(account: AccountDescription, cloud: CloudName): readonly CognitiveProbe[] {
  const { kind = '', endpoint, endpoints = {} } = account
  const named = tokenServices.map((name) => endpoints[name]).find((address) => typeof address === 'string')
  const exchange = named ?? (exchangesByKind.includes(kind) ? exchangeHost(account, cloud) : undefined)
  const headers = { accept: '*/*', ...regionOf(account) }
  const path = readsByKind[kind]
  return [
    ...(exchange === undefined ? [] : [{ method: 'POST' as const, endpoint: exchange, path: tokenExchange, headers }]),
    ...(path === undefined || endpoint === undefined ? [] : [{ method: 'GET' as const, endpoint, path, headers: {} }]),
  ]
}

/** Kinds whose documentation has the exchange, though the account may not name it. */
const exchangesByKind: readonly string[] = ['SpeechServices', 'TextTranslation']

/** Translator's own host is documented without the exchange: there, the region's host has it. */
function exchangeHost({ kind, endpoint, location }: AccountDescription, cloud: CloudName): string | undefined {
  if (kind !== 'TextTranslation' || !(endpoint === undefined || isTranslatorHost(endpoint))) return endpoint
  const region = regionName(location)
  if (region === undefined) return undefined
  return region === 'global' ? `https://${regionalHosts[cloud]}/` : `https://${region}.${regionalHosts[cloud]}/`
}

function isTranslatorHost(endpoint: string): boolean {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  return /\.(microsofttranslator\.(com|us)|translator\.azure\.cn)$/.test(host)
}

/** Translator refuses a valid key of a region without this header; other services ignore it. */
function regionOf({ location }: AccountDescription): Record<string, string> {
  const region = regionName(location)
  return region === undefined || region === 'global' ? {} : { 'Ocp-Apim-Subscription-Region': region }
}

function regionName(location: string | undefined): string | undefined {
  const name = location?.replaceAll(' ', '').toLowerCase() ?? ''
  return /^[a-z0-9]+$/.test(name) ? name : undefined
}

/**
 * Whether an answer says that the path is no longer there, rather than anything about the key: 404, 410, or a code with
 * "Retired" or "Deprecated" in it. What the paths that ended on 2026-09-13 answer is unverified.
 */
export function isPathGone({ status, text }: ProbeAnswer): boolean {
  if (status === 404 || status === 410) return true
  return status >= 400 && /"code"\s*:\s*"\w*(Retired|Deprecated)\w*"/i.test(text)
}
