// Measures what a reader follows: the files and functions of src/ that one rotation runs through, from message to announcement. It
// also counts how often the path comes back to a file that it had left. By itself: `node scripts/bench/rotation-path.ts`; with
// `--print` it lists every named function in the order in which the rotation first calls it.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { Session } from 'node:inspector'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { InvocationContext } from '@azure/functions'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { startAzurite } from '../../simulator/local/run-azurite.ts'
import { encodeMessage } from '../../src/azure/request-queue.ts'
import { composer } from '../../src/compose.ts'
import { rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { documentOf, seedMembers, topicHost } from '../../test/scale/scale-fleet.ts'
import { connect } from '../../test/simulated-azure.ts'
import { type Figure, table } from './figures.ts'

const root = pathToFileURL(`${dirname(dirname(dirname(fileURLToPath(import.meta.url))))}/`).href
const day = 86_400_000

/** One call of a function of src/. */
interface Call {
  /** Its path from the root of the repository. */
  readonly file: string
  /** As V8 names it; empty for a callback without a name. */
  readonly name: string
  /** Where in its file it begins. */
  readonly offset: number
}

/** The path of one rotation. */
interface RotationPath {
  /** Every call of a function, in order. A callback without a name is a function too. */
  readonly calls: readonly Call[]
  /** The first call of each named function, in order: what is read, once each, by whoever follows the rotation. */
  readonly firstCalls: readonly Call[]
}

/** The measure as rows of the table that `npm run bench` prints, from a process of its own. */
export async function followingRotation(seed: number): Promise<readonly Figure[]> {
  const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, '--json', String(seed)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the path of a rotation could not be measured:\n${stderr}`)
  return JSON.parse(stdout)
}

/**
 * Rotates one Cognitive Services target three times through the app's real code: the handler of the queue message, the adapters
 * and SDK clients, leases in Azurite, Azure simulated in this process. The first rotation warms everything up. V8's precise coverage
 * of the second says which functions ran. V8 counts without order, so the third rotation is traced: each of these functions gets a
 * breakpoint at its start, whose condition notes the call and never stops. The continuation of a function after an `await` is no
 * call, and is not counted. Code of V8's baseline compiler sometimes misses a breakpoint, so this switches that compiler off.
 */
async function traceRotation(seed: number): Promise<RotationPath> {
  setFlagsFromString('--no-sparkplug')
  const rotating = await startRotating(seed)
  const session = connected()
  await rotating.nextRotation()()
  const functions = await functionsThatRun(session, rotating.nextRotation())
  const calls = await callsOf(session, functions, rotating.nextRotation())
  session.close()
  await rotating.close()
  return { calls, firstCalls: calls.filter((call, at) => call.name !== '' && calls.findIndex(same(call)) === at) }
}

/**
 * How often `path` comes back: it enters a file that it had left for another one. With `within`, only the files of that folder
 * count: what is called outside of it is left out of the path.
 */
function returns(path: readonly { readonly file: string }[], within = 'src/'): number {
  const files = path.map(({ file }) => file).filter((file) => file.startsWith(within))
  const entered = files.filter((file, at) => file !== files[at - 1])
  return entered.length - new Set(entered).size
}

function pathFigures({ calls, firstCalls }: RotationPath): readonly Figure[] {
  const files = (folder: string) =>
    new Set(firstCalls.map(({ file }) => file).filter((file) => file.startsWith(folder))).size
  const [all, engine] = [files('src/'), files('src/engine/')]
  return [
    {
      what: 'path of one rotation',
      figure: `${all} files`,
      about: `${engine} in src/engine, ${all - engine} outside; ${firstCalls.length} named functions`,
    },
    {
      what: 'returns to a file left',
      figure: `${returns(firstCalls)}`,
      about: `${returns(firstCalls, 'src/engine/')} within src/engine; each named function at its first call`,
    },
    {
      what: 'the same, every call',
      figure: `${returns(calls)}`,
      about: `${returns(calls, 'src/engine/')} within src/engine; ${calls.length} calls, callbacks included`,
    },
  ]
}

interface Rotating {
  /** Puts the clock to where the target is due. What it returns handles the schedule's message; throws where nothing is announced. */
  nextRotation(): () => Promise<void>
  close(): Promise<void>
}

async function startRotating(seed: number): Promise<Rotating> {
  const cloud = simulatedCloud({ seed, clock: virtualClock(Date.UTC(2026, 2, 2, 10)) })
  const members = seedMembers(cloud, { targets: 1, vaults: 1, age: 1 })
  const azurite = await startAzurite()
  const folder = mkdtempSync(join(tmpdir(), 'rekey-bench-'))
  writeFileSync(join(folder, 'targets.json'), documentOf(members))
  const now = () => cloud.clock.now()
  const topic = cloud.topic(topicHost)
  const compose = composer({
    env: {
      AzureWebJobsStorage: azurite.connectionString,
      ROTATION_TARGETS: join(folder, 'targets.json'),
      ROTATION_TOPIC: topic.endpoint,
    },
    clock: { now, monotonic: now, after: () => () => undefined },
    azure: connect(cloud),
  })
  const target = members[0]!.name
  return {
    nextRotation: () => {
      cloud.clock.advance(61 * day)
      const announced = topic.events.length
      const sent = encodeMessage({ id: 'bench', target, actor: 'schedule', expiresAt: now() + day })
      const message = JSON.parse(Buffer.from(sent, 'base64').toString('utf8'))
      return async () => {
        await rotateMessage(message, new InvocationContext({ logHandler: () => undefined }), compose)
        if (topic.events.length !== announced + 1) throw new Error(`${target} was not rotated and announced once`)
      }
    },
    close: async () => {
      await azurite.close()
      rmSync(folder, { recursive: true })
    },
  }
}

interface Connected {
  // biome-ignore lint/suspicious/noExplicitAny: answers of the inspector protocol, whose types @types/node has for some only
  send(method: string, parameters?: object): any
  close(): void
}

/** The inspector of this very thread: its answers are there when `post` returns. */
function connected(): Connected {
  const session = new Session()
  session.connect()
  return {
    send: (method, parameters = {}) => {
      let answer: unknown
      session.post(method, parameters, (error, result) => {
        if (error) throw new Error(`${method}: ${JSON.stringify(error)}`)
        answer = result
      })
      return answer
    },
    close: () => session.disconnect(),
  }
}

interface Ran extends Call {
  readonly scriptId: string
  readonly endOffset: number
}

async function functionsThatRun(session: Connected, run: () => Promise<void>): Promise<readonly Ran[]> {
  session.send('Profiler.enable')
  session.send('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await run()
  const { result } = session.send('Profiler.takePreciseCoverage')
  session.send('Profiler.stopPreciseCoverage')
  const scripts: { url: string; scriptId: string; functions: { functionName: string; ranges: Range[] }[] }[] = result
  return scripts
    .filter(({ url }) => url.startsWith(`${root}src/`))
    .flatMap(({ url, scriptId, functions }) =>
      functions.map(({ functionName: name, ranges: [range] }) => ({
        ...{ file: url.slice(root.length), scriptId, name },
        ...{ offset: range!.startOffset, endOffset: range!.endOffset, count: range!.count },
      })),
    )
    .filter(({ count }) => count > 0)
}

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

async function callsOf(session: Connected, functions: readonly Ran[], run: () => Promise<void>): Promise<Call[]> {
  const calls: Call[] = []
  const name = '$noteCall'
  const note = (n: number) => {
    const { file, name, offset } = functions[n]!
    calls.push({ file, name, offset })
    return false
  }
  Object.assign(globalThis, { [name]: note })
  session.send('Debugger.enable')
  for (const [n, ran] of functions.entries()) {
    const location = startOf(session, ran)
    if (location) session.send('Debugger.setBreakpoint', { location, condition: `globalThis.${name}(${n})` })
  }
  await run()
  session.send('Debugger.disable')
  return calls
}

/** The first place in a function where V8 can stop. What a class does for its fields has none. */
function startOf(session: Connected, { scriptId, offset, endOffset }: Ran): object | undefined {
  const { scriptSource } = session.send('Debugger.getScriptSource', { scriptId })
  const at = (end: number) => {
    const lines = scriptSource.slice(0, end).split('\n')
    return { scriptId, lineNumber: lines.length - 1, columnNumber: lines.at(-1).length }
  }
  const range = { start: at(offset), end: at(endOffset), restrictToFunction: true }
  return session.send('Debugger.getPossibleBreakpoints', range).locations[0]
}

function same({ file, offset }: Call): (other: Call) => boolean {
  return (other) => other.file === file && other.offset === offset
}

if (import.meta.main) {
  const [option, seed = '1'] = process.argv.slice(2)
  const path = await traceRotation(Number(seed))
  if (option === '--json') writeSync(1, JSON.stringify(pathFigures(path)))
  else {
    if (option === '--print') {
      for (const { file, name } of path.firstCalls) process.stdout.write(`${file.padEnd(48)} ${name}\n`)
    }
    process.stdout.write(`${table(pathFigures(path))}\n`)
  }
  // An explicit exit: Azurite's own timer keeps the event loop alive.
  process.exit(0)
}
