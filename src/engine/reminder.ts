// Reminders: targets without a service, for secrets that an operator must renew. Nothing of them is written, and no key of them is made.

import type { StoredSecret } from './stored-secret.ts'
import { type Duration, days, type Instant, type Target } from './target.ts'

/** What such a target has in the place of a provider's id. */
export const reminderId = 'reminder'

/** The fields that only a reminder has. */
export interface ReminderFields {
  /** How long before the deadline the renewal is due. */
  readonly remindBefore?: Duration
  /** How or where an operator renews the secret. */
  readonly renewal?: string
}

const usualRemindBefore: Duration = days(30)

export function isReminder({ provider }: Pick<Target, 'provider'>): boolean {
  return provider === reminderId
}

/** When a secret must have been renewed, and from when on that is due. */
export interface Deadline {
  readonly dueAt: Instant
  readonly deadline: Instant
}

/**
 * A version must be renewed before it expires; where it has no expiry, when it is as old as `rotateEvery`. It is due `remindBefore` ahead of that, but
 * never in the first half of its life.
 */
export function deadlineOf(
  { rotateEvery, resource }: Target,
  { created, expiresOn }: Pick<StoredSecret, 'created' | 'expiresOn'>,
): Deadline {
  const { remindBefore = usualRemindBefore } = resource as ReminderFields
  const deadline = expiresOn ?? created + rotateEvery
  return { deadline, dueAt: deadline - Math.min(remindBefore, Math.max(0, (deadline - created) / 2)) }
}
