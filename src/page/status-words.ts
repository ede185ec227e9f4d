// What each status of a target means to an operator, how urgent it is, and its mark.

import { el } from './elements.ts'

type Tone = 'bad' | 'warn' | 'busy' | 'ok' | 'off'

interface StatusWord {
  readonly tone: Tone
  readonly label: string
  readonly meaning: string
}

/** In order of urgency. */
export const statusWords: Readonly<Record<string, StatusWord>> = {
  failed: { tone: 'bad', label: 'failed', meaning: 'The last attempt failed. It needs an operator.' },
  expired: { tone: 'bad', label: 'expired', meaning: 'The secret has passed its expiry.' },
  overdue: { tone: 'bad', label: 'overdue', meaning: 'It should have been rotated long ago.' },
  unreadable: { tone: 'bad', label: 'unreadable', meaning: 'The vault cannot be read.' },
  unmanaged: { tone: 'warn', label: 'unmanaged', meaning: 'The secret exists and belongs to something else.' },
  paused: { tone: 'warn', label: 'paused', meaning: 'An operator disabled the current version of the secret.' },
  unfinished: { tone: 'busy', label: 'unfinished', meaning: 'A change has begun and is being finished.' },
  due: { tone: 'busy', label: 'due', meaning: 'The next tick rotates it.' },
  closed: { tone: 'busy', label: 'waits for window', meaning: 'It is due, and waits for its maintenance window.' },
  new: { tone: 'busy', label: 'new', meaning: 'The vault has no such secret yet. The next tick publishes the key.' },
  untagged: { tone: 'busy', label: 'untagged', meaning: 'The secret has no tags of Rekey. The next tick checks it.' },
  unknown: { tone: 'off', label: 'not read yet', meaning: 'The schedule has not read it yet.' },
  current: { tone: 'ok', label: 'current', meaning: 'The key in the vault works and is not due.' },
  disabled: { tone: 'off', label: 'disabled', meaning: 'Disabled in targets.json.' },
}

const order = Object.keys(statusWords)

/** What a status means; one that this page does not know is shown as it is. */
export function wordFor(status: string): StatusWord {
  return statusWords[status] ?? { tone: 'off', label: status, meaning: '' }
}

/** How urgent a status is: the smallest first. */
export function urgency(status: string): number {
  const place = order.indexOf(status)
  return place < 0 ? order.length : place
}

/** Whether an operator has to do something. */
export function needsAttention(status: string): boolean {
  const { tone } = wordFor(status)
  return tone === 'bad' || status === 'unmanaged'
}

/** A mark of its own for each tone, so that the color alone says nothing. */
const marks: Readonly<Record<Tone, string>> = { bad: '▲', warn: '◆', busy: '◐', ok: '●', off: '○' }

/** A status as a word with its mark. */
export function statusMark(status: string): HTMLElement {
  const { tone, label, meaning } = wordFor(status)
  return el(`span.status.${tone}`, { title: meaning }, el('span', { 'aria-hidden': 'true' }, marks[tone]), ` ${label}`)
}
