// A queue with visibility, so that slow workers are joined by a second delivery.

import type { RotationRequest } from '../../../src/engine/request.ts'
import type { Time } from './words.ts'

/** A message that a worker does not finish in this time is given to another one. */
const visibility = 300_000

export interface Message {
  readonly request: RotationRequest
  /** Changes with every delivery. */
  receipt: number
  take(now: number): Message
  done(): void
}

export interface Messages {
  send(request: RotationRequest, delay?: number): void
  visible(now: number): readonly Message[]
  waiting(id: string): number
  /** No message is unfinished, now or later. */
  idle(): boolean
}

export function messageQueue(time: Time, onSend: (delay: number) => void): Messages {
  const all: (Message & { from: number; finished: boolean })[] = []
  return {
    send: (request, delay = 0) => {
      const message = {
        request,
        receipt: 0,
        from: time.now() + delay,
        finished: false,
        take(now: number) {
          message.receipt++
          message.from = now + visibility
          onSend(visibility)
          return message
        },
        done() {
          message.finished = true
        },
      }
      all.push(message)
      onSend(delay)
    },
    visible: (now) => all.filter(({ from, finished }) => !finished && from <= now),
    idle: () => all.every(({ finished }) => finished),
    waiting: (id) => all.filter(({ request, finished }) => !finished && request.id === id).length,
  }
}
