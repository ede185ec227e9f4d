// The OpenAPI document of the app, docs/openapi.json: made from the route table, the schemas that requests are validated with, and those
// that the types of answers are taken from. `npm run generate` writes it.

import * as z from 'zod/mini'
import { apiVersion } from '../src/functions/http/request-rules.ts'
import { components } from '../src/functions/http/schemas/schema-parts.ts'
import { problemResponses, sharedResponses } from './openapi/problem-responses.ts'
import { type RequestBodyName, requestBodies } from './openapi/request-bodies.ts'
import { type RouteEntry, routeTable } from './openapi/route-table.ts'
import { headers, parameters, responses, securitySchemes } from './openapi/shared-parts.ts'

type Schema = Readonly<Record<string, unknown>>

/** The document. */
export function openapiDocument(): object {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Rekey',
      summary: 'Rotates the keys of Azure services, and proves that the key in the vault works.',
      description:
        'Errors are `application/problem+json` with a stable `code`, which the header `x-ms-error-code` repeats. A command that takes long is answered with 202: `Operation-Location` is where to follow it. Collections come in pages: follow `nextLink` as it is.',
      version: apiVersion,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: 'https://{app}.azurewebsites.net',
        description: 'Your app in Azure.',
        variables: { app: { default: 'func-rekey', description: 'The name of the function app.' } },
      },
      { url: 'http://127.0.0.1:7071', description: 'What `npm start` serves.' },
    ],
    tags,
    paths: pathsOf(routeTable),
    components: {
      schemas: schemas(),
      parameters,
      headers,
      responses: { ...responses, ...sharedResponses() },
      securitySchemes,
    },
  }
}

const tags = [
  { name: 'Targets', description: 'What is rotated, how it stands, and what happens next. These only read.' },
  { name: 'Commands', description: 'What changes one target. `commands` in its plan says which are allowed now.' },
  { name: 'Many targets', description: 'The same for many, paced so that no limit of a service is hit.' },
  { name: 'Operations', description: 'How commands are going that were answered with 202.' },
  { name: 'App', description: 'The app itself, and what it could rotate.' },
]

function pathsOf(table: Readonly<Record<string, RouteEntry>>): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, route] of Object.entries(table)) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(name, route) }
  }
  return paths
}

function operationOf(name: string, route: RouteEntry): object {
  const { tag, summary, description, role, body, answers, errors, codes = [] } = route
  const named = role === 'open' ? [] : ['ApiVersion', ...(route.parameters ?? [])]
  const success = answers.map((answer) => [answer.status, answerOf(answer)] as const)
  const failures = role === 'open' ? {} : problemResponses(errors, codes)
  return {
    operationId: name,
    tags: [tag],
    summary,
    description,
    security: securityOf(role),
    ...(named.length > 0 && { parameters: named.map((each) => ({ $ref: `#/components/parameters/${each}` })) }),
    ...(body && { requestBody: bodyOf(body) }),
    responses: { ...failures, ...Object.fromEntries(success) },
  }
}

/** The app accepts no body as an empty one. Clients must send one: many send no `Content-Type` without it, and that is refused. */
function bodyOf(name: RequestBodyName): object {
  const { example } = requestBodies[name]
  return {
    required: true,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` }, example } },
  }
}

function answerOf({ schema, content, csv, description, headers: named = [] }: RouteEntry['answers'][number]) {
  const shown = Object.fromEntries(named.map((name) => [headerNames[name], { $ref: `#/components/headers/${name}` }]))
  const type = content === 'text/html' ? content : 'application/json'
  const other = { type: type === 'text/html' ? 'string' : 'object' }
  return {
    description,
    ...(named.length > 0 && { headers: shown }),
    content: {
      [type]: { schema: schema === undefined ? other : referenceTo(schema) },
      ...(csv && { 'text/csv': { schema: { type: 'string' } } }),
    },
  }
}

function referenceTo(schema: z.ZodMiniType): object {
  const [name] = [...components].find(([, each]) => each === schema) ?? []
  if (name === undefined) throw new TypeError('a route answers with a schema that has no name')
  return { $ref: `#/components/schemas/${name}` }
}

const headerNames: Readonly<Record<string, string>> = {
  Link: 'Link',
  OperationLocation: 'Operation-Location',
  RetryAfter: 'Retry-After',
  RepeatabilityResult: 'Repeatability-Result',
}

const roles = ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'] as const

/** A function key, or the sign-in with one of the roles. */
function securityOf(role: RouteEntry['role']): readonly object[] {
  if (role === 'open') return [{}]
  const enough = role === 'Rekey.Read' ? roles : [role]
  return [{ functionKey: [] }, ...enough.map((each) => ({ signIn: [each] }))]
}

/** Every schema with a name, those of requests among them. */
function schemas(): Readonly<Record<string, Schema>> {
  const registry = z.registry<{ readonly id: string }>()
  for (const [id, schema] of components) registry.add(schema, { id })
  for (const [name, { schema }] of Object.entries(requestBodies)) registry.add(schema, { id: name })
  const made = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: 'input',
    override: ({ jsonSchema }) => {
      // The format says it, and no generator understands the pattern.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
    },
  }).schemas as Record<string, Schema>
  const named = Object.entries(made).map(
    ([id, { $schema: _, $id: __, ...schema }]) => [id, described(id, schema)] as const,
  )
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** What validates a request says nothing of its fields: that is said here. */
function described(id: string, schema: Schema): Schema {
  if (!(id in requestBodies)) return schema
  const { description, fields, example } = requestBodies[id as keyof typeof requestBodies]
  const properties = schema['properties'] as Readonly<Record<string, Schema>>
  const named = Object.entries(properties).map(([name, each]) => [
    name,
    { ...each, description: (fields as Readonly<Record<string, string>>)[name] },
  ])
  return { ...schema, description, properties: Object.fromEntries(named), examples: [example] }
}
