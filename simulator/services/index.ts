// Room: the simulator. Every simulated service, one line each; its fleet or handle becomes a property of the cloud. May import simulator files only.

import type { Kernel } from '../kernel.ts'
import { cognitiveServices } from './cognitive-services.ts'

export function installServices(kernel: Kernel) {
  return {
    ...cognitiveServices(kernel),
  }
}

export type Fleets = ReturnType<typeof installServices>
