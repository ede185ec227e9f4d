// The routes of the app, by the name of their functions. Nothing is registered here: tests read the list as well.

import type { HttpMethod } from '@azure/functions'
import type { Handler } from './answer-request.ts'

/** A function of its own, so that it has a key of its own. */
export interface Route {
  readonly method: HttpMethod
  /** Below `/api/`. */
  readonly path: string
  /** Loads the handler, with the first request: registration must cost nothing and must not depend on configuration. */
  load(): Promise<Handler>
}

export const routes = new Map<string, Route>()

/** Adds a route. */
export function route(name: string, method: HttpMethod, path: string, load: () => Promise<Handler>): void {
  routes.set(name, { method, path, load })
}
