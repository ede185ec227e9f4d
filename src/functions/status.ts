// HTTP functions that read, and change nothing.

import { route } from './http/route.ts'

route('plan', 'GET', 'plan', async () => (await import('./status/plan.ts')).plan)
route('listTargets', 'GET', 'targets', async () => (await import('./status/targets.ts')).listTargets)
route('showTarget', 'GET', 'targets/{name}', async () => (await import('./status/targets.ts')).showTarget)
route('targetHistory', 'GET', 'targets/{name}/history', async () => (await import('./status/history.ts')).targetHistory)
route('health', 'GET', 'health', async () => (await import('./status/health.ts')).health)
route(
  'showOperation',
  'GET',
  'operations/{id}',
  async () => (await import('./operations/show-operation.ts')).showOperation,
)
