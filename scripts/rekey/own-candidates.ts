// Candidates without a deployed app: what the operator may read, by the sign-in of az, less what a targets.json has.

import { createAzureClients } from '../../src/azure/clients.ts'
import type { Cloud } from '../../src/azure/clouds.ts'
import { credential } from '../../src/azure/credential.ts'
import { readTargetsFile } from '../../src/config/targets.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { type Candidate, findCandidates, foundIn, type NotRead } from '../../src/functions/discovery/find-candidates.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { asUsage, Ended } from './ended.ts'

export interface OwnSearch {
  readonly registry: readonly KeyProvider[]
  readonly cloud: Cloud
  /** The text of targets.json; undefined: there is none. */
  readonly text: string | undefined
  readonly provider?: string | undefined
  readonly subscription?: string | undefined
}

/** Every page. Throws Ended. */
export async function ownCandidates(search: OwnSearch): Promise<{
  readonly value: readonly Candidate[]
  readonly asOf: string
  readonly notRead?: readonly NotRead[]
}> {
  const { registry, cloud, text, provider, subscription } = search
  const now = Date.now()
  const providers = foundIn(registry).filter(({ id }) => provider === undefined || id === provider)
  if (providers.length === 0)
    throw asUsage('--provider is none whose resources can be found', 'See docs/guides/discovery.md.')
  const vault = `https://any-vault.${cloud.vaultSuffix}`
  const file = text === undefined ? undefined : readTargetsFile(text, { registry, cloud: cloud.name, now, vault })
  const targets = file?.entries.flatMap(({ target }) => target ?? []) ?? []
  const names = new Set(file?.entries.flatMap(({ name }) => name?.toLowerCase() ?? []))
  const managed = process.env['IDENTITY_ENDPOINT'] !== undefined
  const azure = createAzureClients({ cloud, credential: credential({ authority: cloud.authority, managed }) })
  const value: Candidate[] = []
  const notRead: NotRead[] = []
  try {
    for (let skipToken: string | undefined, more = true; more; more = skipToken !== undefined) {
      const page = await findCandidates(
        azure,
        { targets, names },
        { providers, ...(subscription && { subscription }), ...(skipToken && { skipToken }) },
        AbortSignal.timeout(60_000),
      )
      for (const candidate of page.candidates) names.add(String(candidate.targetsEntry['name']).toLowerCase())
      value.push(...page.candidates)
      notRead.push(...page.notRead)
      skipToken = page.skipToken
    }
  } catch (thrown) {
    if (!(thrown instanceof RekeyError)) throw thrown
    const { code, message, details } = thrown
    const reason = { code, detail: message, ...(details.remedy === undefined ? {} : { remedy: details.remedy }) }
    throw new Ended(code === 'PermissionDenied' ? 'forbidden' : 'failed', reason)
  }
  return { value, asOf: new Date(now).toISOString(), ...(notRead.length === 0 ? {} : { notRead }) }
}
