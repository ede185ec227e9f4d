// Which targets a request for many names: a list, all, or those of a vault, a subscription or a provider.

import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import type { App } from '../../../compose.ts'
import { nearest } from '../../../config/targets/nearest.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { Target } from '../../../engine/target.ts'
import { checkTagsRead, notInForce } from '../../shared/not-applied.ts'
import { badRequest } from '../body.ts'

/** More would not fit into one request. */
const mostNames = 1000

/** The fields of a body that name targets: `selectionIn` ensures that there is exactly one. */
export const selectionFields = {
  targets: z.optional(
    z.union(
      [
        z.literal('all'),
        z.array(z.string().check(z.minLength(1), z.maxLength(63))).check(z.minLength(1), z.maxLength(mostNames)),
      ],
      {
        error: ({ input }) => wrongTargets(input),
      },
    ),
  ),
  /** The vault's address. */
  vault: z.optional(z.string().check(z.maxLength(128))),
  /** The id of the subscription that the resources are in. */
  subscription: z.optional(z.guid('must be the id of a subscription')),
  provider: z.optional(z.string().check(z.maxLength(64))),
}

function wrongTargets(input: unknown): string {
  if (!Array.isArray(input) || input.length <= mostNames) return 'must be a list of target names, or "all"'
  const [most, sent] = [mostNames, input.length].map((count) => count.toLocaleString('en-US'))
  return `may have at most ${most} names, and has ${sent}: send them in several requests`
}

/** A body's own fields, as they were sent. */
interface Selection {
  readonly targets?: 'all' | readonly string[]
  readonly vault?: string
  readonly subscription?: string
  readonly provider?: string
}

/** Tells two requests apart by what they name, in the order of the body: a thousand names are kept as one short text. Names are no secrets. */
export function selectionDigest({ targets, vault, subscription, provider }: Selection, atOnce = false): string {
  const named = JSON.stringify([targets, vault, subscription, provider, atOnce])
  return createHash('sha256').update(named).digest('base64url')
}

/** What a request names, by what can be done with it. In the order of the request's list, else of targets.json. */
export interface Selected {
  /** In force, and enabled. */
  readonly targets: readonly Target[]
  readonly disabled: readonly string[]
  /**
   * Their entries in targets.json cannot be applied, or two tagged secrets claim what one of them may have. Which vault, subscription or provider they have is not known then, so a request for
   * one of these has all of them.
   */
  readonly notApplied: readonly string[]
  readonly reminders: readonly string[]
}

/** Names that cannot be meant, and why. */
export interface Refused {
  readonly error: RekeyError
  readonly names: readonly string[]
}

/**
 * The targets that a body names, or `UnknownTarget` with the names that are no target's. Throws RekeyError `BadRequest` where it does not name
 * them in exactly one way, and `UnknownTarget` where no target has the vault, subscription or provider.
 */
export function selectionIn(app: App, body: Selection): Selected | Refused {
  const ways = Object.keys(selectionFields).filter((field) => body[field as keyof Selection] !== undefined)
  if (ways.length !== 1) {
    throw badRequest(
      'the body must have exactly one of targets, vault, subscription and provider',
      'Send one of them: "targets" is a list of names, or "all".',
    )
  }
  const { targets: names } = body
  if (names !== undefined && names !== 'all') return named(app, [...new Set(names)])
  checkTagsRead(app)
  const isMeant = filterOf(body)
  const selected = sorted(app.targets.filter(isMeant), app, app.reminders.filter(isMeant))
  const { targets, disabled, reminders } = selected
  if (names !== 'all' && targets.length + disabled.length + reminders.length === 0) throw nothingThere(app, body)
  return selected
}

function named(app: App, names: readonly string[]): Selected | Refused {
  const reminders = app.reminders.filter(({ name }) => names.includes(name))
  const off = names.filter((name) => notInForce(app, name))
  const known = new Set([...reminders.map(({ name }) => name), ...off])
  const unknown = names.filter((name) => app.targetNamed(name) === undefined && !known.has(name))
  if (unknown.length > 0) return { error: unknownNames(app, unknown), names: unknown }
  const targets = names.flatMap((name) => app.targetNamed(name) ?? [])
  return { ...sorted(targets, app, reminders), notApplied: off }
}

function sorted(targets: readonly Target[], { configuration, notTaken }: App, reminders: readonly Target[]): Selected {
  const off = configuration.notApplied.filter(({ standing }) => standing !== 'kept')
  const contested = notTaken.flatMap(({ secret, contested }) => (contested ? [secret.name] : []))
  return {
    targets: targets.filter(({ enabled }) => enabled),
    disabled: targets.flatMap(({ enabled, name }) => (enabled ? [] : [name])),
    notApplied: [...off.map(({ target }) => target), ...contested],
    reminders: reminders.map(({ name }) => name),
  }
}

function filterOf({ vault, subscription, provider }: Selection): (target: Target) => boolean {
  if (vault !== undefined) {
    const address = vault.toLowerCase().replace(/\/$/, '')
    return (target) => target.vault === address
  }
  if (provider !== undefined) return (target) => target.provider === provider
  if (subscription === undefined) return () => true
  const scope = `/subscriptions/${subscription.toLowerCase()}/`
  return (target) => target.address.toLowerCase().startsWith(scope)
}

function nothingThere(app: App, { vault, provider }: Selection): RekeyError {
  const [what, known] =
    vault !== undefined
      ? (['vault', app.targets.map((target) => target.vault)] as const)
      : provider !== undefined
        ? (['provider', app.targets.map((target) => target.provider)] as const)
        : (['subscription', []] as const)
  const guess = nearest((vault ?? provider ?? '').toLowerCase(), [...new Set(known)])
  return new RekeyError('UnknownTarget', {
    message: `no target in targets.json has this ${what}`,
    remedy: `${guess === undefined ? '' : `Did you mean ${guess}? `}GET /api/targets shows the ${what === 'subscription' ? 'resource' : what} of each.`,
  })
}

/** The first few with the names that were probably meant: comparing a thousand names with every target takes too long. */
function unknownNames(app: App, unknown: readonly string[]): RekeyError {
  const names = app.targets.map(({ name }) => name)
  const guesses = [...new Set(unknown.slice(0, 5).flatMap((name) => nearest(name, names) ?? []))]
  return new RekeyError('UnknownTarget', {
    message: `${unknown.length} of these names ${unknown.length === 1 ? 'is' : 'are'} no target's`,
    remedy: `${guesses.length === 0 ? '' : `Did you mean ${guesses.join(', ')}? `}GET /api/targets lists the names; names are case-sensitive.`,
  })
}
