// One target as people read it.

import type { Target } from '../../src/functions/http/schemas/target-schema.ts'
import type { AppClient } from './app-client.ts'
import { asUsage, Ended } from './ended.ts'
import { moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'

/** The path of a target. Throws Ended for what cannot be a name: people paste secrets into the wrong place. */
export function pathOf(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(name)) return `targets/${name}`
  throw asUsage(
    'this is not the name of a target: letters, digits and dashes',
    'npm run rekey -- list shows the names.',
  )
}

/** What the app shows of a target, name by name. */
export function entriesOf(target: Loose<Target>): [string, unknown][] {
  const { lastError, lastComparedError } = target
  return [
    ['target', target.name],
    ['status', target.status],
    ['provider', target.provider],
    ['resource', target.resource],
    ['vault', target.vault],
    ['slot', target.slot === undefined ? undefined : `${target.slot}${others(target)}`],
    ['version', target.version],
    ['rotated', moment(target.rotatedAt)],
    ['published', moment(target.publishedAt)],
    ['reason', target.reason],
    ['by', target.actor],
    ['note', target.note],
    ['reminder', target.isReminder],
    ['rotate every', target.rotateEvery],
    ['window', target.window],
    ['overlap', target.overlap],
    ['previous key valid until', moment(target.previousKeyValidUntil)],
    ['retires', moment(target.retiresAt)],
    ['due', moment(target.dueAt)],
    ['next rotation', moment(target.nextRotationAt)],
    ['expires', moment(target.expiresAt)],
    ['compared', moment(target.lastComparedAt)],
    ['not compared', lastComparedError?.code],
    ['last error', lastError && `${lastError.code}, ${moment(lastError.at)}`],
    ['detail', lastError?.message],
    ['what to do', lastError?.remedy],
  ]
}

/** The slots that hold the other keys. */
function others({ slot, slots }: Loose<Target>): string {
  const rest = Array.isArray(slots) ? slots.filter((each) => each !== slot) : []
  return rest.length === 0 ? '' : ` (the other: ${rest.join(', ')})`
}

/** What the current version is: the one that a promote or a swap names. Throws Ended where there is none. */
export async function currentOf(
  app: AppClient,
  name: string,
): Promise<{ readonly version: string; readonly shown: string }> {
  const { body } = await app.get<Target>(pathOf(name))
  const { version, slot, publishedAt } = body
  if (typeof version !== 'string') {
    throw new Ended('refused', {
      code: 'Drifted',
      target: name,
      detail: `${name} has no current version: nothing is in the vault yet`,
      remedy: `npm run rekey -- show ${name} says how it stands.`,
    })
  }
  const since = publishedAt === undefined ? '' : `, since ${moment(publishedAt)}`
  return { version, shown: `version ${version}${slot === undefined ? '' : ` of slot ${slot}`}${since}` }
}
