// What the API answers, as far as the page reads it.

export interface Problem {
  readonly code: string
  readonly detail: string
  readonly remedy?: string
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
  readonly lastError?: { readonly code: string; readonly at?: string }
}
