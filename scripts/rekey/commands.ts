// The commands by name, in the order of the help. One command is one file, which exports `command` (command.ts).

import type { Command } from './command.ts'

export const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  list: () => import('./list.ts'),
  show: () => import('./show.ts'),
  plan: () => import('./plan.ts'),
  rotate: () => import('./rotate.ts'),
  promote: () => import('./promote.ts'),
  swap: () => import('./swap-slots.ts'),
  repair: () => import('./repair.ts'),
  revoke: () => import('./revoke.ts'),
  'revoke-many': () => import('./revoke-many.ts'),
  operation: () => import('./operation.ts'),
  operations: () => import('./operations.ts'),
  history: () => import('./history.ts'),
  health: () => import('./health.ts'),
  providers: () => import('./providers.ts'),
  discover: () => import('./discover.ts'),
  page: () => import('./page.ts'),
}
