// What the API answers, as far as the page reads it.

export interface Problem {
  readonly code: string
  readonly detail: string
  readonly remedy?: string
  readonly until?: string
}

/** An error inside an answer. */
export interface ShownError {
  readonly code: string
  readonly message?: string
  readonly remedy?: string
  readonly at?: string
}

export interface TargetSummary {
  readonly name: string
  readonly provider: string
  readonly resource?: string
  readonly vault?: string
  readonly status: string
  readonly reason?: string
  readonly actor?: string
  readonly slot?: string
  readonly rotatedAt?: string
  readonly dueAt?: string
  readonly nextRotationAt?: string
  readonly expiresAt?: string
  readonly lastComparedAt?: string
  readonly lastError?: ShownError
  readonly secrets?: readonly { readonly name: string; readonly output: string; readonly version?: string }[]
}

export interface Target extends TargetSummary {
  readonly version?: string
  readonly note?: string
  readonly isReminder?: boolean
  readonly slots?: readonly string[]
  readonly overlap?: string
  readonly rotateEvery?: string
  readonly window?: {
    readonly days: readonly string[]
    readonly start: string
    readonly length: string
    readonly timeZone: string
  }
  readonly publishedAt?: string
  readonly previousKeyValidUntil?: string
  readonly retiresAt?: string
  readonly enabled?: boolean
  readonly lastComparedError?: ShownError
}

export const commandNames = ['rotate', 'promote', 'swap', 'repair', 'revoke'] as const
export type CommandName = (typeof commandNames)[number]

/** Whether a command may be given now, and why not. */
export interface Permitted extends Partial<ShownError> {
  readonly allowed: boolean
  readonly until?: string
}

export interface TargetPlan {
  readonly target: string
  readonly slots: readonly string[]
  readonly slot?: string
  readonly version?: string
  readonly reason?: string
  readonly until?: string
  readonly steps: readonly string[]
  readonly commands: Readonly<Record<CommandName, Permitted>>
}

export interface HistoryEntry {
  readonly secret: string
  readonly version: string
  readonly createdAt: string
  readonly enabled: boolean
  readonly slot?: string
  readonly reason?: string
  readonly actor?: string
  readonly note?: string
  readonly announced?: boolean
  readonly lastError?: ShownError
}

/** What a command that was carried out at once answers. */
export interface Outcome {
  readonly status: string
  readonly reason?: string
  readonly slot?: string
  readonly secrets?: readonly { readonly name: string; readonly version: string }[]
}

export interface Counts {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly running: number
}

export interface Operation {
  readonly id: string
  readonly status: string
  readonly kind?: string
  readonly target?: string
  readonly createdAt?: string
  readonly expiresAt?: string
  readonly actor?: string
  readonly note?: string
  readonly error?: ShownError
  readonly lastError?: ShownError
  readonly counts?: Counts
  readonly failures?: readonly (ShownError & { readonly target: string })[]
}

export interface Candidate {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly provider: string
  readonly title?: string
  readonly subscription: string
  readonly resourceGroup?: string
  readonly location?: string
  readonly oldestKeyAt?: string
  readonly ageDays?: number
  readonly keyPolicyDays?: number
  readonly targetsEntry: object
  readonly grant: string
  readonly note?: string
}

export interface HealthCheck {
  readonly check: string
  readonly place: string
  readonly status: string
  readonly detail?: string
  readonly remedy?: string
  readonly error?: ShownError
  readonly targets?: readonly string[]
}

export interface Health {
  readonly status: string
  readonly failed?: number
  readonly code?: string
  readonly configuration?: {
    readonly version?: string
    readonly appliedAt?: string
    readonly targets?: number
  } & Readonly<Record<string, unknown>>
  readonly problems?: readonly unknown[]
  readonly checks: readonly HealthCheck[]
}

export interface Provider {
  readonly id: string
  readonly title: string
  readonly slots: readonly string[]
  readonly outputs: readonly { readonly name: string; readonly changes: boolean }[]
  readonly rights: readonly { readonly name: string; readonly why?: string }[]
  readonly grantedAt?: string
  readonly proof: string
  readonly swap: boolean
  readonly longRunning: boolean
}
