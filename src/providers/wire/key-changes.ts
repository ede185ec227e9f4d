// Which operations of Resource Manager change keys. infra/key-operations.json has them as the filter of the event subscriptions.

import type { KeyProvider } from '../provider.ts'

/** Part of the name of every operation that makes a key anew, whatever the service. */
const regenerates = 'regenerate'

/** Whether a target of this provider may have other keys after the operation. Operations are compared without case. */
export function mayChangeKeys({ keyWrites = [] }: Pick<KeyProvider, 'keyWrites'>, operation: string): boolean {
  const wanted = operation.toLowerCase()
  return wanted.includes(regenerates) || keyWrites.some((write) => write.toLowerCase() === wanted)
}

/** Whether Resource Manager sees that its keys change: it does not see what is done at a data plane, or at Microsoft Graph. */
export function isHeard({ actions, keyWrites = [] }: Pick<KeyProvider, 'actions' | 'keyWrites'>): boolean {
  return (
    actions.some(({ kind, name }) => kind === 'action' && name.toLowerCase().includes(regenerates)) ||
    keyWrites.length > 0
  )
}

/** The parts of operations' names that a subscription asks for: every operation that changes keys of one of these providers has one of them. */
export function keyOperations(providers: readonly Pick<KeyProvider, 'keyWrites'>[]): readonly string[] {
  return [regenerates, ...new Set(providers.flatMap(({ keyWrites = [] }) => keyWrites))]
}
