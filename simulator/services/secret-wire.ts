// The bodies of the secrets API: what it accepts, what it answers, and its pages.

import type { Call, Reply } from '../service-operations.ts'
import type { SecretVersion, StoredSecret, VaultStore } from './vault-store.ts'

/** The largest page the service returns. */
const pageSize = 25
/** In a page's link: one more empty page will follow. Sorts before every name and id. */
const emptyMark = '\u0001'

/** The body of a set or an update, as far as it is used. */
export interface Parameters {
  readonly value?: unknown
  readonly contentType?: string
  readonly tags?: Record<string, string>
  readonly attributes?: { readonly enabled?: boolean; readonly nbf?: number; readonly exp?: number }
}

/** The body of a set or an update; throws the service's 400 for names, tags and times it does not accept. */
export function parameters(call: Call): Parameters {
  const given = call.json() as Parameters
  const bad = (message: string) => call.refuse(400, 'BadParameter', message)
  const tags = Object.entries(given.tags ?? {})
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(call.params['name']!)) throw bad('The request URI contains an invalid name.')
  if ((given.contentType?.length ?? 0) > 255) throw bad('The content type is too long.')
  if (tags.length > 15) throw bad('A maximum of 15 tags can be specified.')
  for (const [name, value] of tags) {
    if (typeof value !== 'string' || value.length > 512 || name.length > 512)
      throw bad('The tag name or value is invalid.')
  }
  for (const time of [given.attributes?.nbf, given.attributes?.exp]) {
    if (time !== undefined && time !== null && !Number.isInteger(time)) throw bad('Times are Unix seconds.')
  }
  return given
}

/** What is given replaces, what is omitted stays; tags as a whole. */
export function describe(version: SecretVersion, { contentType, tags, attributes }: Parameters): void {
  version.contentType = contentType ?? version.contentType
  version.tags = tags ?? version.tags
  version.enabled = attributes?.enabled ?? version.enabled
  version.nbf = attributes?.nbf ?? version.nbf
  version.exp = attributes?.exp ?? version.exp
}

/** A version without its value, as listings show it. */
export function item(store: VaultStore, secret: StoredSecret, version: SecretVersion, versioned: boolean): object {
  const { contentType, tags, enabled, nbf, exp, created, updated } = version
  return {
    id: `https://${store.host}/secrets/${secret.name}${versioned ? `/${version.id}` : ''}`,
    ...(contentType === undefined ? {} : { contentType }),
    attributes: {
      enabled,
      ...(nbf === undefined ? {} : { nbf }),
      ...(exp === undefined ? {} : { exp }),
      created: Math.floor(created / 1000),
      updated: Math.floor(updated / 1000),
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
    },
    ...(tags === undefined ? {} : { tags }),
  }
}

/** A version without its value, with its versioned id. */
export function bundle(store: VaultStore, secret: StoredSecret, version: SecretVersion): object {
  return item(store, secret, version, true)
}

/** A deleted secret, without its value. */
export function deletedBundle(store: VaultStore, secret: StoredSecret): object {
  const deletedDate = Math.floor(secret.deletedAt! / 1000)
  return {
    recoveryId: `https://${store.host}/deletedsecrets/${secret.name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + 90 * 24 * 60 * 60,
    ...bundle(store, secret, secret.versions.at(-1)!),
  }
}

/** Pages by key rather than by number, so that a write between two pages neither repeats nor skips any other item. */
export function page<T>(call: Call, all: readonly T[], keyOf: (one: T) => string, show: (one: T) => object): Reply {
  const asked = call.query.get('maxresults')
  const size = asked === null ? pageSize : Number(asked)
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    throw call.refuse(400, 'BadParameter', 'The value of maxresults is out of range.')
  }
  const token = call.query.get('$skiptoken')
  const after = Buffer.from(token ?? '', 'base64url').toString()
  // The number of empty pages still to come. No name begins with the mark.
  const empty = token === null ? call.emptyPages : after.startsWith(emptyMark) ? after.length - 1 : 0
  const rest = all.filter((one) => keyOf(one) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const shown = rest.slice(0, size)
  const link = (skipTo: string) => {
    const query = new URLSearchParams({
      'api-version': call.query.get('api-version')!,
      $skiptoken: Buffer.from(skipTo).toString('base64url'),
      maxresults: String(size),
    })
    return `https://${call.host}:443${call.url.pathname}?${query}`
  }
  if (empty > 0) return { status: 200, body: { value: [], nextLink: link(emptyMark.repeat(empty)) } }
  const nextLink = rest.length > size ? link(keyOf(shown.at(-1)!)) : null
  return { status: 200, body: { value: shown.map(show), nextLink } }
}
