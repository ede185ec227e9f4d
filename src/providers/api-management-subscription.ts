// Subscriptions of API Management, of the service or of a workspace: two keys, each with an action of its own that answers nothing.

import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair, keyPairRing } from './wire/key-pair.ts'

const ofService = 'Microsoft.ApiManagement/service/subscriptions'
const ofWorkspace = 'Microsoft.ApiManagement/service/workspaces/subscriptions'

const serviceName = {
  name: /^[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?$/i,
  rule: '1 to 50 letters, digits or hyphens, beginning with a letter and ending with none of the hyphens',
  example: 'my-apim',
}
const workspaceName = {
  name: /^(?!\.{1,2}$)[^*#&+:<>?/\\%\s]{1,80}$/,
  rule: '1 to 80 characters, none of them a space or one of * # & + : < > ? / \\ %',
  example: 'my-workspace',
}
const subscriptionName = {
  name: /^(?!\.{1,2}$)[^*#&+:<>?/\\%\s]{1,256}$/,
  rule: '1 to 256 characters, none of them a space or one of * # & + : < > ? / \\ %',
  example: 'my-subscription',
}

/** Of each type, each with its own right to the action. */
function eachType<Right>(right: (type: string) => Right): Readonly<Record<string, Right>> {
  return { [ofService]: right(ofService), [ofWorkspace]: right(ofWorkspace) }
}

export const apimSubscription = armKeyProvider({
  id: 'api-management-subscription',
  title: 'API Management subscription',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  types: [
    { type: ofService, above: [serviceName], ...subscriptionName },
    { type: ofWorkspace, above: [serviceName, workspaceName], ...subscriptionName },
  ],
  // The first stable one with workspaces.
  apiVersion: '2024-05-01',
  grant: 'API Management subscription keys',
  writes: 3,
  // Subscriptions belong to whoever calls an API, and Resource Graph shows none of them.
  discovery: 'none',
  // Subscription_CreateOrUpdate and _Update take keys that the caller gives.
  keyWrites: [`${ofService}/write`, `${ofWorkspace}/write`],

  /** POST Subscription_ListSecrets or WorkspaceSubscription_ListSecrets, 2024-05-01. */
  list: {
    right: eachType((type) => `${type}/listSecrets/action`),
    request: () => ({ path: '/listSecrets' }),
    answer: KeyPair,
  },
  ring: keyPairRing,

  /** POST Subscription_RegeneratePrimaryKey or …SecondaryKey, or the same of WorkspaceSubscription, 2024-05-01. 204. */
  regenerate: {
    right: eachType((type) => ({
      primary: `${type}/regeneratePrimaryKey/action`,
      secondary: `${type}/regenerateSecondaryKey/action`,
    })),
    request: (slot) => ({ path: slot === 'primary' ? '/regeneratePrimaryKey' : '/regenerateSecondaryKey' }),
    answer: 'nothing',
  },
})
