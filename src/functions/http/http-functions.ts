// Every HTTP function: one per route, so that each has a function key of its own.

import { route } from './route-list.ts'

// These change something.
route('rotateTarget', 'POST', 'targets/{name}/rotate', async () => (await import('./commands/rotate-target.ts')).rotate)
route(
  'promoteTarget',
  'POST',
  'targets/{name}/promote',
  async () => (await import('./commands/promote-target.ts')).promote,
)
route('swapTarget', 'POST', 'targets/{name}/swap', async () => (await import('./commands/promote-target.ts')).swap)
route('revokeTarget', 'POST', 'targets/{name}/revoke', async () => (await import('./commands/revoke-target.ts')).revoke)
route('repairTarget', 'POST', 'targets/{name}/repair', async () => (await import('./commands/repair-target.ts')).repair)
route('startRotations', 'POST', 'rotations', async () => (await import('./commands/start-rotations.ts')).startRotations)
route(
  'startRevocations',
  'POST',
  'revocations',
  async () => (await import('./commands/start-revocations.ts')).startRevocations,
)

// These only read.
route('listTargets', 'GET', 'targets', async () => (await import('./status/list-targets.ts')).listTargets)
route('showTarget', 'GET', 'targets/{name}', async () => (await import('./status/list-targets.ts')).showTarget)
route('planTarget', 'GET', 'targets/{name}/plan', async () => (await import('./status/plan-target.ts')).planTarget)
route(
  'targetHistory',
  'GET',
  'targets/{name}/history',
  async () => (await import('./status/target-history.ts')).targetHistory,
)
route('listHistory', 'GET', 'history', async () => (await import('./status/list-history.ts')).listHistory)
route('listPlan', 'GET', 'plan', async () => (await import('./status/show-plan.ts')).listPlan)
route('listProviders', 'GET', 'providers', async () => (await import('./status/list-providers.ts')).listProviders)
route(
  'listCandidates',
  'GET',
  'candidates',
  async () => (await import('../discovery/list-candidates.ts')).listCandidates,
)
route('health', 'GET', 'health', async () => (await import('./status/show-health.ts')).health)
route('showOperation', 'GET', 'operations/{id}', async () => (await import('./status/show-operation.ts')).showOperation)
route('listOperations', 'GET', 'operations', async () => (await import('./status/list-operations.ts')).listOperations)
route('showOpenapi', 'GET', 'openapi.json', async () => (await import('./status/show-openapi.ts')).showOpenapi)
