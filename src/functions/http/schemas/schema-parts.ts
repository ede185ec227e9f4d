// What the schemas of answers are made of. The OpenAPI document is generated from them, and the types of answers are taken from them:
// nothing that answers a request loads these files.

import * as z from 'zod/mini'

/** The schemas that have a name in the document. */
export const components = new Map<string, z.ZodMiniType>()

/** A schema with a name of its own, below `components/schemas`. `example` is shown to readers, and tests validate it. */
export function component<Schema extends z.ZodMiniType>(
  id: string,
  description: string,
  schema: Schema,
  example?: z.input<Schema>,
): Schema {
  components.set(id, schema)
  return about(schema, description, example)
}

/** The schema with a description. */
export function about<Schema extends z.ZodMiniType>(
  schema: Schema,
  description: string,
  example?: z.input<Schema>,
): Schema {
  z.globalRegistry.add(schema, { description, ...(example === undefined ? {} : { examples: [example] }) })
  return schema
}

/** A text with a description. */
export function text(description: string, example?: string) {
  return about(z.string(), description, example)
}

/** A moment in UTC. */
export function moment(description: string, example = '2026-12-01T10:00:00.000Z') {
  return about(z.iso.datetime(), description, example)
}

/** An ISO 8601 duration. */
export function duration(description: string, example: string) {
  return about(z.iso.duration(), description, example)
}

/** A whole number that counts something. */
export function count(description: string) {
  return about(z.int().check(z.nonnegative()), description)
}

/** A collection as every route answers it, a page at a time. `more`: what is said of all of it. */
export function collectionOf<Item extends z.ZodMiniType, More extends Readonly<Record<string, z.ZodMiniType>>>(
  item: Item,
  more: More,
) {
  return z.object({ value: z.array(item), nextLink: z.optional(nextLink), ...more })
}

const nextLink = about(
  z.url(),
  'The absolute address of the next page, to be used as it is. Absent on the last page. A function key that was sent as `?code=` is not in it.',
)

/** When the schedule read what a list shows. */
export const asOf = moment('When the schedule read what this list shows.')

/** What an answer of this schema is, for the functions that make one. */
export type Shown<Schema extends z.ZodMiniType> = Frozen<z.output<Schema>>

type Frozen<Value> = Value extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Frozen<Value[Name]> }
    : Value
