// Ids and paths of Azure Resource Manager.

import type { Call } from '../service-operations.ts'

export const defaultSubscription = '11111111-2222-3333-4444-555555555555'
export const defaultGroup = 'rg'

/** The path pattern of a resource of a type: `:subscription`, `:group` and the given parameter. */
export function armPath(type: string, parameter: string): string {
  return `/subscriptions/:subscription/resourceGroups/:group/providers/${type}/:${parameter}`
}

/** The id of the resource that a call's path names (`name`: the path parameter), or that a test adds (`name`: its name). */
export function armResourceId(
  from: Call | { readonly subscription?: string; readonly group?: string },
  type: string,
  name: string,
): string {
  const place: { readonly subscription?: string; readonly group?: string } = 'params' in from ? from.params : from
  const leaf = 'params' in from ? from.params[name] : name
  const { subscription = defaultSubscription, group = defaultGroup } = place
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${leaf}`
}
