// Workers that take messages and reconcile.

import type { Outcome } from '../../../src/engine/outcome.ts'
import { reconcile } from '../../../src/engine/reconcile.ts'
import { isExplicit, type RotationRequest } from '../../../src/engine/request.ts'
import type { Message } from './messages.ts'
import { checkRequests, checkRest, checkRun } from './rest-rules.ts'
import type { Run, Stage, Worker } from './stage.ts'
import { leaseBook, portsOf } from './worker-ports.ts'

/** Lets three workers compete for the messages. Returns the function to call when there may be work. */
export function startWorkers(stage: Stage): () => void {
  const { time, dice, messages } = stage
  const workers: Worker[] = [0, 1, 2].map((id) => ({ id, skew: (dice.next() * 2 - 1) * stage.skew, busy: false }))
  const leases = leaseBook(time.now)
  let runs = 0

  function poll(): void {
    for (const worker of workers) {
      const ready = worker.busy ? [] : messages.visible(time.now())
      if (ready.length > 0) start(worker, dice.pick(ready).take(time.now()))
    }
  }

  function free(worker: Worker): void {
    worker.busy = false
    time.in(5000, poll)
  }

  function start(worker: Worker, message: Message): void {
    const run = runOf(++runs, worker, message.request, time.now())
    const receipt = message.receipt
    worker.busy = true
    const crash = () => {
      run.crashed = true
      free(worker)
    }
    const ports = portsOf(stage, run, leases, crash)
    void reconcile(stage.target, message.request, ports, { without: stage.without }).then((outcome) => {
      free(worker)
      record(stage, run, outcome)
      checkRun(stage, { run, outcome })
      if (message.receipt === receipt) {
        message.done()
        comeBack(stage, message.request, outcome)
      }
      checkRequests(stage)
      if (messages.idle() && workers.every(({ busy }) => !busy)) checkRest(stage, { run, outcome })
    })
  }

  return poll
}

function runOf(id: number, worker: Worker, request: RotationRequest, started: number): Run {
  return {
    id,
    worker,
    request,
    started,
    reason: '',
    open: false,
    crashed: false,
    disturbed: false,
    troubled: false,
    refused: new Set(),
    letGo: false,
    knew: { service: Number.NEGATIVE_INFINITY, vault: Number.NEGATIVE_INFINITY },
    sent: [],
  }
}

function record({ ledger, log }: Stage, { request }: Run, { status, reasons, error, again }: Outcome): void {
  for (const reason of reasons) ledger.reasons.add(reason)
  log(
    `${request.id} ${status} ${reasons.join(' ')} ${error?.code ?? ''} ${again ? `${again.with} after ${again.after}` : ''}`,
  )
  if (error && !again) ledger.failed.add(request.id)
}

/** With the same request, or only to see what is due: as the outcome says. */
function comeBack({ messages, time }: Stage, request: RotationRequest, { again, error }: Outcome): void {
  if (!again) return
  if (again.with === 'request' || !isExplicit(request)) {
    const failedWith = error && !error.transient ? { failedWith: error.code } : {}
    messages.send({ ...request, ...failedWith }, again.after)
    return
  }
  const { id, target, actor, expiresAt } = request
  if (time.now() + again.after <= expiresAt)
    messages.send({ id: `${id}/resync`, target, actor, expiresAt }, again.after)
}
