// Subscriptions of API Management: two keys, each with an action of its own that answers nothing.

import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair, keyPairRing } from './wire/key-pair.ts'

const right = (name: string) => `Microsoft.ApiManagement/service/subscriptions/${name}/action`

export const apimSubscription = armKeyProvider({
  id: 'api-management-subscription',
  title: 'API Management subscription',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  types: {
    type: 'Microsoft.ApiManagement/service/subscriptions',
    above: [
      {
        name: /^[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?$/i,
        rule: '1 to 50 letters, digits or hyphens, beginning with a letter and ending with none of the hyphens',
        example: 'my-apim',
      },
    ],
    name: /^(?!\.{1,2}$)[^*#&+:<>?/\\%\s]{1,256}$/,
    rule: '1 to 256 characters, none of them a space or one of * # & + : < > ? / \\ %',
    example: 'my-subscription',
  },
  apiVersion: '2022-08-01',
  grant: 'API Management subscription keys',
  writes: 3,
  // Subscriptions belong to whoever calls an API, and Resource Graph shows none of them.
  discovery: 'none',
  // Subscription_CreateOrUpdate and _Update take keys that the caller gives.
  keyWrites: ['Microsoft.ApiManagement/service/subscriptions/write'],

  /** POST Subscription_ListSecrets, 2022-08-01. */
  list: {
    right: right('listSecrets'),
    request: () => ({ path: '/listSecrets' }),
    answer: KeyPair,
  },
  ring: keyPairRing,

  /** POST Subscription_RegeneratePrimaryKey or …SecondaryKey, 2022-08-01. 204. */
  regenerate: {
    right: { primary: right('regeneratePrimaryKey'), secondary: right('regenerateSecondaryKey') },
    request: (slot) => ({ path: slot === 'primary' ? '/regeneratePrimaryKey' : '/regenerateSecondaryKey' }),
    answer: 'nothing',
  },
})
