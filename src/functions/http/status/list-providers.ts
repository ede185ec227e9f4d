// GET /api/providers: what can be rotated, and what each service needs for it. The providers are loaded for this route alone.

import * as z from 'zod/mini'
import { loadProviders } from '../../../compose.ts'
import type { KeyProvider, Permission } from '../../../providers/provider.ts'
import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery } from '../paging.ts'
import type { Provider, ProviderCollection } from '../schemas/provider-schema.ts'

/** Every provider, also while the configuration is not valid: whoever writes targets.json needs it most. Reads nothing of Azure. */
export const listProviders: Handler = {
  roles: readers,
  async always({ request }) {
    checkQuery(request, [])
    const providers = await loadProviders()
    const all: ProviderCollection = { value: providers.map(describeProvider) }
    return json(200, all)
  },
}

function describeProvider(provider: KeyProvider): Provider {
  const { id, title, slots, outputs, resource, actions, optional = [], grant, clouds, can, writes, limit } = provider
  const { allowance, fieldOfOutput = {} } = provider
  return {
    ...{ id, title, slots },
    outputs: Object.entries(outputs).map(([name, kind]) => ({
      name,
      changes: kind === 'secret',
      ...(fieldOfOutput[name] === undefined ? {} : { needsField: fieldOfOutput[name] }),
    })),
    fields: Object.entries(resource.shape).map(([name, field]) => ({ name, ...describeField(field) })),
    rights: [...actions.map(rightOf), ...optional.map((right) => ({ ...rightOf(right), optional: true }))],
    ...(grant.resourceType === undefined ? {} : { grantedAt: grant.resourceType }),
    // Of the schedule, which spends at most half of what the service allows.
    limit: { of: limit, writesPerSecond: allowance.perSecond, writesPerRotation: writes },
    longRunning: provider.longRunning ?? false,
    proof: can.probe ? 'probe' : 'none',
    swap: can.swap ?? false,
    atOnce: can.atOnce ?? false,
    clouds,
  }
}

function rightOf({ kind, name, why }: Permission) {
  return { kind, name, why }
}

/** What providers say of a field. */
interface Said {
  readonly description?: string
  readonly examples?: readonly unknown[]
}

interface Described {
  readonly required: boolean
  readonly description?: string
  readonly example?: unknown
}

/** What its schema says of it: the same words that editors show. */
function describeField(field: z.core.$ZodType): Described {
  const said = saidOf(field)
  const [example] = said?.examples ?? []
  return {
    required: field._zod.optin === undefined,
    ...(said?.description === undefined ? {} : { description: said.description }),
    ...(example === undefined ? {} : { example }),
  }
}

/** Of a field that may be left out, the schema inside may say it. */
function saidOf(field: z.core.$ZodType): Said | undefined {
  const own = z.globalRegistry.get(field) as Said | undefined
  if (own !== undefined) return own
  const { innerType } = field._zod.def as { readonly innerType?: z.core.$ZodType }
  return innerType && saidOf(innerType)
}
