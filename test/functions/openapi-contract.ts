// Holds every call of the functions world to docs/openapi.json: requests that are accepted, and all answers. A member that the document
// does not have is as wrong as one that is missing.

import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Handler } from '../../src/functions/http/answer-request.ts'
import '../../src/functions/http/http-functions.ts'
import { routes } from '../../src/functions/http/route-list.ts'

type Json = Readonly<Record<string, unknown>>

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Json
}
interface Response {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: Json }>>
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>
}
export interface Operation {
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: Json } }
  }
  readonly responses: Readonly<Record<string, Response>>
}
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>
}

/** A call and its answer, as they went over the wire. */
export interface Exchange {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  readonly answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

/** What a document says of calls; `undefined` where the exchange agrees with it, else every way in which it does not. */
function contractOf(document: Document): (operationId: string, exchange: Exchange) => string | undefined {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, validateFormats: true })
  addFormats.default(ajv)
  ajv.addVocabulary(['components'])
  const { schemas } = document.components
  ajv.addSchema({ $id: 'rekey:', components: { schemas: exact(schemas as unknown as Json) } })
  const compiled = new Map<object, ValidateFunction>()
  const errorsOf = (schema: Json, value: unknown): string[] => {
    const known = compiled.get(schema) ?? ajv.compile(absolute(schema) as Json)
    compiled.set(schema, known)
    if (known(value)) return []
    return known.errors!.map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }
  const resolved = <Part>(part: Part): Part => {
    const { $ref } = part as { $ref?: string }
    if ($ref === undefined) return part
    const [, , kind = '', name = ''] = $ref.split('/')
    return document.components[kind]![name] as Part
  }
  const operations = new Map(
    Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((each) => [each.operationId, each] as const),
    ),
  )

  return (operationId, exchange) => {
    const operation = operations.get(operationId)
    if (operation === undefined) return `the document has no operation ${operationId}`
    const { status } = exchange.answer
    const wrong = [
      ...(status < 300 ? requestErrors(operation, exchange, resolved, errorsOf) : []),
      ...answerErrors(operation, exchange.answer, resolved, errorsOf),
    ]
    return wrong.length === 0 ? undefined : `${operationId}, ${status}:\n  ${wrong.join('\n  ')}`
  }
}

type Resolve = <Part>(part: Part) => Part
type ErrorsOf = (schema: Json, value: unknown) => string[]

/** The platform's own parameters are none of the document. */
const ofPlatform = ['code', 'clientId']

function requestErrors(
  { parameters = [], requestBody }: Operation,
  { params, query, headers, body }: Exchange,
  resolved: Resolve,
  errorsOf: ErrorsOf,
): string[] {
  const declared = parameters.map(resolved)
  const sent = { path: params, query, header: lowerCase(headers) }
  const wrong = declared.flatMap(({ name, in: where, required, schema }) => {
    const value = sent[where][where === 'header' ? name.toLowerCase() : name]
    if (value === undefined) return required ? [`the ${where} parameter ${name} is missing`] : []
    return errorsOf(schema, value).map((error) => `${where} parameter ${name}: ${error}`)
  })
  const known = [...ofPlatform, ...declared.map(({ name }) => name)]
  const unknown = Object.keys(query)
    .filter((name) => !known.includes(name))
    .map((name) => `unknown parameter ${name}`)
  // No body is an empty one.
  const schema = requestBody?.content['application/json'].schema
  const ofBody = schema === undefined ? [] : errorsOf(schema, parsedBody(body) ?? {}).map((error) => `body: ${error}`)
  return [...wrong, ...unknown, ...ofBody]
}

function parsedBody(body: unknown): unknown {
  if (body === undefined) return undefined
  const text =
    body instanceof Uint8Array ? new TextDecoder().decode(body) : typeof body === 'string' ? body : JSON.stringify(body)
  return text.trim() === '' ? undefined : JSON.parse(text)
}

function answerErrors(
  { responses }: Operation,
  { status, headers, body }: Exchange['answer'],
  resolved: Resolve,
  errorsOf: ErrorsOf,
): string[] {
  const listed = responses[String(status)]
  if (listed === undefined) return [`the document has no ${status}: ${JSON.stringify(body)}`]
  const response = resolved(listed)
  const got = lowerCase(headers)
  const ofHeaders = Object.entries(response.headers ?? {}).flatMap(([name, header]) => {
    const { required, schema } = resolved(header)
    const value = got[name.toLowerCase()]
    if (value === undefined) return required ? [`the header ${name} is missing`] : []
    return errorsOf(schema, schema['type'] === 'integer' ? Number(value) : value).map(
      (error) => `header ${name}: ${error}`,
    )
  })
  const [type = ''] = (got['content-type'] ?? '').split(';')
  const content = response.content?.[type]
  if (content === undefined) return [...ofHeaders, `the document has no content of the type ${type}`]
  if (got['cache-control'] !== 'no-store') ofHeaders.push('the header Cache-Control is not no-store')
  return [...ofHeaders, ...errorsOf(content.schema, body)]
}

function lowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Schemas in which an object has what is named, and nothing else: clients must tolerate more, tests must not. */
function exact(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exact)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(
    ([name, value]) => [name, name === 'examples' ? value : exact(value)] as const,
  )
  const closed = Object.fromEntries(entries)
  const isOpen = 'properties' in closed && !('additionalProperties' in closed) && closed['type'] === 'object'
  return isOpen ? { ...closed, additionalProperties: false } : closed
}

/** References of the document as ajv knows them. */
function absolute(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(absolute)
  if (typeof schema !== 'object' || schema === null) return schema
  const of = (name: string, value: unknown) => (name === '$ref' ? `rekey:${String(value)}` : absolute(value))
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, of(name, value)]))
}

/** The document that is checked in. */
export const document = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
) as Document

/** Every way in which a call of an operation, or its answer, is not as the document says; `undefined`: it is. */
export const disagreement = contractOf(document)
let names: Promise<ReadonlyMap<Handler, string>> | undefined

async function handlerNames(): Promise<ReadonlyMap<Handler, string>> {
  return new Map(await Promise.all([...routes].map(async ([name, { load }]) => [await load(), name] as const)))
}

/** Throws where a call of a registered handler, or its answer, is not as the document says. */
export async function assertAsDescribed(handler: Handler, exchange: Exchange): Promise<void> {
  names ??= handlerNames()
  const name = (await names).get(handler)
  const wrong = name === undefined ? undefined : disagreement(name, exchange)
  if (wrong !== undefined) throw new Error(`docs/openapi.json does not agree with ${wrong}`)
}
