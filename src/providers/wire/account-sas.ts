// The account SAS of a storage account: what it allows and until when, signed with a key. It is the same each time it is made.

import type { Secret } from '../../engine/secret.ts'
import type { Instant } from '../../engine/target.ts'
import { signedWith } from './key-material.ts'

/** What an account SAS allows, in the letters of its parameters. */
export interface AccountSas {
  /** `ss`: b, t, q, f */
  readonly services: string
  /** `srt`: s, c, o */
  readonly resourceTypes: string
  /** `sp`: in the documented order */
  readonly permissions: string
  readonly expiresAt: Instant
}

/** The letters of each parameter, in the order in which Azure's SDKs write them. */
export const sasLetters = { services: 'btqf', resourceTypes: 'sco', permissions: 'rwdxftlacupiy' } as const

/** Of an account SAS: the version that introduced the line for an encryption scope is 2020-12-06. */
const sasVersion = '2021-12-02'

/** The query string of an account SAS, for HTTPS alone, without a question mark. "Create an account SAS", version 2020-12-06 and later. */
export function accountSas(account: string, key: Secret, sas: AccountSas): Secret {
  const inOrder = (given: string, letters: string) => [...letters].filter((letter) => given.includes(letter)).join('')
  const services = inOrder(sas.services, sasLetters.services)
  const types = inOrder(sas.resourceTypes, sasLetters.resourceTypes)
  const permissions = inOrder(sas.permissions, sasLetters.permissions)
  const expiry = wholeSecond(sas.expiresAt)
  // No start: clocks of the service differ, and one that is behind would refuse it. No addresses, and no encryption scope.
  const text = [account, permissions, services, types, '', expiry, '', 'https', sasVersion, '', ''].join('\n')
  const signed = new URLSearchParams({
    sv: sasVersion,
    ss: services,
    srt: types,
    sp: permissions,
    se: expiry,
    spr: 'https',
    sig: signedWith(key, 'base64', text),
  })
  return key.map(() => signed.toString())
}

function wholeSecond(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
