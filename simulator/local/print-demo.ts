// What `npm start` prints: the progress line, the table, and commands to try next.

import { columns } from './columns.ts'
import type { Estate } from './estate.ts'
import type { ShownResult } from './first-round.ts'
import { callerHeader, type HostChild } from './host-child.ts'

export interface Progress {
  /** Whether the line is replaced, as on a terminal. */
  readonly changes: boolean
  /** Replaces the line on a terminal; elsewhere prints the line if it is new. */
  say(text: string): void
  end(): void
}

/** Progress on a stream. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  let last = ''
  return {
    changes: stream.isTTY === true,
    say: (text) => {
      if (text === last) return
      last = text
      if (stream.isTTY) stream.write(`\r\u001b[2K${text}`)
      else stream.write(`${text}\n`)
    },
    end: () => {
      if (stream.isTTY) stream.write('\r\u001b[2K')
    },
  }
}

/** What happened and why, as a sentence, by reason code. */
const stories: Readonly<Record<string, string>> = {
  due: 'rotated: it was due',
  requested: 'rotated: requested by an operator',
  revoked: 'revoked: no older key works any more',
  pending: 'rotated: a new key was waiting to be published',
  adopted: 'adopted: the key that the service holds is in the vault now',
  drifted: 'repaired: the vault held a key that the service refused',
  interrupted: 'finished: an earlier run had stopped half-way',
  paused: 'left alone: an operator disabled its secret',
  disabled: 'left alone: disabled in targets.json',
}

/** One line per target: name, what happened and why, slot, version, next due. A narrow terminal omits service and version. */
export function table(results: readonly ShownResult[], width = Number.POSITIVE_INFINITY): string {
  const head = ['TARGET', 'SERVICE', 'WHAT HAPPENED', 'SLOT', 'VERSION', 'NEXT DUE']
  const rows = results.map((result) => [
    result.name,
    result.provider,
    story(result),
    result.slotBefore === undefined ? (result.slot ?? '') : `${result.slotBefore} → ${result.slot ?? ''}`,
    result.secrets[0]?.version.slice(0, 8) ?? '',
    result.status === 'paused' ? '' : (result.dueAt?.slice(0, 10) ?? ''),
  ])
  const whole = columns([head, ...rows])
  if (whole.split('\n').every((line) => line.length <= width)) return whole
  return columns([head, ...rows].map((row) => row.filter((_, column) => column !== 1 && column !== 4)))
}

/** The number of targets per status, in one line. */
export function summary(results: readonly ShownResult[]): string {
  const counts = [...Map.groupBy(results, ({ status }) => status)].map(([status, { length }]) => `${length} ${status}`)
  return `${results.length} targets: ${counts.join(', ')}.`
}

function story(result: ShownResult): string {
  return result.foundByTags ? `found by its tags; ${whatHappened(result)}` : whatHappened(result)
}

function whatHappened({ status, reason = '', detail }: ShownResult): string {
  if (status === 'failed') return `failed: ${detail}`
  if (status === 'current') return 'left alone: not due yet'
  if (status === 'waiting') return `waiting: ${reason}`
  return stories[reason] ?? `${status}: ${reason}`
}

