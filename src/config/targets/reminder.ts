// A reminder as an entry of targets.json: it has the shape of a provider, for the parser, and no service behind it.

import * as z from 'zod/mini'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type ReminderFields, reminderId } from '../../engine/reminder.ts'
import { days } from '../../engine/target.ts'
import { defineProvider, type KeyProvider } from '../../providers/provider.ts'
import { durationField } from './target-fields.ts'

const renewal = z
  .string()
  .check(z.minLength(1, 'is empty'), z.maxLength(256), z.regex(/^[^\p{C}]*$/u, 'has control characters'))
  .register(z.globalRegistry, {
    description: 'how or where an operator renews the secret; shown in events and answers, so never a secret itself',
    examples: ['https://partner.example/keys'],
  })

/** Fields that mean something only where keys are made. */
export const notOfReminders = ['validFor', 'overlap', 'retireAfter', 'window', 'probe', 'initialSlot', 'adopt'] as const

export const reminder: KeyProvider = defineProvider({
  id: reminderId,
  title: 'Reminder: a secret that an operator renews',
  slots: ['value'],
  outputs: { value: 'secret' },
  resource: z.strictObject({
    remindBefore: z.optional(
      durationField('how long before its deadline a renewal is due; default P30D, at most half of its life', 'P30D', {
        least: days(1),
      }),
    ),
    renewal: z.optional(renewal),
  }),
  actions: [],
  grant: { title: 'nothing' },
  clouds: ['public', 'usgov', 'china'],
  can: {},
  writes: 0,
  allowance: { burst: 1, perSecond: 1 },
  limit: 'none: nothing is called',
  /** The secret is what no other target may have; there is no credential beside it. */
  place: (fields) => ({ address: (fields as ReminderFields).renewal ?? '', credential: '', lease: '', budget: '' }),
  open: () => {
    throw new RekeyError('NotSupported', { message: 'a reminder has no service whose keys could be read' })
  },
})
