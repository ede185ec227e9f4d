// Runs a script with sh and with an `az` that notes what it is asked, and answers as the real one prints.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from './project.ts'

export interface World {
  /** Lines as `az eventgrid system-topic list` prints them. */
  readonly topics?: readonly string[]
  /** Listing them fails, as it does without a sign-in. */
  readonly list?: 'fails'
  /** How many deployments are refused first. */
  readonly failures?: number
  readonly cloud?: string
  readonly graph?: string
  /** The id of the application permission's assignment, where there is one. */
  readonly granted?: string
  /** The client id of the app registration, where there is one. */
  readonly registered?: string
  /** The addresses to which its sign-in may return. */
  readonly redirects?: readonly string[]
}

/** What came of a script: what `az` was asked, and of the last deployment its options and its `name=value` parameters. */
export interface Run {
  readonly status: number | null
  readonly stderr: string
  readonly asked: readonly string[]
  readonly deployed: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  option(name: string): string | undefined
}

export function run(
  script: string,
  environment: Readonly<Record<string, string>>,
  world: World = {},
  args: readonly string[] = [],
): Run {
  const folder = mkdtempSync(join(tmpdir(), 'rekey-hooks-'))
  try {
    writeFileSync(join(folder, 'calls'), '')
    writeFileSync(join(folder, 'failures'), String(world.failures ?? 0))
    command(folder, 'az', azOf(folder, world))
    command(folder, 'sleep', 'echo "slept $1" >&2')

    const { status, stderr } = spawnSync('sh', [join(repository, script), ...args], {
      env: { PATH: `${folder}:${process.env['PATH']}`, ...environment },
      encoding: 'utf8',
    })

    return { status, stderr, ...readCalls(readFileSync(join(folder, 'calls'), 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function readCalls(calls: string): Omit<Run, 'status' | 'stderr'> {
  const asked = calls.trimEnd().split('\n')
  const deployed = asked.filter((call) => call.startsWith('deployment group create'))
  const words = (deployed.at(-1) ?? '').split(' ')
  const parameters = words.filter((word) => word.includes('=')).map((word) => word.split('=', 2))
  return {
    asked,
    deployed,
    parameters: Object.fromEntries(parameters),
    option: (name) => words[words.indexOf(name) + 1],
  }
}

function command(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
  chmodSync(join(folder, name), 0o755)
}

function azOf(folder: string, world: World): string {
  const topics = `printf '%s\\n' '${(world.topics ?? []).join('\n')}'`
  const list = world.list === 'fails' ? 'echo "ERROR: Please run az login" >&2; exit 1' : topics
  return `echo "$*" >> '${folder}/calls'
case "$*" in
  "eventgrid system-topic list"*) ${list} ;;
  "resource show"*) echo westeurope ;;
  *"keys(properties.outputs)"*) printf 'azurE_RESOURCE_GROUP\\nfunctioN_APP_ID\\n' ;;
  *azurE_RESOURCE_GROUP*) echo rg-read ;;
  *functioN_APP_ID*) echo /read/app ;;
  "cloud show --query name"*) echo '${world.cloud ?? 'AzureCloud'}' ;;
  "cloud show --query endpoints"*) echo '${world.graph ?? 'https://graph.microsoft.com/'}' ;;
  "rest --method post"*) echo grant-1 ;;
  "ad sp show --id 00000003-0000-0000-c000-000000000000"*) echo graph-1 ;;
  "ad app show --id client-1 --query web.redirectUris"*) printf '%s\\n' ${(world.redirects ?? []).join(' ')} ;;
  "ad app show --id client-1"*) echo object-1 ;;
  rest*/appRoles*) echo role-1 ;;
  rest*/appRoleAssignments*) echo '${world.granted ?? ''}' ;;
  "ad app list"*) echo '${world.registered ?? ''}' ;;
  "ad app create"*) echo client-1 ;;
  "ad sp list"*) echo '${world.registered ?? ''}' ;;
  "deployment group create"*)
    left=$(cat '${folder}/failures')
    if [ "$left" -gt 0 ]; then echo $((left - 1)) > '${folder}/failures'; exit 1; fi ;;
esac`
}
