// Azure Web PubSub: two access keys, which sign the tokens of servers and clients.

import { signalrProvider } from './wire/signalr-service.ts'

export const webPubsub = signalrProvider({
  id: 'web-pubsub',
  title: 'Azure Web PubSub',
  type: 'Microsoft.SignalRService/WebPubSub',
  grant: 'Web PubSub keys',
  example: 'my-web-pubsub',
  clouds: ['public'],
  hosts: { public: ['webpubsub.azure.com'], usgov: [], china: [] },
  dataVersion: '2024-01-01',
  // As its SDK signs it: with the query.
  audience: ({ href }) => href,
})
