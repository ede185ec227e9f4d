// Azure AI services accounts: two keys, each regenerated on its own; both are in every answer.

import * as z from 'zod/mini'
import type { Attempts, AzureClients } from '../azure/clients.ts'
import type { KeyRing } from '../engine/key-ring.ts'
import type { KeyHolder, Log, Verdict } from '../engine/ports.ts'
import type { Secret } from '../engine/secret.ts'
import { defineProvider } from './provider.ts'
import { parseAnswer, type ServiceOperation, secretText, serviceCall } from './wire/answer.ts'
import { localAuthDiscovery } from './wire/arm-discovery.ts'
import { type ArmId, type ArmType, armAllowance, armLimit, armPlace, armResource, parseArmId } from './wire/arm-id.ts'
import { cognitiveHosts, cognitiveProbes, isPathGone } from './wire/cognitive-probe.ts'
import { keyAddress } from './wire/key-address.ts'
import { canBeHeader } from './wire/key-material.ts'
import { orLocalAuthDisabled } from './wire/local-auth.ts'
import { refusedBy, unlessUnanswered, verdictOf } from './wire/verdict.ts'

const id = 'cognitive-services'
const apiVersion = '2023-05-01'
const accounts: ArmType = {
  type: 'Microsoft.CognitiveServices/accounts',
  name: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,63}$/,
  rule: '2 to 64 letters, digits, _, . or -, beginning with a letter or digit',
}
const rights = {
  read: 'Microsoft.CognitiveServices/accounts/read',
  list: 'Microsoft.CognitiveServices/accounts/listKeys/action',
  regenerate: 'Microsoft.CognitiveServices/accounts/regenerateKey/action',
}

const Keys = z.pipe(
  z.object({ key1: secretText, key2: secretText }),
  z.transform(({ key1, key2 }): KeyRing => ({ Key1: { key: key1 }, Key2: { key: key2 } })),
)
const Account = z.pipe(
  z.object({
    kind: z.optional(z.string()),
    location: z.optional(z.string()),
    properties: z.optional(
      z.object({
        endpoint: z.optional(z.string()),
        endpoints: z.optional(z.record(z.string(), z.unknown())),
        disableLocalAuth: z.optional(z.boolean()),
      }),
    ),
  }),
  z.transform(({ kind, location, properties }) => ({ kind, location, ...properties })),
)
type Account = z.output<typeof Account>

/** 401 is also what a wrong region or endpoint gets: the engine believes it only if the active key is accepted. */
const judge = refusedBy(401)

export const cognitiveServices = defineProvider({
  id,
  title: 'Azure AI services (Cognitive Services)',
  slots: ['Key1', 'Key2'],
  outputs: { key: 'secret' },
  resource: z.strictObject({ resource: armResource(accounts) }),
  actions: [
    { kind: 'action', name: rights.list, why: 'read the keys' },
    { kind: 'action', name: rights.regenerate, why: 'make a new key' },
    { kind: 'action', name: rights.read, why: 'find the endpoint that shows whether a key works' },
  ],
  grant: { title: 'Cognitive Services keys', resourceType: 'Microsoft.CognitiveServices/accounts' },
  discovery: localAuthDiscovery(accounts.type),
  clouds: ['public', 'usgov', 'china'],
  hosts: cognitiveHosts,
  can: { probe: true },
  writes: 2,
  allowance: armAllowance,
  limit: armLimit,
  place: ({ resource }) => armPlace(id, parseArmId(resource, accounts)),
  open: ({ resource }, azure, _outputs, log) => openAccount(parseArmId(resource, accounts), azure, log),
})

function openAccount(account: ArmId, azure: AzureClients, log: Log | undefined): KeyHolder {
  const { subscription, group, name } = account
  let known: Account | undefined

  async function described(signal: AbortSignal): Promise<Account> {
    known ??= await getAccount(account, azure, signal)
    return known
  }

  return {
    /** POST Accounts_ListKeys, 2023-05-01. */
    read: async (signal) => {
      const what = operation('POST', name, '/listKeys', rights.list)
      return withKeys(account, azure, signal, async () => {
        const client = await clientFor(subscription, azure, 'retry')
        const answer = await serviceCall(what, () => client.accounts.listKeys(group, name, { abortSignal: signal }))
        return parseAnswer(Keys, answer, what)
      })
    },

    /** POST Accounts_RegenerateKey, 2023-05-01. Answers both keys. */
    regenerate: async (slot, { signal }) => {
      const what = operation('POST', name, '/regenerateKey', rights.regenerate)
      return withKeys(account, azure, signal, async () => {
        const client = await clientFor(subscription, azure, 'once')
        const answer = await serviceCall(what, () =>
          client.accounts.regenerateKey(group, name, slot as 'Key1' | 'Key2', { abortSignal: signal }),
        )
        return parseAnswer(Keys, answer, what)
      })
    },

    probe: async (_slot, { key }, signal) => {
      const seen = await unlessUnanswered(() => described(signal))
      return seen === undefined || key === undefined ? 'unknown' : probeKey(seen, key, azure, log, signal)
    },
  }
}

async function clientFor(subscription: string, azure: AzureClients, attempts: Attempts) {
  const { CognitiveServicesManagementClient } = await import('@azure/arm-cognitiveservices')
  return new CognitiveServicesManagementClient(azure.credential, subscription, { ...azure.sdk(attempts), apiVersion })
}

/** GET Accounts_Get, 2023-05-01. */
async function getAccount(account: ArmId, azure: AzureClients, signal: AbortSignal): Promise<Account> {
  const what = operation('GET', account.name, '', rights.read)
  const client = await clientFor(account.subscription, azure, 'retry')
  const answer = await serviceCall(what, () =>
    client.accounts.get(account.group, account.name, { abortSignal: signal }),
  )
  return parseAnswer(Account, answer, what)
}

function withKeys<Answer>(account: ArmId, azure: AzureClients, signal: AbortSignal, run: () => Promise<Answer>) {
  const isDisabled = async () => (await getAccount(account, azure, signal)).disableLocalAuth === true
  return orLocalAuthDisabled(`the account ${account.id}`, isDisabled, run)
}

/** Tries a key at the first request whose path is still there. */
async function probeKey(
  account: Account,
  key: Secret,
  azure: AzureClients,
  log: Log | undefined,
  signal: AbortSignal,
): Promise<Verdict> {
  for (const probe of cognitiveProbes(account, azure.cloud.name)) {
    const url = keyAddress(probe.endpoint, probe.path, cognitiveHosts[azure.cloud.name], log)
    if (url === undefined) return 'unknown'
    if (!canBeHeader(key)) return 'refused'
    const headers = { ...probe.headers, 'Ocp-Apim-Subscription-Key': key }
    const operation = `${probe.method} ${url.host}${url.pathname}`
    let gone = false
    const verdict = await verdictOf(
      azure,
      { method: probe.method, url: url.href, headers, signal, operation },
      (answer) => {
        gone = isPathGone(answer)
        // A valid key is answered with a token for ten minutes: nothing of an answer but its status is logged.
        if (gone) log?.('warn', 'the path of a probe is gone', { operation, status: answer.status })
        return gone ? 'unknown' : judge(answer)
      },
    )
    if (!gone) return verdict
  }
  return 'unknown'
}

function operation(method: string, name: string, action: string, permission: string): ServiceOperation {
  // While the account is being changed, its calls are refused with 400.
  const means = { AccountProvisioningStateInvalid: 'ServiceBusy' } as const
  return { operation: `${method} …/accounts/${name}${action}`, permission, means }
}
