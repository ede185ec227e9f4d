// Which hosts may receive a token. A setting that names another host gets none: whoever can write a setting or a DNS
// record must not be able to collect tokens with it.

import { RekeyError } from '../engine/rekey-error.ts'
import type { Cloud } from './clouds.ts'

/** The hosts of one service in one cloud. */
export interface Hosts {
  /** Matches a whole host name in lower case. */
  readonly pattern: RegExp
  /** The form of their addresses, for messages. */
  readonly form: string
}

/**
 * The hosts of storage accounts. An account has 3 to 24 lower-case letters and digits; `-secondary` is its copy for reading;
 * an account with a DNS zone endpoint has `z00` to `z99` and another suffix, documented for the public cloud only.
 * A private endpoint is reached by these names too. A custom domain is not among them: anything may be behind it.
 * Source: learn.microsoft.com, "Storage account overview" (endpoints) and "Get endpoints for a storage account".
 */
export function storageHosts(cloud: Cloud, service: 'blob' | 'queue'): Hosts {
  const suffixes = [
    `${service}\\.${escaped(cloud.storageSuffix)}`,
    ...(cloud.storageZoneSuffix ? [`z\\d\\d\\.${service}\\.${escaped(cloud.storageZoneSuffix)}`] : []),
  ]
  return {
    pattern: new RegExp(`^[a-z0-9]{3,24}(-secondary)?\\.(${suffixes.join('|')})$`),
    form: `https://<account>.${service}.${cloud.storageSuffix}`,
  }
}

/** The hosts of Event Grid topics: `<topic>.<region>-<number>.<suffix>`. */
export function topicHosts(cloud: Cloud): Hosts {
  return {
    pattern: new RegExp(`^[a-z0-9-]+(\\.[a-z0-9-]+)+\\.${escaped(cloud.topicSuffix)}$`),
    form: `https://<topic>.<region>.${cloud.topicSuffix}/api/events`,
  }
}

/** The telemetry ingestion hosts. Source: learn.microsoft.com, "Azure Monitor endpoint access and firewall configuration". */
export function telemetryHosts(cloud: Cloud): Hosts {
  const suffixes = cloud.telemetrySuffixes.map(escaped).join('|')
  return {
    pattern: new RegExp(`^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.(${suffixes})$`),
    form: `https://<region>.in.${cloud.telemetrySuffixes[0]}`,
  }
}

/** Why an address is not one of these; undefined: it is. Besides the host: https, the default port and no user name. */
export function objectionTo(address: string, hosts: Hosts): string | undefined {
  const url = URL.parse(address)
  if (url?.protocol !== 'https:') return 'is not an https URL'
  if (url.username || url.password) return 'carries a user name or a password'
  if (url.port !== '') return 'names a port'
  return hosts.pattern.test(url.hostname) ? undefined : 'names a host to which this app sends no token'
}

/**
 * Throws RekeyError `BadConfiguration` unless the address is at a host of the cloud. Checked for every raw call with a token.
 * `ofService`: suffixes of host names, without a leading dot, of the service that the call is for.
 */
export function assertTokenHost(address: string, cloud: Cloud, ofService: readonly string[] = []): void {
  const url = URL.parse(address)
  const host = url?.hostname ?? ''
  const plain = url?.protocol === 'https:' && url.port === '' && url.username === '' && url.password === ''
  const exact = [cloud.resourceManager, cloud.graph].map((origin) => new URL(origin).hostname)
  const below = [cloud.vaultSuffix, cloud.topicSuffix, ...ofService].map((suffix) => `.${suffix}`)
  const known = exact.includes(host) || below.some((suffix) => host.endsWith(suffix))
  if (plain && (known || storageHosts(cloud, 'blob').pattern.test(host))) return
  throw new RekeyError('BadConfiguration', {
    message: `no token is sent to ${plain ? host : 'an address with a port or a user name, or without https'}: it is not a host of the cloud ${cloud.name}`,
    remedy: 'Correct the address, or the setting AZURE_CLOUD.',
  })
}

function escaped(suffix: string): string {
  return suffix.replaceAll('.', '\\.')
}
