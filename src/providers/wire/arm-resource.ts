// One resource of Resource Manager as a declared service reads it: its keys, what only another call answers, and what it says of
// itself. The last of each is remembered for as long as the resource is open.

import type * as z from 'zod/mini'
import type { AzureClients, RawAnswer, RawRequest } from '../../azure/clients.ts'
import type { KeyRing } from '../../engine/key-ring.ts'
import { parseAnswer, type ServiceOperation, serviceCall } from './answer.ts'
import type { ArmId } from './arm-id.ts'
import { type ArmKeyService, type ArmRequest, type ArmTarget, rightFor } from './arm-key-service.ts'

export interface ArmResource<Listing, Description> {
  /** For messages. */
  readonly name: string
  readonly calls: ArmCalls
  /** POST of the keys, in the service's api-version. Safe to retry. Throws RekeyErrors. */
  listing(signal: AbortSignal): Promise<Listing>
  /** The last listing; undefined: there was none. */
  lastListing(): Listing | undefined
  /** A listing that came otherwise, with the answer to a regenerate. */
  remember(listing: Listing): void
  ringOf(listing: Listing): KeyRing
  /** GET of the resource, in the service's api-version. Safe to retry. Throws RekeyErrors. */
  described(signal: AbortSignal): Promise<Description>
  /** The last description; undefined: there was none. */
  lastDescription(): Description | undefined
}

/** `wanted`: the outputs that the target's secrets hold; undefined: all. */
export function armResourceOf<Shape extends z.core.$ZodShape, Listing, Description, Addition>(
  service: ArmKeyService<Shape, Listing, Description, Addition>,
  target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>,
  azure: AzureClients,
  wanted: readonly string[] | undefined,
): ArmResource<Listing, Description> {
  const { list, describe } = service
  const arm = armCalls(service, target.id, azure)
  let seen: Listing | undefined
  let added: Addition | undefined
  let description: Description | undefined

  /** POST of the keys, in the service's api-version. Safe to retry. */
  async function listing(signal: AbortSignal): Promise<Listing> {
    const request = list.request(target)
    const what = arm.operation('POST', request.path, rightFor(list.right, target.id))
    const [{ body }] = await Promise.all([
      arm.post(what, request, 'retry', signal),
      addition(signal),
      isWanted(describe?.outputs) ? (description ?? described(signal)) : undefined,
    ])
    seen = parseAnswer(list.answer, body, what)
    return seen
  }

  /** POST for the outputs that the listing lacks, in the service's api-version. Safe to retry. */
  async function addition(signal: AbortSignal): Promise<void> {
    const { outputs, request, right, answer } = service.addition ?? {}
    const call = added === undefined && isWanted(outputs) ? request?.(target) : undefined
    if (call === undefined) return
    const what = arm.operation('POST', call.path, right!)
    added = parseAnswer(answer!, (await arm.post(what, call, 'retry', signal)).body, what)
  }

  const isWanted = (outputs?: readonly string[]) => outputs?.some((output) => wanted?.includes(output) ?? true)

  /** GET of the resource, in the service's api-version. */
  async function described(signal: AbortSignal): Promise<Description> {
    const what = arm.operation('GET', '', describe!.right)
    const { at, top, answer } = describe!
    const [{ body }, outermost] = await Promise.all([
      arm.get(what, at === 'top' ? target.id.topId : target.id.id, signal),
      top && arm.get({ operation: `GET …/${target.id.names[0]}`, permission: top.right }, target.id.topId, signal),
    ])
    description = parseAnswer(answer, outermost === undefined ? body : { ...Object(body), top: outermost.body }, what)
    return description
  }

  return {
    name: `the resource ${target.id.id}`,
    calls: arm,
    listing,
    lastListing: () => seen,
    remember: (found) => {
      seen = found
    },
    ringOf: (listed) => service.ring(listed, target, added, description),
    described,
    lastDescription: () => description,
  }
}

export interface ArmCalls {
  /** Names a call for errors. */
  operation(method: string, path: string, permission: string): ServiceOperation
  get(what: ServiceOperation, of: string, signal: AbortSignal): Promise<RawAnswer>
  post(what: ServiceOperation, request: ArmRequest, attempts: 'once' | 'retry', signal: AbortSignal): Promise<RawAnswer>
}

/** Calls of Resource Manager about one resource, with the service's own errors. */
function armCalls(
  {
    apiVersion,
    errorCodes,
  }: { readonly apiVersion: string; readonly errorCodes?: NonNullable<RawRequest['errorCodes']> },
  { id, topId, type, name }: ArmId,
  azure: AzureClients,
): ArmCalls {
  const { resourceManager } = azure.cloud
  const address = (of: string, path: string) => `${resourceManager}${encodeURI(of)}${path}?api-version=${apiVersion}`
  const common = { scope: `${resourceManager}/.default`, ...(errorCodes === undefined ? {} : { errorCodes }) }
  return {
    operation: (method, path, permission) => ({
      operation: `${method} …/${type.split('/').at(-1)}/${name}${path}`,
      permission,
    }),
    get: (what, of, signal) =>
      serviceCall(what, () =>
        azure.send({
          method: 'GET',
          url: address(of, ''),
          attempts: 'retry',
          signal,
          operation: what.operation,
          ...common,
        }),
      ),
    post: (what, { path, at, body }, attempts, signal) =>
      serviceCall(what, () =>
        azure.send({
          method: 'POST',
          url: address(at === 'top' ? topId : id, path),
          attempts,
          signal,
          operation: what.operation,
          ...common,
          ...(body === undefined ? {} : { body }),
        }),
      ),
  }
}
