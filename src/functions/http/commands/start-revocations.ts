// POST /api/revocations: revokes the keys of many targets, as after the leak of a vault.

import * as z from 'zod/mini'
import { formatDuration } from '../../../engine/duration.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import { seconds } from '../../../engine/target.ts'
import { mostListed } from '../../shared/excerpt.ts'
import { canAtOnce } from '../../shared/many-candidate.ts'
import { type Handler, json } from '../answer-request.ts'
import { badRequest, parseBody } from '../body.ts'
import { notQueued } from '../problem.ts'
import type { RevocationDryRun } from '../schemas/revocation-schema.ts'
import { describeLeftOut } from './left-out.ts'
import { type Selected, selectionDigest, selectionFields, selectionIn } from './many-selection.ts'
import { note } from './note.ts'
import { listMany, queueMany, repeatedMany, spread, type Wanted } from './queue-many.ts'

export const revocationsBody = z.strictObject({
  ...selectionFields,
  note: z.optional(note),
  dryRun: z.optional(z.boolean()),
  count: z.optional(z.int('must be the count that the dry run gave')),
  atOnce: z.optional(z.boolean()),
})

/**
 * Every target named gets a revoke as POST /api/targets/{name}/revoke makes it: in the order listed, at the whole of each service's limit,
 * through the queue of revokes. `dryRun`: only says how many they are, and changes nothing; the request then repeats that count.
 */
export const startRevocations: Handler = {
  roles: ['Rekey.Revoke'],
  async command(call) {
    const { note = '', dryRun, count, atOnce = false, ...named } = await parseBody(call.request, revocationsBody)
    const kind = 'revocations'
    const selection = selectionDigest(named, atOnce)
    const known = dryRun ? undefined : await repeatedMany(call, { kind, selection })
    // What was accepted stays so, whatever the body names by now.
    if (known) return queueMany(call, known)
    const selected = selectionIn(call.app, named)
    if ('error' in selected) return notQueued(selected.error, { targets: selected.names })
    const { targets } = selected
    const wanted: Wanted = { kind, targets, selection, note, atOnce }
    if (atOnce && targets.length > 0 && !targets.some((target) => canAtOnce(call.app, target))) throw asNotAtOnce()
    if (dryRun) return json(200, await counted(call.app, wanted, selected))
    if (targets.length === 0) return notQueued(asNothingToRevoke(), describeLeftOut(selected))
    if (note.trim() === '') throw badRequest('$.note: must say why', 'Send a note, such as "the vault leaked".')
    if (count === undefined) throw withoutCount()
    if (count !== targets.length) {
      return notQueued(asCountDiffers(count, targets.length), { count: targets.length, ...describeLeftOut(selected) })
    }
    return queueMany(call, await listMany(call, wanted), describeLeftOut(selected))
  },
}

/** What the request would revoke, and how long that takes at the limits of the services. */
async function counted(
  app: Parameters<typeof spread>[0],
  wanted: Wanted,
  selected: Selected,
): Promise<RevocationDryRun> {
  const paced = await spread(app, wanted)
  const last = paced.reduce((most, { delay }) => Math.max(most, delay), 0)
  const { length: atOnce } = wanted.atOnce ? wanted.targets.filter((target) => canAtOnce(app, target)) : []
  return {
    dryRun: true,
    count: wanted.targets.length,
    targets: paced.slice(0, mostListed).map(({ target }) => target.name),
    ...describeLeftOut(selected),
    ...(wanted.atOnce && { atOnce }),
    takes: formatDuration(Math.ceil(last / seconds(1)) * seconds(1)),
  }
}

function withoutCount(): RekeyError {
  return badRequest(
    '$.count: must repeat the count of a dry run',
    'Send the same body with "dryRun": true first: its answer has the count.',
  )
}

function asCountDiffers(sent: number, now: number): RekeyError {
  return new RekeyError('CountDiffers', {
    message: `the request says that it revokes ${sent} targets, and it names ${now} now`,
    remedy: 'Send a dry run again, check which targets it names, and repeat its count.',
  })
}

function asNothingToRevoke(): RekeyError {
  return new RekeyError('NotSupported', {
    message: 'none of these targets can be revoked',
    remedy:
      'The answer says why each is left out. Enable those that are disabled, or correct their entries in targets.json.',
  })
}

function asNotAtOnce(): RekeyError {
  return new RekeyError('NotSupported', {
    message: 'no service of these targets can replace every slot in one call',
    remedy: 'Leave out "atOnce".',
  })
}
