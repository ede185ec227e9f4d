// How Resource Graph shows the resources of a service: what their properties say of keys, as the service's own description does.

import * as z from 'zod/mini'
import type { Discovery, KeyFacts, ShownResource } from '../provider.ts'
import type { ArmKeyService } from './arm-key-service.ts'

const Switch = z.object({ disableLocalAuth: z.nullish(z.boolean()) })

/**
 * Of a service whose resources have `disableLocalAuth`, and say nothing of when keys were made. `within`: the property that it is in,
 * where it is not one by itself.
 */
export function localAuthDiscovery(
  type: string,
  { within, ...more }: Partial<Pick<Discovery, 'fields' | 'note'>> & { readonly within?: string } = {},
): Discovery {
  return {
    type,
    properties: [within ?? 'disableLocalAuth'],
    facts: ({ properties }) => {
      const read = Switch.safeParse(within === undefined ? properties : (properties[within] ?? {}))
      return read.success ? { localAuth: read.data.disableLocalAuth !== true } : undefined
    },
    fields: (resource) => ({ resource }),
    ...more,
  }
}

/**
 * Of a service that is declared: its description is read from Resource Graph as from the service. What is below the outermost resource is
 * not there, so of a description of that nothing is known. `type`: of the outermost resource.
 */
export function armDiscovery<Shape extends z.core.$ZodShape, Listing, Description, Addition>(
  { types, slots, fields, describe, discovery }: ArmKeyService<Shape, Listing, Description, Addition>,
  type: string,
): Discovery | undefined {
  if (discovery === 'none') return undefined
  const hasOneType = 'type' in types && types.type === type
  const shown = describe?.at === 'top' || hasOneType ? describe : undefined
  const { below = '', note } = discovery ?? {}

  // What a target has that sets none of the service's own fields.
  const usual = z.object(fields ?? ({} as Shape)).parse({}) as z.output<z.core.$ZodObject<Shape>>

  function facts(resource: ShownResource): KeyFacts | undefined {
    // A service that never describes its resources has no switch for their keys.
    if (shown === undefined) return describe === undefined ? { localAuth: true } : {}
    const read = z.safeParse(shown.answer, resource)
    if (!read.success) return undefined
    const { data } = read
    const created = slots.flatMap((slot) => shown.createdAt?.(data, slot, { fields: usual }) ?? [])
    const keyPolicyDays = shown.keyPolicyDays?.(data)
    return {
      ...(shown.isKeyUseDisabled === undefined ? {} : { localAuth: !shown.isKeyUseDisabled(data) }),
      ...(created.length === slots.length ? { oldestKeyAt: Math.min(...created) } : {}),
      ...(keyPolicyDays === undefined ? {} : { keyPolicyDays }),
    }
  }

  return {
    type,
    properties: shown === undefined ? [] : propertiesOf(shown.answer),
    facts,
    fields: (id) => ({ resource: `${id}${below}` }),
    ...(note === undefined ? {} : { note }),
  }
}

/** The names below `properties` that a description reads. */
function propertiesOf(answer: z.core.$ZodType): readonly string[] {
  const properties = shapeOf(answer)['properties']
  return properties === undefined ? [] : Object.keys(shapeOf(properties))
}

/** The fields of an object, also of one that may be missing, or that becomes something else. */
function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  const {
    innerType,
    in: before,
    shape,
  } = schema._zod.def as z.core.$ZodTypeDef & {
    readonly innerType?: z.core.$ZodType
    readonly in?: z.core.$ZodType
    readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  }
  const within = innerType ?? before
  return shape ?? (within === undefined ? {} : shapeOf(within))
}
