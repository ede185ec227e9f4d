// The management API, for another process: history, clock, keys, vaults, events, faults. Loopback only.

import { Hono } from 'hono'
import type { Cloud, ServiceHandle } from './cloud.ts'
import * as faults from './faults.ts'
import * as wireFaults from './wire-faults.ts'

/** Faults that can be named in a request, with the options of their function. */
const byName = {
  throttle: faults.throttle,
  serverError: faults.serverError,
  lostAnswer: faults.lostAnswer,
  truncatedBody: faults.truncatedBody,
  staleReads: faults.staleReads,
  slowAnswers: faults.slowAnswers,
  slowPropagation: faults.slowPropagation,
  lingeringKeys: faults.lingeringKeys,
  gatewayCaches: faults.gatewayCaches,
  slowOperation: faults.slowOperation,
  untrackableOperations: faults.untrackableOperations,
  failingOperation: faults.failingOperation,
  missingPermission: faults.missingPermission,
  crash: faults.crash,
  emptyFirstPages: wireFaults.emptyFirstPages,
  busy: wireFaults.busy,
  expiringTokens: wireFaults.expiringTokens,
  claimsChallenges: wireFaults.claimsChallenges,
  skewedDate: wireFaults.skewedDate,
  unorderedEvents: wireFaults.unorderedEvents,
  slowSoftDelete: wireFaults.slowSoftDelete,
  dataPlaneOutages: wireFaults.dataPlaneOutages,
  networkRule: wireFaults.networkRule,
} as const

/**
 * Routes below `/simulator`. Answers JSON: 404 for what the cloud does not have, 400 for a request it cannot carry out
 * or read.
 */
export function management(cloud: Cloud): Hono {
  const app = new Hono().basePath('/simulator')
  // The message of a handle's error (unknown slot, unknown secret) is enough; a stack trace would not help the caller.
  app.onError((error, c) => c.json({ error: error.message }, 400))
  routeClock(app, cloud)
  routeResources(app, cloud)
  routeVaults(app, cloud)
  routeFaults(app, cloud)
  app.get('/history', (c) => {
    const since = Number(c.req.query('since') ?? 0)
    return c.json({ next: cloud.history.length, history: cloud.history.slice(since) })
  })
  app.get('/telemetry', (c) => c.json(cloud.telemetry))
  app.get('/topics/:host/events', (c) => c.json(cloud.topic(c.req.param('host')).events))
  return app
}

function routeClock(app: Hono, cloud: Cloud): void {
  app.get('/clock', (c) => c.json({ now: cloud.clock.now() }))
  app.post('/clock', async (c) => {
    const { advance } = await bodyOf(c.req)
    if (typeof advance !== 'number' || !Number.isFinite(advance) || advance < 0) {
      return c.json({ error: '"advance" must be a number of milliseconds, 0 or more' }, 400)
    }
    cloud.clock.advance(advance)
    return c.json({ now: cloud.clock.now() })
  })
}

function routeResources(app: Hono, cloud: Cloud): void {
  app.get('/resources', (c) => c.json([...cloud.resources.values()].map(({ resourceId }) => resourceId)))

  const resource = (id: string): ServiceHandle | undefined => cloud.resources.get(id.toLowerCase())
  app.post('/accepts', async (c) => {
    const body = await bodyOf(c.req)
    const handle = resource(textIn(body, 'resource'))
    return handle
      ? c.json({ accepted: handle.accepts(textIn(body, 'key')) })
      : c.json({ error: 'no such resource' }, 404)
  })
  app.post('/regenerate', async (c) => {
    const body = await bodyOf(c.req)
    const handle = resource(textIn(body, 'resource'))
    if (!handle) return c.json({ error: 'no such resource' }, 404)
    // As somebody in the portal, who is the caller in the event that it raises. Without a slot: every key of the resource.
    const slots = body['slot'] === undefined ? Object.keys(handle.keys()) : [textIn(body, 'slot')]
    for (const slot of slots) handle.regenerateByHand(slot)
    return c.json({ regenerated: slots.join(', ') })
  })
}

function routeVaults(app: Hono, cloud: Cloud): void {
  app.get('/vaults/:host/secrets', (c) => c.json(cloud.vault(c.req.param('host')).names()))
  app.get('/vaults/:host/secrets/:name', (c) => {
    const vault = cloud.vault(c.req.param('host'))
    const name = c.req.param('name')
    const value = vault.read(name)
    const versions = vault.versions(name).map(({ value: _value, reported: _reported, ...version }) => version)
    return value === undefined ? c.json({ error: 'no such secret' }, 404) : c.json({ name, value, versions })
  })
  app.post('/vaults/:host/secrets/:name/:act', (c) => {
    const vault = cloud.vault(c.req.param('host'))
    const { name, act } = c.req.param()
    if (act !== 'disable' && act !== 'enable' && act !== 'delete' && act !== 'recover') {
      return c.json({ error: 'disable, enable, delete or recover' }, 400)
    }
    vault[act](name)
    return c.json({ done: act })
  })
  app.post('/vaults/:host/events', (c) => c.json(cloud.vault(c.req.param('host')).takeEvents()))
}

function routeFaults(app: Hono, cloud: Cloud): void {
  app.get('/faults', (c) => c.json(cloud.faults.names))
  app.post('/faults', async (c) => {
    const { name, ...options } = await bodyOf(c.req)
    if (typeof name !== 'string' || !Object.hasOwn(byName, name))
      return c.json({ error: `faults are ${Object.keys(byName).join(', ')}` }, 400)
    const make = byName[name as keyof typeof byName] as (options: object) => faults.Fault
    cloud.faults.add(make(options))
    return c.json(cloud.faults.names)
  })
  app.delete('/faults', (c) => {
    cloud.faults.clear()
    return c.json(cloud.faults.names)
  })
  app.post('/revive', (c) => {
    cloud.revive()
    return c.json({ revived: true })
  })
}

/** The JSON object of a request. Throws TypeError. */
async function bodyOf(request: { text(): Promise<string> }): Promise<Readonly<Record<string, unknown>>> {
  const text = await request.text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new TypeError('the body is not JSON')
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new TypeError('the body is not a JSON object')
}

function textIn(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name]
  if (typeof value === 'string') return value
  throw new TypeError(`"${name}" must be a string`)
}
