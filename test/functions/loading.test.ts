// What is loaded, and when: registration loads nothing, and a request loads no SDK that it does not need.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const root = new URL('../../', import.meta.url)

/** Runs `script` in a process of its own, and gives the modules that it loads: packages by name, our files by path. */
async function loadedBy(script: string): Promise<readonly string[]> {
  const recorder = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({ load: (url, context, next) => { loaded.add(url); return next(url, context) } })
    await import(new URL('src/functions/register.ts', '${root}'))
    ${script}
    process.stdout.write(JSON.stringify([...loaded]))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', recorder], {
    cwd: root,
    env: { PATH: process.env['PATH'] },
  })
  const urls: string[] = JSON.parse(stdout.slice(stdout.indexOf('["')))
  const names = urls.map((url) => {
    const packaged = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1]
    return packaged ?? url.replace(String(root), '')
  })
  return [...new Set(names)].filter((name) => !name.startsWith('node:'))
}

const sdks = /^(@azure\/(?!functions)|applicationinsights)/

test('Registering the functions loads the Functions library and the parser of the schedule, route by route, and no more', async () => {
  const loaded = await loadedBy('')

  const packages = loaded.filter((name) => !name.startsWith('src/'))
  assert.deepEqual(
    packages.filter((name) => sdks.test(name) || name === 'zod'),
    [],
  )
  assert.ok(packages.includes('@azure/functions'))
  assert.ok(!loaded.includes('src/compose.ts') && !loaded.includes('src/config/settings.ts'))
  assert.ok(loaded.length < 30, loaded.join('\n'))
})

test('A request that meets a bad configuration loads no Azure SDK', async () => {
  const loaded = await loadedBy(`
    const { HttpRequest, InvocationContext } = await import('@azure/functions')
    const { answer } = await import('${root}src/functions/http/answer-request.ts')
    const { health } = await import('${root}src/functions/http/status/show-health.ts')
    const { composer } = await import('${root}src/compose.ts')
    const request = new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/health' })
    const answered = await answer(health, request, new InvocationContext(), composer({ env: {} }))
    if (answered.status !== 503) throw new Error('status ' + answered.status)`)

  assert.ok(loaded.includes('src/compose.ts'))
  assert.deepEqual(
    loaded.filter((name) => sdks.test(name)),
    [],
  )
})

test('A target that does not exist is answered without loading an Azure SDK, or a provider that no target has', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-loading-'))
  t.after(() => rm(folder, { recursive: true }))
  const target = { name: 'sensor', provider: 'defender-sensor', secrets: { 'sensor-key': 'key' } }
  await writeFile(join(folder, 'targets.json'), JSON.stringify({ targets: [target] }))
  const env = {
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    AzureWebJobsScriptRoot: folder,
    ROTATION_VAULT: 'https://kv-prod.vault.azure.net',
  }

  const loaded = await loadedBy(`
    const { HttpRequest, InvocationContext } = await import('@azure/functions')
    const { answer } = await import('${root}src/functions/http/answer-request.ts')
    const { showTarget } = await import('${root}src/functions/http/status/list-targets.ts')
    const { composer } = await import('${root}src/compose.ts')
    const request = new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/targets/unknown', params: { name: 'unknown' } })
    const answered = await answer(showTarget, request, new InvocationContext(), composer({ env: ${JSON.stringify(env)} }))
    if (answered.status !== 404) throw new Error('status ' + answered.status)`)

  const providers = loaded.filter((name) => /^src\/providers\/(?!index|provider)[^/]+\.ts$/.test(name))
  assert.deepEqual(providers, ['src/providers/defender-sensor.ts'])
  assert.deepEqual(
    loaded.filter((name) => sdks.test(name)),
    [],
  )
})
