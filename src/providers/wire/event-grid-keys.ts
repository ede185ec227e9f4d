// Keys of Event Grid's topics and domains: two, either of which may publish. No request proves a key but to publish an event, so there
// is no probe.

import * as z from 'zod/mini'
import type { KeyProvider, Permission } from '../provider.ts'
import { secretText } from './answer.ts'
import { armKeyProvider } from './arm-keys.ts'
import { localAuthDescription } from './local-auth.ts'
import { ownKeyField } from './own-key.ts'

interface Declared {
  readonly id: string
  readonly title: string
  /** As the type of the resource has it. */
  readonly kind: 'topics' | 'domains'
  readonly example: string
}

const operationRight: Permission = {
  kind: 'action',
  name: 'Microsoft.EventGrid/locations/operationsStatus/read',
  why: 'at the subscription: see when a regenerate that goes on is through; without it the keys are listed until one has changed',
}

export function eventGridKeys({ id, title, kind, example }: Declared): KeyProvider {
  const type = `Microsoft.EventGrid/${kind}`
  return armKeyProvider({
    id,
    title,
    slots: ['key1', 'key2'],
    outputs: { key: 'secret' },
    clouds: ['public', 'usgov', 'china'],
    types: { type, name: /^[A-Za-z0-9-]{3,50}$/, rule: '3 to 50 letters, digits or -', example },
    apiVersion: '2022-06-15',
    grant: `Event Grid ${kind.slice(0, -1)} keys`,
    // The app may publish to a topic with a key of it, and to no domain.
    ...(kind === 'topics' ? { optional: [operationRight], fields: ownKeyField } : {}),

    /** POST …_ListSharedAccessKeys, 2022-06-15. */
    list: {
      right: `${type}/listKeys/action`,
      request: () => ({ path: '/listKeys' }),
      answer: z.object({ key1: secretText, key2: secretText }),
    },
    ring: ({ key1, key2 }) => ({ key1: { key: key1 }, key2: { key: key2 } }),

    /** POST …_RegenerateKey, 2022-06-15. Answers both keys, or as the specification of topics allows 202: then its operation is followed. */
    regenerate: {
      right: `${type}/regenerateKey/action`,
      request: (slot) => ({ path: '/regenerateKey', body: { keyName: slot } }),
      answer: 'listing',
    },

    /** GET …_Get, 2022-06-15. */
    describe: {
      right: `${type}/read`,
      why: `see whether the ${kind.slice(0, -1)} accepts keys at all`,
      ...localAuthDescription,
      askedFirst: true,
    },
  })
}
