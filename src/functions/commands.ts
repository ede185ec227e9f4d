// HTTP functions that change something: one function per route, so that each has a function key of its own.

import { route } from './http/route.ts'

route('rotateTarget', 'POST', 'targets/{name}/rotate', async () => (await import('./commands/rotate.ts')).rotate)
route('promoteTarget', 'POST', 'targets/{name}/promote', async () => (await import('./commands/promote.ts')).promote)
route('swapTarget', 'POST', 'targets/{name}/swap', async () => (await import('./commands/promote.ts')).swap)
route('revokeTarget', 'POST', 'targets/{name}/revoke', async () => (await import('./commands/revoke.ts')).revoke)
route('repairTarget', 'POST', 'targets/{name}/repair', async () => (await import('./commands/repair.ts')).repair)
route('startRotations', 'POST', 'rotations', async () => (await import('./commands/rotations.ts')).startRotations)
