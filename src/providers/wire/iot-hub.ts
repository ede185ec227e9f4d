// What IoT Hub's two providers have in common: the hub's names and its connection strings.

import type { Secret } from '../../engine/secret.ts'
import type { ServiceHosts } from '../provider.ts'

/** Hosts of hubs, by cloud. */
export const hubHosts: ServiceHosts = {
  public: ['azure-devices.net'],
  usgov: ['azure-devices.us'],
  china: ['azure-devices.cn'],
}

/** `HostName=…;<fields>;SharedAccessKey=…` */
export function connectionString(host: string, fields: string, key: Secret): Secret {
  return key.map((value) => `HostName=${host};${fields};SharedAccessKey=${value}`)
}
