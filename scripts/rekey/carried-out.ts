// Sends a command, waits for its end, and shows it.

import { setTimeout as pause } from 'node:timers/promises'
import type { AcceptedOperation, Operation } from '../../src/functions/http/schemas/operation-schema.ts'
import type { Outcome } from '../../src/functions/http/schemas/outcome-schema.ts'
import type { Target } from '../../src/functions/http/schemas/target-schema.ts'
import { type AppClient, type Reply, retryAfter } from './app-client.ts'
import { asUsage, Ended, type ExitName, exitCodes } from './ended.ts'
import { moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'
import { entriesOf } from './shown-target.ts'

/** The options of every command that changes something. */
export const commandOptions = {
  note: { value: 'TEXT', about: 'why, in one line: it goes into the event and beside the version' },
  'no-wait': { about: 'do not wait for the end: print the operation' },
  timeout: {
    value: 'TIME',
    about: 'how long to follow what is accepted, such as 90s, 10m, 2h; without it until it ends',
  },
} as const

/** Of those that ask before they do it. */
export const yesOption = { yes: { about: 'do not ask; needed where there is no terminal' } } as const

export interface Sending {
  readonly app: AppClient
  readonly output: Output
  readonly options: { readonly 'no-wait'?: true; readonly timeout?: string }
}

/** How many polls in a row may fail before the operation is left alone. */
const mostLost = 5
/** Between two polls, in milliseconds: what the app asks for, within reason. */
const pauses = { usual: 30_000, least: 100, most: 10 * 60_000 }

/** Sends it, and waits, except with `--no-wait`. `doing`: what the progress line says. Returns the exit code. Throws Ended. */
export async function carryOut(sending: Sending, path: string, body: object, doing: string): Promise<number> {
  const { app, output, options } = sending
  const until = deadlineOf(options.timeout)
  const noWait = options['no-wait'] === true
  const stop = ticking(output, () => doing)
  const answer = await app
    .post<Outcome | AcceptedOperation>(path, body, noWait ? 'respond-async' : undefined)
    .finally(stop)
  if (answer.status !== 202) {
    output.document(answer.body)
    output.list(outcomeOf(answer.body as Loose<Outcome>))
    return exitCodes.done
  }
  const reply = answer as Reply<AcceptedOperation>
  const link = reply.headers.get('operation-location') ?? ''
  if (!noWait) {
    output.note(
      `Accepted as an operation, which goes on without this program: npm run rekey -- operation ${reply.body.id}`,
    )
    return await followOperation(sending, link, reply, until)
  }
  output.document({ ...reply.body, operationLocation: link })
  output.list([...operationOf(reply.body), ['follow it with', `npm run rekey -- operation ${reply.body.id} --wait`]])
  return exitCodes.done
}

/** Asks until the operation has ended, as often as the app says. Returns the exit code. Throws Ended. */
export async function followOperation(
  { app, output }: Sending,
  link: string,
  first: Reply<Operation>,
  until: number = Number.POSITIVE_INFINITY,
): Promise<number> {
  let [reply, lost] = [first, 0]
  const stop = ticking(output, () => stateOf(reply.body))
  try {
    while (!isOver(reply.body)) {
      const rest = until - performance.now()
      if (rest <= 0) throw asUnfinished(reply.body)
      await pause(Math.min(pauseAfter(reply), rest))
      try {
        reply = await app.follow<Operation>(link)
        lost = 0
      } catch (error) {
        // The operation goes on, whatever keeps the app from saying so.
        if (!(error instanceof Ended && mayPass.includes(error.exit)) || ++lost >= mostLost) throw error
        output.note(`${error.message}. Trying again…`)
      }
    }
  } finally {
    stop()
  }
  return showEnd(output, reply.body)
}

const mayPass: readonly ExitName[] = ['unreachable', 'failed']

function pauseAfter(reply: Reply): number {
  return Math.min(Math.max(retryAfter(reply) ?? pauses.usual, pauses.least), pauses.most)
}

/** Shows an operation. Returns the exit code: that of a failed one is 1. */
export function showEnd(output: Output, operation: Loose<Operation>): number {
  output.document(operation)
  output.list(operationOf(operation))
  showMembers(output, 'FAILED', operation.failures)
  showMembers(output, 'WAITING', operation.waiting)
  return isOver(operation) && operation.status !== 'Succeeded' ? exitCodes.failed : exitCodes.done
}

/** Targets of a list, each with the code of what keeps it. */
function showMembers(output: Output, title: string, members: Loose<Operation>['failures']): void {
  if (!Array.isArray(members) || members.length === 0) return
  output.text('')
  output.table(
    [
      { title, of: ({ target }) => target },
      { title: 'CODE', of: ({ code }) => code },
    ],
    members,
  )
}

/** When to stop waiting, as performance.now() counts. Throws Ended for what is not a time. */
export function deadlineOf(timeout: string | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(timeout) ?? []
  if (count === undefined) throw asUsage('--timeout is not a time', 'Write it as in 90s, 10m, 2h or 1d.')
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  return performance.now() + Number(count) * units[unit!]!
}

function isOver({ status }: Loose<Operation>): boolean {
  return ['Succeeded', 'Failed', 'Canceled'].includes(String(status))
}

/** The progress line, with the time that has passed on a terminal. */
function ticking(output: Output, what: () => string): () => void {
  const progress = output.progress()
  const started = performance.now()
  const say = () =>
    progress.say(progress.changes ? `${what()} (${Math.round((performance.now() - started) / 1000)} s)` : what())
  say()
  const timer = setInterval(say, 1000)
  return () => {
    clearInterval(timer)
    progress.end()
  }
}

function stateOf({ target, status, counts, lastError }: Loose<Operation>): string {
  const who = typeof target === 'string' ? `${target}: ` : ''
  return `${who}${status}${counts === undefined ? '' : `, ${countsOf(counts)}`}${lastError === undefined ? '' : `, last error ${lastError.code}`}…`
}

function countsOf(counts: Loose<Operation>['counts']): string {
  const waiting = (counts?.waiting ?? 0) > 0 ? `, ${counts?.waiting} of them waiting for an operator` : ''
  return `${counts?.succeeded} of ${counts?.total} done, ${counts?.failed} failed, ${counts?.running} to go${waiting}`
}

/** What a run did. */
function outcomeOf(outcome: Loose<Outcome>): [string, unknown][] {
  const secrets = Array.isArray(outcome.secrets) ? outcome.secrets : []
  return [
    ['target', outcome.target],
    ['status', outcome.status],
    ['reason', outcome.reason],
    ['slot', outcome.slot],
    ...secrets.map(({ name, version }): [string, unknown] => [`secret ${name}`, version]),
    ['overlap', outcome.overlap],
    ['rotated', moment(outcome.rotatedAt)],
    ['expires', moment(outcome.expiresAt)],
    ['proven', outcome.proven],
    ['goes on', moment(outcome.nextTryAt)],
  ]
}

/** An operation, name by name. */
function operationOf(operation: Loose<Operation>): [string, unknown][] {
  const { error, lastError, counts } = operation
  const result = operation.result as Loose<Target> | undefined
  return [
    ['operation', operation.id],
    ['kind', operation.kind],
    ['status', operation.status],
    ['created', moment(operation.createdAt)],
    ['expires', moment(operation.expiresAt)],
    ['targets', counts && countsOf(counts)],
    ...failureOf('error', error),
    ...failureOf('last error', lastError),
    ...(typeof result?.name === 'string'
      ? entriesOf(result).map(([name, value]): [string, unknown] => [name === 'status' ? 'target is' : name, value])
      : [['target', operation.target] as [string, unknown]]),
  ]
}

function failureOf(name: string, error: Loose<Operation>['error']): [string, unknown][] {
  if (error === undefined) return []
  return [
    [name, `${error.code}: ${error.message}`],
    ['what to do', error.remedy],
  ]
}

function asUnfinished(operation: Loose<Operation>): Ended {
  return new Ended('unfinished', {
    code: 'Unfinished',
    detail: `the operation is not over yet: ${stateOf(operation)} It goes on without this program.`,
    remedy: `npm run rekey -- operation ${operation.id} --wait`,
    operation,
  })
}
