// The registry: one line each. A test holds it against the folder.

import { cognitiveServices } from './cognitive-services.ts'
import { communicationServices } from './communication-services.ts'
import { defenderSensor } from './defender-sensor.ts'
import { iotHubDevice } from './iot-hub-device.ts'
import { iotHubPolicy } from './iot-hub-policy.ts'
import { logAnalytics } from './log-analytics.ts'
import type { KeyProvider } from './provider.ts'

export const providers: readonly KeyProvider[] = [
  cognitiveServices,
  communicationServices,
  defenderSensor,
  iotHubDevice,
  iotHubPolicy,
  logAnalytics,
]

/** The provider that targets.json means by this id; undefined: there is none. */
export function providerById(id: string): KeyProvider | undefined {
  return providers.find((provider) => provider.id === id)
}
