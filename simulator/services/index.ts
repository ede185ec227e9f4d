// Every simulated service, one line each. Its fleet or handle becomes a property of the cloud.

import type { Kernel } from '../kernel.ts'
import { applicationInsights } from './application-insights.ts'
import { armPermissions } from './arm-permissions.ts'
import { cognitiveServices } from './cognitive-services.ts'
import { communicationServices } from './communication-services.ts'
import { entra } from './entra.ts'
import { eventGrid } from './event-grid.ts'
import { defenderSensor } from './graph.ts'
import { iotHub } from './iot-hub.ts'
import { keyVault } from './key-vault.ts'
import { logAnalytics } from './log-analytics.ts'

export function installServices(kernel: Kernel) {
  return {
    ...entra(kernel),
    ...armPermissions(kernel),
    ...keyVault(kernel),
    ...eventGrid(kernel),
    ...applicationInsights(kernel),
    ...cognitiveServices(kernel),
    ...communicationServices(kernel),
    ...logAnalytics(kernel),
    ...iotHub(kernel),
    ...defenderSensor(kernel),
  }
}

export type Fleets = ReturnType<typeof installServices>
