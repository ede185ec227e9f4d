// Azure Relay: authorization rules of a namespace, a hybrid connection or a WCF relay. It has no probe: a request to a connection
// reaches the listener of a customer, and what the namespace says of itself to a valid key is not known.

import { authorizationRules } from './wire/authorization-rules.ts'

const connectionName = {
  // A slash in the name of a connection is ~ in an ARM id.
  name: /^[A-Za-z0-9](?:[\w.~-]{0,258}[A-Za-z0-9])?$/,
  rule: '1 to 260 letters, digits, ., -, _ or ~, with a letter or digit at both ends',
  example: 'onpremises',
}

export const relay = authorizationRules({
  id: 'relay',
  title: 'Azure Relay authorization rule',
  clouds: ['public', 'usgov', 'china'],
  places: { namespace: 'Microsoft.Relay', parts: { hybridConnections: connectionName, wcfRelays: connectionName } },
  apiVersion: '2021-11-01',
  grant: 'Relay keys',
  slotField: 'keyType',
  takesKeys: true,
})
