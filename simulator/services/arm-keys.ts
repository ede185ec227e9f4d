// A plain service of Azure Resource Manager: resources with named keys, which one call lists and another one regenerates. A
// service declares its type, its shapes and its errors; stale listings, slow propagation, throttling, lost answers and missing
// rights come from the kernel. Its data plane is its own: `byHost` finds the resource, `isAccepted` says whether one of its keys matches.

import type { Dice } from '../dice.ts'
import type { Kernel } from '../kernel.ts'
import { type KeySlots, keySlots, type ServiceHandle, serviceHandle } from '../keys.ts'
import type { Call, Operation, Reply } from '../service-operations.ts'
import { armResourceId } from './arm.ts'

/** One resource of the service. `Options` are what a test may say of it. */
export interface ArmResource<Options = object> {
  readonly id: string
  readonly name: string
  /** Of the resource and those above it, the outermost first. */
  readonly names: readonly string[]
  readonly options: Options
  readonly slots: KeySlots
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** How often it was changed: for etags. */
  readonly changes: number
  /** Whether its keys are switched off. */
  readonly keysDisabled: boolean
  /** Whether a regenerate is still going on. */
  readonly underWay: boolean
  /** Whether the last one that went on after its answer has failed: then no key has changed. */
  readonly hasFailed: boolean
}

export interface ArmKeysHandle extends ServiceHandle {
  /** Switches the resource's keys off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

export interface ArmResourceOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Names of the resources above it, the outermost first. */
  readonly above?: readonly string[]
}

export interface ArmKeysDeclaration<Options> {
  /** Begins the names of its operations: `<service>/listKeys`. */
  readonly service: string
  /** `Microsoft.Storage/storageAccounts`, or with children `Microsoft.ServiceBus/namespaces/authorizationRules`. */
  readonly type: string
  /** Those that its control plane takes. */
  readonly apiVersions: readonly string[]
  readonly slots: readonly string[]
  /** A key in the service's own format. */
  mint(dice: Dice, slot: string): string
  readonly list: {
    /** Below the id: `listKeys`. The operation has the same name. */
    readonly action: string
    readonly permission: string
    /** `keys`: slot to key as the listing shows them, which may lag. */
    body(resource: ArmResource<Options>, keys: Readonly<Record<string, string>>): unknown
  }
  readonly regenerate: {
    /** Below the id; a part may be a parameter: `regenerateKey`, `regenerateAdminKey/:slot`. */
    readonly action: string
    readonly permission: string
    /** In their place, where each slot has an action of its own: action → permission. The operation is named after `action`. */
    readonly actions?: Readonly<Record<string, string>>
    /** The slot that the call names. Throws what the service answers to one that it does not know. */
    slot(call: Call, resource: ArmResource<Options>): string
    /** A key that the caller gives. Absent, or undefined: the service makes one. */
    given?(call: Call): string | undefined
    /** The answer, once the key has changed, or has begun to. `keys` are the current ones. */
    reply(resource: ArmResource<Options>, slot: string, keys: Readonly<Record<string, string>>, call: Call): Reply
    /** Milliseconds until the new key takes the place of the old one. Default: at once. The fault `slowOperation` changes it. */
    readonly takes?: number | ((resource: ArmResource<Options>) => number | undefined)
    /** What is thrown at a regenerate while another goes on. Needed with `takes`. */
    busy?(call: Call, resource: ArmResource<Options>): Error
  }
  /** The resource itself, or the outermost one that it belongs to (`top`). Absent: nothing reads it. */
  readonly describe?: {
    readonly at?: 'top'
    readonly permission: string
    body(resource: ArmResource<Options>): unknown
  }
  /** What is thrown where there is no resource of these names. Default: Resource Manager's own 404. */
  missing?(call: Call, names: readonly string[]): Error
  /** What is thrown by both calls on keys while they are switched off. Absent: Resource Manager goes on. */
  keysDisabled?(call: Call, resource: ArmResource<Options>): Error
}

interface State<Options> extends ArmResource<Options> {
  changes: number
  keysDisabled: boolean
  pending:
    | { readonly slot: string; readonly key: string | undefined; readonly at: number; readonly fails: boolean }
    | undefined
  hasFailed: boolean
}

/** What a service makes its own fleet and data plane of. */
export interface ArmKeys<Options> {
  /** To be registered, beside those of the data plane. */
  readonly operations: readonly Operation[]
  /** Adds a resource. Defaults: a fixed subscription, resource group `rg`. */
  add(options: ArmResourceOptions & Options): ArmKeysHandle
  /** By the first label of a host: the name of the outermost resource, without case. */
  byHost(host: string): ArmResource<Options> | undefined
  /** By its id, without case. */
  find(id: string): ArmResource<Options> | undefined
  /** Of a service whose resources share one host: the one whose key the data plane accepts. */
  byKey(matches: (key: string) => boolean): ArmResource<Options> | undefined
  /** Whether the data plane accepts requests for which `matches` is true of one of its keys. */
  isAccepted(resource: ArmResource<Options>, matches: (key: string) => boolean): boolean
}

