// Azure SignalR Service: two access keys, which sign the tokens of servers and clients.

import { signalrProvider } from './wire/signalr-service.ts'

export const signalr = signalrProvider({
  id: 'signalr',
  title: 'Azure SignalR Service',
  type: 'Microsoft.SignalRService/SignalR',
  grant: 'SignalR keys',
  example: 'my-signalr',
  clouds: ['public', 'usgov', 'china'],
  hosts: { public: ['service.signalr.net'], usgov: ['signalr.azure.us'], china: ['signalr.azure.cn'] },
  dataVersion: '2022-06-01',
  audience: ({ origin, pathname }) => `${origin}${pathname}`,
})
