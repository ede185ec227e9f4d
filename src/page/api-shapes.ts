// What the API answers: the types of the schemas that its document is made of. Types alone, so nothing of them is in the page.

import type { Candidate } from '../functions/http/schemas/candidate-schema.ts'
import type { EmbeddedError } from '../functions/http/schemas/error-schema.ts'
import type { Health, HealthCheck } from '../functions/http/schemas/health-schema.ts'
import type { HistoryEntry } from '../functions/http/schemas/history-schema.ts'
import type { ListedOperation, Operation as WholeOperation } from '../functions/http/schemas/operation-schema.ts'
import type { Outcome } from '../functions/http/schemas/outcome-schema.ts'
import type { AllowedCommand, TargetPlan } from '../functions/http/schemas/plan-schema.ts'
import type { Provider } from '../functions/http/schemas/provider-schema.ts'
import type { RevocationDryRun } from '../functions/http/schemas/revocation-schema.ts'
import type { Target, TargetSummary } from '../functions/http/schemas/target-schema.ts'

export type {
  AllowedCommand,
  Candidate,
  Health,
  HealthCheck,
  HistoryEntry,
  ListedOperation,
  Outcome,
  Provider,
  RevocationDryRun,
  Target,
  TargetPlan,
  TargetSummary,
}

/** What the page shows of a problem (RFC 9457); where the platform answered, its status is the code. */
export interface Problem {
  readonly code: string
  readonly detail: string
  readonly remedy?: string
}
/** An error inside an answer. */
export type ShownError = Pick<EmbeddedError, 'remedy' | 'at'> & { readonly code: string; readonly message?: string }
export type Operation = WholeOperation
export type Counts = NonNullable<Operation['counts']>

export const commandNames = ['rotate', 'promote', 'swap', 'repair', 'revoke'] as const
export type CommandName = (typeof commandNames)[number]
