// Signs in: a function key from REKEY_KEY, or an access token from the Azure CLI. Neither is ever an argument, printed or stored.

import { asUsage, Ended } from './ended.ts'

/** The headers that say who calls, made anew for each request: a token that is about to expire is renewed. Throws Ended. */
export type CallerHeaders = () => Promise<Readonly<Record<string, string>>>

type Environment = Readonly<Record<string, string | undefined>>

/** How long before its end a token is renewed, in milliseconds: an answer may take minutes. */
const renewBefore = 5 * 60_000

/** With both, both are sent. Throws Ended where there is neither. */
export function callerHeaders(clientIdOption: string | undefined, env: Environment): CallerHeaders {
  const key = keyIn(env)
  const clientId = clientIdOption ?? (env['REKEY_CLIENT_ID']?.trim() || undefined)
  if (clientId !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(clientId)) {
    throw asUsage(
      `${clientIdOption === undefined ? 'REKEY_CLIENT_ID' : '--client-id'} is not a client id`,
      'It is the GUID that infra/scripts/sign-in.sh prints, SIGN_IN_CLIENT_ID of the deployment.',
    )
  }
  if (key === undefined && clientId === undefined) throw asNotSignedIn()
  const keyHeader = key === undefined ? {} : { 'x-functions-key': key }
  if (clientId === undefined) return async () => keyHeader
  const token = tokensFor(clientId)
  return async () => ({ ...keyHeader, authorization: `Bearer ${await token()}` })
}

/** A header can hold only visible characters; the error of a request would quote any other value. */
function keyIn(env: Environment): string | undefined {
  const key = env['REKEY_KEY']?.trim()
  if (key === undefined || key === '') return undefined
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw asUsage(
    'REKEY_KEY is not a function key: it has a space or another character that no key has',
    'Copy it again.',
  )
}

/** Tokens of the account that is signed in to the Azure CLI, for the app registration in front of the app. */
function tokensFor(clientId: string): () => Promise<string> {
  let known: { readonly token: string; readonly expiresOnTimestamp: number } | undefined
  return async () => {
    if (known !== undefined && known.expiresOnTimestamp - Date.now() > renewBefore) return known.token
    // Loaded only here: it costs more than all other commands together.
    const { AzureCliCredential } = await import('@azure/identity')
    try {
      known = await new AzureCliCredential({ processTimeoutInMs: 60_000 }).getToken(`api://${clientId}/.default`)
    } catch (error) {
      throw asRefusedByAz(error as Error, clientId)
    }
    return known.token
  }
}

function asNotSignedIn(): Ended {
  return new Ended('forbidden', {
    code: 'NotSignedIn',
    detail: 'there is neither a function key nor a sign-in',
    remedy:
      'Set the environment variable REKEY_KEY to a key of the function app (az functionapp keys list has them; the host key opens every ' +
      'route). With the Entra sign-in on, run az login, and set REKEY_CLIENT_ID or give --client-id.',
  })
}

function asRefusedByAz({ message }: Error, clientId: string): Ended {
  // A parser quotes what it could not parse, and what az prints holds the token.
  const why = /JSON/.test(message) ? 'what it printed is not what it prints for a token' : message.trim()
  return new Ended('forbidden', {
    code: 'NotSignedIn',
    detail: `the Azure CLI gave no token for api://${clientId}: ${why}`,
    remedy: `Run az login, then az account get-access-token --resource api://${clientId} --query expiresOn: it says what is missing.`,
  })
}