/** URLs and commands that work as they stand while this runs. */
export function whatNow(host: HostChild, estate: Estate): string {
  // The address is quoted: some shells read a question mark as a pattern.
  const curl = (name: string, path: string, options = '') => {
    const header = callerHeader(host, name)
    return `curl -s ${options}-H '${header.name}: ${header.value}' '${host.url}/api/${path}'`
  }
  const asJson = "-X POST -H 'content-type: application/json' "
  const post = (name: string, path: string, body: string) => curl(name, path, `${asJson}-d '${body}' `)
  // `from` is the version that the target shows as current.
  const postAsOfNow = (name: string, target: string, verb: string) => {
    const version = `${curl('showTarget', `targets/${target}`)} | grep -o '"version":"[^"]*"' | head -1 | sed s/version/from/`
    return curl(name, `targets/${target}/${verb}`, `${asJson}-d "{$(${version})}" `)
  }
  const hasSignIn = Object.keys(host.tokens).length > 0
  const admin = hasSignIn ? `-H '${callerHeader(host, '').name}: ${callerHeader(host, '').value}' ` : ''
  return `
${host.url} serves the function app until Ctrl-C. ${hasSignIn ? 'A token takes the place of function keys.' : 'Each function has a key of its own.'} Try:

The page for operators. ${hasSignIn ? `Sign in as one of ${Object.keys(host.tokens).join(', ')}` : `It asks for a key: ${host.keys.host}`}
  ${host.url}/api/page
${commandLine(host)}Which targets does it manage, and what would it do now?
  ${curl('listTargets', 'targets')}
  ${curl('listPlan', 'plan')}
  ${curl('planTarget', 'targets/translator/plan')}
An operator regenerates both keys in the portal: seconds later the history has a version that works again.
  curl -s -X POST -d '{"resource":"${resourceOf(estate, 'orders-reports')}/readOnlyKeys"}' ${estate.management}/regenerate; sleep 5; ${curl('targetHistory', 'targets/orders-reports/history')}
Rotate a key. A second time it answers 409 Cooling, because consumers may still use the previous key:
  ${post('rotateTarget', 'targets/translator/rotate', '{"note":"trying it out"}')}
Two requests at once: one rotates the key, the other gets 409 Busy.
  for i in 1 2; do ${post('rotateTarget', 'targets/vision/rotate', '{"force":true}')} & done; wait
Promote the previous key, without making a new one. The request names the version that is current now:
  ${postAsOfNow('promoteTarget', 'translator', 'promote')}
Exchange primary and secondary at the service, where it can:
  ${postAsOfNow('swapTarget', 'thermostat-7', 'swap')}
A key leaked: replace every key that is older than now.
  ${post('revokeTarget', 'targets/speech/revoke', '{"note":"seen in a log"}')}
A vault leaked: count first, which changes nothing, then repeat the count; here of two targets. One operation has the progress of them all.
  ${post('startRevocations', 'revocations', `{"vault":"https://${estate.fleet.vaultHost}","dryRun":true}`)}
  ${post('startRevocations', 'revocations', '{"targets":["translator","speech"],"note":"trying it out","count":2}')}
  ${curl('listOperations', 'operations')}
Who changed it when, and why? All of it as CSV, for an audit? Is every service reachable and every permission granted?
  ${curl('targetHistory', 'targets/translator/history')}
  ${curl('listHistory', 'history?format=csv')}
  ${curl('health', 'health')}
What has keys and is no target yet?
  ${curl('listCandidates', 'candidates')}
The description of this API, for a client's generator:
  ${curl('showOpenapi', 'openapi.json')}
Run the schedule now, as the timer does every 15 minutes:
  curl -s -X POST ${admin}-H 'content-type: application/json' -H 'x-functions-key: ${host.keys.master}' -d '{}' ${host.url}/admin/functions/schedule

The key ${host.keys.master} works for every route${hasSignIn ? ' under /admin' : ''}.
The targets:       ${estate.settings['ROTATION_TARGETS']} (the app reads a change within a minute)
Published events:  curl -s ${estate.management}/topics/${estate.fleet.topicHost}/events
Log of the app:    ${estate.folder}/host.log
`
}

/** With the sign-in on, the command line takes its token from the Azure CLI, which knows nothing of the simulated one. */
function commandLine({ url, keys, tokens }: HostChild): string {
  if (Object.keys(tokens).length > 0) return ''
  return `The command line, from a second terminal; npm run rekey lists its commands:
  REKEY_URL=${url} REKEY_KEY=${keys.host} npm run rekey -- list
In PowerShell:
  $env:REKEY_URL='${url}'; $env:REKEY_KEY='${keys.host}'; npm run rekey -- list
`
}

function resourceOf({ fleet }: Estate, name: string): string {
  const { targets } = fleet.targets as {
    readonly targets: readonly { readonly name: string; readonly resource?: string }[]
  }
  return targets.find((target) => target.name === name)?.resource ?? ''
}
