// Where a key, or a signature made with it, may be sent.

import type { Log } from '../../engine/ports.ts'

/**
 * The address `path` at `endpoint`, if a key may be sent there: https, the standard port, no user name, and a host that is
 * one of `suffixes` (host names of the service in the configured cloud, without a leading dot) or below one. Otherwise
 * undefined: the key is not sent, the verdict is `unknown`, and the log says which host was refused and why.
 *
 * `endpoint` comes from a service's answer. Whoever can change that answer must not be able to collect keys with it.
 */
export function keyAddress(
  endpoint: string,
  path: string,
  suffixes: readonly string[],
  log: Log | undefined,
): URL | undefined {
  const url = URL.canParse(path, endpoint) ? new URL(path, endpoint) : undefined
  const why = url === undefined ? 'it is not a URL' : objectionTo(url, suffixes)
  if (why === undefined) return url
  log?.('warn', 'the probe did not send the key to this host', { host: url?.hostname.slice(0, 253), why })
  return undefined
}

function objectionTo({ protocol, port, username, password, hostname }: URL, suffixes: readonly string[]) {
  if (protocol !== 'https:') return 'it is not https'
  if (port !== '') return 'it has a port of its own'
  if (username !== '' || password !== '') return 'it carries a user name'
  // The URL parser has made the host lower case and resolved what browsers read as a dot or a slash.
  const known = suffixes.some((suffix) => hostname === suffix || hostname.endsWith(`.${suffix}`))
  return known ? undefined : 'it is not a host of this service in the configured cloud'
}
