// A caller with a token, without any SDK.

import type { Cloud } from '../../simulator/cloud.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any
}

export type Caller = (method: string, url: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

/** Calls the cloud in process. The token fits the host; `name` is the calling process. */
export function caller(cloud: Cloud, name = 'test'): Caller {
  const credential = cloud.identity.credential(name)
  return async (method, url, body, headers = {}) => {
    const { token } = await credential.getToken(audience(new URL(url).hostname))
    const request = new Request(url, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return read(await cloud.fetch(request))
  }
}

/** Calls the cloud in process without a token. */
export function anonymousCaller(cloud: Cloud): Caller {
  return async (method, url, body, headers = {}) =>
    read(
      await cloud.fetch(
        new Request(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
      ),
    )
}

export const arm = (path: string, apiVersion = '2023-05-01'): string =>
  `https://management.azure.com${path}?api-version=${apiVersion}`

function audience(host: string): string {
  if (host.endsWith('.vault.azure.net')) return 'https://vault.azure.net/.default'
  if (host.endsWith('.azure-devices.net')) return 'https://iothubs.azure.net/.default'
  if (host === 'graph.microsoft.com') return 'https://graph.microsoft.com/.default'
  if (host.endsWith('.eventgrid.azure.net')) return 'https://eventgrid.azure.net/.default'
  return 'https://management.azure.com/.default'
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') && text !== ''
  return { status: response.status, headers: response.headers, text, body: json ? parsed(text) : undefined }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return 'unreadable'
  }
}
