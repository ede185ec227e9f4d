// How a declared service's keys are tried at its data plane.

import type * as z from 'zod/mini'
import type { AzureClients } from '../../azure/clients.ts'
import type { Credential, KeyRing } from '../../engine/key-ring.ts'
import type { Log, Verdict } from '../../engine/ports.ts'
import type { Secret } from '../../engine/secret.ts'
import type { ArmKeyService, ArmTarget, ProbeCommands, ProbeRequest } from './arm-key-service.ts'
import type { ArmResource } from './arm-resource.ts'
import { keyIn } from './connection-string.ts'
import { keyAddress } from './key-address.ts'
import { canBeHeader } from './key-material.ts'
import { type Judge, unlessUnanswered, verdictOf } from './verdict.ts'

/** Undefined: keys of this resource cannot be tried. */
export function armKeyProbe<Shape extends z.core.$ZodShape, Listing, Description, Addition>(
  service: ArmKeyService<Shape, Listing, Description, Addition>,
  target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>,
  resource: ArmResource<Listing, Description>,
  { azure, log }: { readonly azure: AzureClients; readonly log: Log | undefined },
): ((credential: Credential, signal: AbortSignal) => Promise<Verdict>) | undefined {
  const declared = service.probe
  if (declared === undefined || declared.types?.includes(target.id.type) === false) return undefined
  const probe: NonNullable<typeof declared> = declared

  return (credential, signal) => verdictOn(credential, signal)

  /** `alone`: no other key is shown as a control. */
  async function verdictOn(credential: Credential, signal: AbortSignal, alone?: 'alone'): Promise<Verdict> {
    const key = service.keyField === undefined ? credential['key'] : keyIn(credential, service.keyField)
    if (key === undefined) return 'unknown'
    const description = probe.needsDescription
      ? (resource.lastDescription() ?? (await unlessUnanswered(() => resource.described(signal))))
      : resource.lastDescription()
    const shown = { key, credential, listed: () => listed(signal), target, description, now: azure.now() }
    const control = alone ? undefined : () => verdictOnAnother(key, signal)
    const show = (request: ProbeRequest, judge: Judge) => shownAt(request, { key, judge, control }, signal)
    if ('ask' in probe) return probe.ask(shown, show, signal, (commands) => replies(commands, signal))
    const request = probe.request(shown)
    return request === undefined ? 'unknown' : show(request, probe.judge)
  }

  /** `accepted` where any key of the ring but this one is. */
  async function verdictOnAnother(key: Secret, signal: AbortSignal): Promise<Verdict> {
    for (const other of Object.values((await listed(signal)) ?? {})) {
      if (!key.equals(other['key']) && (await verdictOn(other, signal, 'alone')) === 'accepted') return 'accepted'
    }
    return 'unknown'
  }

  async function listed(signal: AbortSignal): Promise<KeyRing | undefined> {
    const known = resource.lastListing() ?? (await unlessUnanswered(() => resource.listing(signal)))
    return known && resource.ringOf(known)
  }

  async function shownAt(
    request: ProbeRequest,
    { key, judge, control }: { key: Secret; judge: Judge; control: (() => Promise<Verdict>) | undefined },
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { method } = request
    const url = keyAddress(request.endpoint, request.path, service.hosts?.[azure.cloud.name] ?? [], log)
    if (url === undefined) return 'unknown'
    const headers = request.headers(url)
    if (Object.values(headers).includes(key) && !canBeHeader(key)) return 'refused'
    return verdictOf(
      azure,
      { method, url: url.href, headers, signal, operation: `${method} ${url.host}${url.pathname}` },
      judge,
      control,
    )
  }

  /** Undefined: the commands were not sent, or got no reply. */
  async function replies({ host, port, commands }: ProbeCommands, signal: AbortSignal) {
    const address = keyAddress(`https://${host}/`, '/', service.hosts?.[azure.cloud.name] ?? [], log)
    if (address?.hostname !== host.toLowerCase()) return undefined
    const operation = `${commands.map(([name]) => name).join(', ')} at ${host}:${port}`
    return unlessUnanswered(() => azure.command({ host, port, commands, signal, operation }))
  }
}
