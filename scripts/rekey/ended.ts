// How a command ends: its exit code, and the error that ends one early.

/** The exit codes, which docs/reference/cli.md lists. A process that Ctrl-C ends has 130. */
export const exitCodes = {
  /** Done, or accepted with --no-wait. */
  done: 0,
  /** It failed: the operation, the app, or a service behind it. For `health`: something is unhealthy. */
  failed: 1,
  /** The command line, the environment or the request is wrong, or a confirmation is missing: nothing was changed. */
  usage: 2,
  /** It cannot be done now, as 409 and 412 say: nothing was changed, nothing is queued. */
  refused: 3,
  /** There is no such target or operation. */
  notFound: 4,
  /** Not signed in, or not allowed to. */
  forbidden: 5,
  /** No answer, or none of Rekey's. */
  unreachable: 6,
  /** Accepted, and not over when --timeout had passed. */
  unfinished: 7,
} as const

export type ExitName = keyof typeof exitCodes

/** What is said of a command that ends early. With --json it is the document on stdout. */
export interface Reason {
  /** Rekey's error code, or one of this program: `Usage`, `NotConfirmed`, `NotSignedIn`, `Unreachable`, `UnexpectedAnswer`, `Unfinished`, `UnknownProvider`. */
  readonly code: string
  readonly detail: string
  readonly remedy?: string
  /** What else the app's answer has. */
  readonly [member: string]: unknown
}

/** Ends the command with an exit code. The message never holds a key or a token. */
export class Ended extends Error {
  readonly exit: ExitName
  readonly reason: Reason

  constructor(exit: ExitName, reason: Reason) {
    super(reason.detail)
    this.exit = exit
    this.reason = reason
  }
}

/** The command line is wrong. */
export function asUsage(detail: string, remedy?: string): Ended {
  return new Ended('usage', { code: 'Usage', detail, ...(remedy === undefined ? {} : { remedy }) })
}
