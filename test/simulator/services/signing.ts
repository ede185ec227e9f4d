// A client's side of every signature, written from Microsoft's documents and not shared with src/, so that the two
// sides check each other.

import { createHash, createHmac } from 'node:crypto'

function sign(key: string, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
}

/** A Communication Services request, signed. `at` in milliseconds since 1970. */
export function hmacRequest(url: string, key: string, at: number): Request {
  const { host, pathname, search } = new URL(url)
  const date = new Date(at).toUTCString()
  const hash = createHash('sha256').update('').digest('base64')
  const signature = sign(key, `GET\n${pathname}${search}\n${date};${host};${hash}`)
  const authorization = `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`
  return new Request(url, { headers: { 'x-ms-date': date, 'x-ms-content-sha256': hash, authorization } })
}

/** A row for the HTTP Data Collector, signed. `at` in milliseconds since 1970. */
export function collectorRequest(
  workspaceId: string,
  key: string,
  at: number,
  { body = '{}', logType = 'RekeyTest' } = {},
): Request {
  const date = new Date(at).toUTCString()
  const text = `POST\n${Buffer.byteLength(body)}\napplication/json\nx-ms-date:${date}\n/api/logs`
  return new Request(`https://${workspaceId}.ods.opinsights.azure.com/api/logs?api-version=2016-04-01`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'log-type': logType,
      'x-ms-date': date,
      authorization: `SharedKey ${workspaceId}:${sign(key, text)}`,
    },
  })
}

/** An IoT Hub token. `expires` in seconds since 1970; without `policy` it is a device's own. */
export function sasToken(resource: string, key: string, expires: number, policy?: string): string {
  const sr = encodeURIComponent(resource)
  const sig = encodeURIComponent(sign(key, `${sr}\n${expires}`))
  const skn = policy === undefined ? '' : `&skn=${encodeURIComponent(policy)}`
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${expires}${skn}`
}
