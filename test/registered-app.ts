// The app's functions as the host sees them: what src/functions registers, called without settings. Tests that compare
// documents and infrastructure with the app take its functions, routes, queues and roles from here.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadApp, type RegisteredFunction } from '../simulator/local/worker.ts'

const directory = mkdtempSync(join(tmpdir(), 'rekey-registered-'))
writeFileSync(join(directory, 'package.json'), '{"type": "module", "main": "main.js"}')
const entry = new URL('../src/functions/register.ts', import.meta.url)
writeFileSync(join(directory, 'main.js'), `await import(${JSON.stringify(entry.href)})`)
const app = await loadApp(directory, () => undefined)
rmSync(directory, { recursive: true })

/** Every function that the app registers, with its trigger. */
export const functions: readonly RegisteredFunction[] = app.functions

/** The queues whose messages the app reads. */
export const queuesRead: readonly string[] = functions.flatMap(({ trigger }) =>
  trigger.type === 'queueTrigger' ? [String(trigger['queueName'])] : [],
)

/** Every route: the function that answers it, and `<method> <path>`. */
export const routes = functions.flatMap(({ name, trigger }) =>
  trigger.type === 'httpTrigger' ? [{ name, route: `${(trigger['methods'] as string[])[0]} ${trigger['route']}` }] : [],
)

/** The body that a function answers a GET of this address with, and the status. The app has no settings. */
export async function answerOf(name: string, url: string): Promise<{ readonly status: string; readonly body: string }> {
  const { returnValue } = await app.invoke(name, 'call', { trigger: { http: { method: 'GET', url } } })
  const { statusCode = '', body } = returnValue?.http ?? {}
  return { status: statusCode, body: body?.string ?? Buffer.from(body?.bytes ?? []).toString('utf8') }
}

/** Whether a signed-in caller with this app role, and no other, may call a function: every other call of it is 403. */
export async function mayCall(name: string, role: string): Promise<boolean> {
  const claims = [{ typ: 'roles', val: role }]
  const principal = Buffer.from(JSON.stringify({ claims })).toString('base64')
  process.env['WEBSITE_AUTH_ENABLED'] = 'true'
  try {
    const http = {
      method: routes.find((each) => each.name === name)!.route.split(' ')[0]!,
      url: 'http://127.0.0.1/api',
      nullableHeaders: { 'x-ms-client-principal': { value: principal } },
    }
    const { returnValue } = await app.invoke(name, 'call', { trigger: { http } })
    return returnValue?.http?.statusCode !== '403'
  } finally {
    delete process.env['WEBSITE_AUTH_ENABLED']
  }
}
