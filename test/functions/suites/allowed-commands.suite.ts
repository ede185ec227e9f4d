// What the plan of a target says of its commands is what the commands answer: in generated states, each refused command is tried, and one that
// is not.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { planTarget } from '../../../src/functions/http/status/plan-target.ts'
import { kinds } from '../../providers/all-providers.ts'
import { fleet } from '../../providers/provider-fleet.ts'
import { wireSeed } from '../../wire-seed.ts'
import { asOfNow, days, vaultHost, type World, world } from '../functions-world.ts'

const handlers = { rotate, promote, swap, revoke, repair }
type CommandName = keyof typeof handlers
const names = Object.keys(handlers) as CommandName[]
const params = { name: 'vision' }

/** What may have happened to a target before its plan is read. */
const happenings = {
  'a moment passes': ({ made }: Lived) => made.cloud.clock.advance(60_000),
  'some minutes pass': ({ made }: Lived) => made.cloud.clock.advance(7 * 60_000),
  'the overlap passes': ({ made }: Lived) => made.cloud.clock.advance(3 * days),
  'the period passes': ({ made }: Lived) => made.cloud.clock.advance(61 * days),
  'it is rotated': async ({ made }: Lived) => {
    await made.http(rotate, { params })
    await made.drain()
  },
  'it is promoted': async ({ made }: Lived) => {
    await made.http(promote, { params, body: asOfNow(made) })
    await made.drain()
  },
  'its keys are made anew by hand': ({ handle }: Lived) => {
    for (const slot of Object.keys(handle.keys())) handle.regenerateByHand(slot)
  },
  'its secret is disabled': ({ made }: Lived) => {
    if (made.cloud.vault(vaultHost).versions('vision-key').length > 0) made.cloud.vault(vaultHost).disable('vision-key')
  },
  'its secret is overwritten': ({ made }: Lived) =>
    void made.cloud.vault(vaultHost).set('vision-key', 'something else'),
  'the schedule runs': async ({ made }: Lived) => {
    await made.tick()
    await made.drain()
  },
} as const
type Happening = keyof typeof happenings

interface Lived {
  readonly made: World
  readonly handle: { keys(): Record<string, string>; regenerateByHand(slot: string): void }
}

interface Case {
  readonly provider: keyof typeof kinds
  /** Whether the schedule has taken it over before the rest happens. */
  readonly known: boolean
  readonly history: readonly Happening[]
  readonly enabled: boolean
  readonly stopped: boolean
  readonly roles: readonly string[] | undefined
  /** Which of the commands that are allowed is given. */
  readonly choice: number
}

const cases: fc.Arbitrary<Case> = fc.record({
  provider: fc.constantFrom('probed', 'oneSlot', 'swapped', 'swappedSlowly'),
  known: fc.boolean(),
  history: fc.array(fc.constantFrom(...(Object.keys(happenings) as Happening[])), { maxLength: 3 }),
  enabled: fc.constantFrom(true, true, true, true, true, false),
  stopped: fc.constantFrom(false, false, false, false, false, true),
  roles: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    ['Rekey.Read'],
    ['Rekey.Rotate', 'Rekey.Revoke'],
  ),
  choice: fc.nat(4),
})

/** One case for each code. */
const usual: Case = {
  provider: 'probed',
  known: true,
  history: [],
  enabled: true,
  stopped: false,
  roles: undefined,
  choice: 0,
}
const examples: readonly Case[] = [
  usual,
  { ...usual, history: ['its secret is disabled'] },
  { ...usual, known: false, history: ['its secret is overwritten'] },
  { ...usual, history: ['some minutes pass', 'its keys are made anew by hand'] },
  { ...usual, enabled: false },
  { ...usual, stopped: true },
  { ...usual, provider: 'oneSlot', roles: ['Rekey.Read'] },
]

/** The world in which all that has happened, and how to call it as this caller. */
async function lived({ provider: kind, known, history, enabled, stopped, roles }: Case) {
  const made = await world()
  const provider = kinds[kind].id
  const { fields, handle } = fleet[provider]!(made.cloud)
  const target = { name: 'vision', provider, ...fields, secrets: { 'vision-key': 'key' } }
  await made.writeTargets([target])
  if (known) await happenings['the schedule runs']({ made, handle })
  for (const each of history) await happenings[each]({ made, handle })
  if (!enabled) await made.writeTargets([{ ...target, enabled }])
  if (stopped) made.env['ROTATION_STOPPED'] = 'true'
  made.restart()
  const claims = roles?.map((val) => ({ typ: 'roles', val }))
  const headers: Record<string, string> =
    claims === undefined ? {} : { 'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64') }
  return { made, headers }
}

/** Everything that is refused is tried, and then one command that is not: it may change what the others would be answered. */
async function compared(each: Case): Promise<readonly string[]> {
  const { made, headers } = await lived(each)
  if (each.roles !== undefined) process.env['WEBSITE_AUTH_ENABLED'] = 'true'
  try {
    const planned = await made.http(planTarget, { params, headers })
    // What cannot be read has no plan: the commands answer with that problem, too.
    if (planned.status !== 200) return []
    const { commands, version = 'none' } = planned.body
    const [allowed, refused] = [
      names.filter((name) => commands[name].allowed),
      names.filter((name) => !commands[name].allowed),
    ]
    const tried = [...refused, ...allowed.filter((_, n) => n === each.choice % allowed.length)]
    for (const name of tried) {
      const { status, body } = await made.http(handlers[name], { params, headers, body: bodyOf(name, version) })
      // What ends as a problem after it changed something was not refused: a probe showed what the plan cannot know.
      const done = status < 300 || body.accepted !== false ? undefined : body.code
      assert.equal(commands[name].code, done, `${name}: ${JSON.stringify({ each, body })}`)
      assert.equal(commands[name].until, body.until)
    }
    return tried.map((name) => commands[name].code ?? 'allowed')
  } finally {
    delete process.env['WEBSITE_AUTH_ENABLED']
    await made.close()
  }
}

function bodyOf(command: CommandName, version: string): object {
  if (command === 'revoke') return { note: 'leaked' }
  return command === 'promote' || command === 'swap' ? { from: version } : {}
}

describe('What the plan of one target says of its commands', () => {
  test('A command is refused with the code that the plan gave, and accepted where the plan allowed it', async () => {
    const met = new Set<string>()

    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        for (const code of await compared(each)) met.add(code)
      }),
      { numRuns: 20, seed: wireSeed, examples: examples.map((each) => [each]) },
    )

    const codes = ['Cooling', 'Disabled', 'Drifted', 'Forbidden', 'NotSupported', 'Paused', 'Stopped', 'Unmanaged']
    assert.deepEqual([...met].sort(), [...codes, 'allowed'])
  })
})
