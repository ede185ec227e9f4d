// Which hosts may receive a token. A setting that names another host gets none: whoever can write a setting or a DNS
// record must not be able to collect tokens with it.

import { RekeyError } from '../rotation/errors.ts'
import type { Cloud } from './clouds.ts'

/** The hosts of one service in one cloud. */
export interface Hosts {
  /** Fits a whole host name in lower case. */
  readonly pattern: RegExp
  /** The form of their addresses, for people. */
  readonly form: string
}

/**
 * The hosts of storage accounts. An account has 3 to 24 lower-case letters and digits; `-secondary` is its copy for reading;
 * an account with a DNS zone of its own has `z00` to `z99` and another suffix, documented for the public cloud alone.
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

/** The hosts that take telemetry in. Source: learn.microsoft.com, "Azure Monitor endpoint access and firewall configuration". */
export function telemetryHosts(cloud: Cloud): Hosts {
  const suffixes = cloud.telemetrySuffixes.map(escaped).join('|')
  return {
    pattern: new RegExp(`^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.(${suffixes})$`),
    form: `https://<region>.in.${cloud.telemetrySuffixes[0]}`,
  }
}

/** Why an address is none of these; undefined: it is one. Default port, https and no user name, besides the host. */
export function objectionTo(address: string, hosts: Hosts): string | undefined {
  const url = URL.parse(address)
  if (url?.protocol !== 'https:') return 'is no https URL'
  if (url.username || url.password) return 'carries a user name or a password'
  if (url.port !== '') return 'names a port'
  return hosts.pattern.test(url.hostname) ? undefined : 'names a host that gets no token of this app'
}

/** Throws RekeyError `BadConfiguration` unless the address is at a host of the cloud. Every raw call with a token passes here. */
export function assertTokenHost(address: string, cloud: Cloud): void {
  const url = URL.parse(address)
  const host = url?.hostname ?? ''
  const plain = url?.protocol === 'https:' && url.port === '' && url.username === '' && url.password === ''
  const exact = [cloud.resourceManager, cloud.graph].map((origin) => new URL(origin).hostname)
  const below = [cloud.vaultSuffix, cloud.topicSuffix, cloud.iotHubSuffix].map((suffix) => `.${suffix}`)
  const known = exact.includes(host) || below.some((suffix) => host.endsWith(suffix))
  if (plain && (known || storageHosts(cloud, 'blob').pattern.test(host))) return
  throw new RekeyError('BadConfiguration', {
    message: `no token is sent to ${plain ? host : 'an address with a port or a user name, or without https'}: it is no host of the cloud ${cloud.name}`,
    remedy: 'Correct the address, or AZURE_CLOUD.',
  })
}

function escaped(suffix: string): string {
  return suffix.replaceAll('.', '\\.')
}