/** Everything of a plain service but its data plane. */
export function armKeys<Options extends object = object>(
  kernel: Kernel,
  declared: ArmKeysDeclaration<Options>,
): ArmKeys<Options> {
  const { service, type, apiVersions, list, regenerate, describe } = declared
  const resources = new Map<string, State<Options>>()
  const dice = kernel.dice.fork(`${service} ${type}`)
  const [namespace, ...kinds] = type.split('/')
  const pathOf = (levels: readonly string[]) => {
    const below = levels.map((kind, level) => `/${kind}/:level${level}`).join('')
    return `/subscriptions/:subscription/resourceGroups/:group/providers/${namespace}${below}`
  }
  const path = pathOf(kinds)
  const common = { host: 'resource-manager', apiVersions } as const

  const idOf = (from: Parameters<typeof armResourceId>[0], names: readonly string[]) => {
    const first = armResourceId('params' in from ? { ...from.params } : from, `${namespace}/${kinds[0]}`, names[0]!)
    return `${first}${kinds
      .slice(1)
      .map((kind, index) => `/${kind}/${names[index + 1]}`)
      .join('')}`
  }
  const notFound = (call: Call, names: readonly string[]) =>
    call.refuse(
      404,
      'ResourceNotFound',
      `The Resource '${[namespace, ...kinds.slice(0, names.length)].join('/')}/${names.join('/')}' under resource group '${call.params['group']}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    )
  const resourceOf = (call: Call): State<Options> => {
    const names = kinds.map((_, level) => call.params[`level${level}`]!)
    const found = resources.get(idOf(call, names).toLowerCase())
    if (found) return settled(found)
    throw (declared.missing ?? notFound)(call, names)
  }
  /** Of the resources of an outermost one, the first that was added: it has what they have in common. */
  const belowTop = (call: Call): State<Options> => {
    const id = `${idOf(call, [call.params['level0']!])}/`.toLowerCase()
    const found = [...resources].find(([each]) => `${each}/`.startsWith(id))
    if (found) return settled(found[1])
    throw notFound(call, [call.params['level0']!])
  }
  const withKeys = (call: Call): State<Options> => {
    const resource = resourceOf(call)
    if (resource.keysDisabled && declared.keysDisabled) throw declared.keysDisabled(call, resource)
    return resource
  }
  const change = (resource: State<Options>, slot: string, key: string | undefined): void => {
    if (key === undefined) resource.slots.regenerate(slot)
    else resource.slots.set(slot, key)
    resource.changes += 1
  }
  /** The resource as it is now: what was to be over by now is over. */
  const settled = (resource: State<Options>): State<Options> => {
    const { pending } = resource
    if (pending !== undefined && kernel.clock.now() >= pending.at) {
      resource.pending = undefined
      resource.hasFailed = pending.fails
      if (!pending.fails) change(resource, pending.slot, pending.key)
    }
    return resource
  }

  function regenerated(call: Call): Reply {
    const resource = withKeys(call)
    const slot = regenerate.slot(call, resource)
    const key = regenerate.given?.(call)
    const takes = typeof regenerate.takes === 'function' ? regenerate.takes(resource) : regenerate.takes
    if (takes === undefined) change(resource, slot, key)
    else {
      if (resource.pending !== undefined) throw regenerate.busy!(call, resource)
      const [at, fails] = [call.now + kernel.faults.operationTime(takes), kernel.faults.operationFails()]
      resource.pending = { slot, key, at, fails }
    }
    return regenerate.reply(resource, slot, resource.slots.keys(), call)
  }

  const operations: Operation[] = [
    {
      ...common,
      operation: `${service}/${list.action}`,
      permission: list.permission,
      method: 'POST',
      path: `${path}/${list.action}`,
      handle(call) {
        const resource = withKeys(call)
        return { status: 200, body: list.body(resource, resource.slots.keys(call.readAt)) }
      },
    },
    ...Object.entries(regenerate.actions ?? { [regenerate.action]: regenerate.permission }).map(
      ([action, permission]): Operation => ({
        ...common,
        operation: `${service}/${regenerate.action.split('/')[0]}`,
        effect: true,
        permission,
        method: 'POST',
        path: `${path}/${action}`,
        handle: regenerated,
      }),
    ),
  ]
  if (describe !== undefined) {
    operations.push({
      ...common,
      operation: `${service}/get`,
      permission: describe.permission,
      method: 'GET',
      path: describe.at === 'top' ? pathOf(kinds.slice(0, 1)) : path,
      handle: (call) => ({
        status: 200,
        body: describe.body(describe.at === 'top' ? belowTop(call) : resourceOf(call)),
      }),
    })
  }

  const isAccepted = (resource: ArmResource<Options>, matches: (key: string) => boolean) =>
    !resource.keysDisabled && resource.slots.accepted().some(matches)

  return {
    operations,
    add(options) {
      const names = [...(options.above ?? []), options.name]
      const id = idOf(options, names)
      const slots = keySlots(kernel, declared.slots, (slot) => declared.mint(dice, slot))
      const resource: State<Options> = {
        id,
        name: options.name,
        names,
        options,
        slots,
        createdAt: kernel.clock.now(),
        changes: 0,
        keysDisabled: false,
        pending: undefined,
        hasFailed: false,
        get underWay() {
          return settled(resource).pending !== undefined
        },
      }
      resources.set(id.toLowerCase(), resource)
      const handle = serviceHandle(id, slots, () => !resource.keysDisabled)
      return kernel.adopt({
        ...handle,
        keys: () => settled(resource).slots.keys(),
        keyOf: (slot) => settled(resource).slots.keyOf(slot),
        accepts: (key) => !settled(resource).keysDisabled && slots.accepts(key),
        disableLocalAuth: (disabled) => {
          resource.keysDisabled = disabled
        },
      })
    },
    byHost(host) {
      const name = host.split('.')[0]!.toLowerCase()
      const found = [...resources.values()].find(({ names }) => names[0]!.toLowerCase() === name)
      return found && settled(found)
    },
    find(id) {
      const found = resources.get(id.toLowerCase())
      return found && settled(found)
    },
    byKey: (matches) => [...resources.values()].find((each) => isAccepted(settled(each), matches)),
    isAccepted,
  }
}
