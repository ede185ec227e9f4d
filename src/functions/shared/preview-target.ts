// What a run would do now, for routes that return it and for commands that check it before they act.

import { type Preview, preview } from '../../engine/preview.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { type Duration, seconds, type Target } from '../../engine/target.ts'
import type { Call } from '../http/answer-request.ts'

/** How long a caller waits; no effect starts later. The platform's front end ends the call after 230 s. */
export const inlineTime: Duration = seconds(100)

/** What a run would do now. Reads the service and the vault, changes nothing. Throws RekeyError. */
export function previewOf(call: Call, target: Target, request: RotationRequest): Promise<Preview> {
  return preview(target, request, call.app.ports(call.log), AbortSignal.timeout(inlineTime))
}
