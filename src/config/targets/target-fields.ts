// Every field of targets.json: what editors show about it, and how it is read. A provider adds its own.

import * as z from 'zod/mini'
import { formatDuration, parseDuration } from '../../engine/duration.ts'
import { type Duration, days, minutes, type Window } from '../../engine/target.ts'
import type { KeyProvider } from '../../providers/provider.ts'
import { vaultAddress } from './vault-address.ts'

/** Adds an issue with a remedy. */
function refuse({ issues, value }: z.core.ParsePayload, message: string, remedy: string): never {
  issues.push({ code: 'custom', message, params: { remedy }, input: value })
  return z.NEVER
}

/** What editors show about a field, and what a problem with it says is expected. */
export function described<Schema extends z.core.$ZodType>(schema: Schema, about: z.core.GlobalMeta): Schema {
  z.globalRegistry.add(schema, about)
  return schema
}

/** A string that is read as something else, or refused. */
function readAs<Read>(about: z.core.GlobalMeta, read: (text: string, payload: z.core.ParsePayload) => Read) {
  return z.pipe(described(z.string(), about), z.transform(read))
}

interface Bounds {
  readonly least: Duration
  readonly most?: Duration
}

const durationPattern = '^P(?!$)(\\d+W|(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+S)?)?)$'

/** A duration of at least `least`, and at most `most`. */
export function durationField(description: string, example: string, { least, most }: Bounds) {
  const about = { description: `${description} (ISO 8601)`, examples: [example], pattern: durationPattern }
  return readAs(about, (text, payload): Duration => {
    const parsed = parseDuration(text)
    if (typeof parsed !== 'number') return refuse(payload, parsed.message, parsed.remedy)
    if (parsed < least) return refuse(payload, 'is too short', `Write ${formatDuration(least)} or more.`)
    if (most && parsed > most) return refuse(payload, 'is too long', `Write ${formatDuration(most)} or less.`)
    return parsed
  })
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

const start = readAs(
  {
    description: 'local time of day at which it opens, HH:MM',
    examples: ['02:00'],
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
  },
  (text, payload): number => {
    const time = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
    if (!time) return refuse(payload, 'is not a time of day', 'Write hours and minutes, such as 02:00 or 22:30.')
    return Number(time[1]) * 60 + Number(time[2])
  },
)

const timeZone = readAs(
  { description: 'IANA name of the time zone, daylight saving included', examples: ['Europe/Zurich', 'UTC'] },
  (name, payload): string =>
    isTimeZone(name)
      ? name
      : refuse(payload, 'is not a time zone', 'Write an IANA name, such as Europe/Zurich or UTC.'),
)

/**
 * Known to be valid. The list takes a tenth of the time of the first formatter, which a cold start would wait for; other names
 * of the same zones, such as Asia/Kolkata, are not in it. Each is checked once, because thousands of targets name the same few.
 */
let timeZones: Set<string> | undefined

function isTimeZone(name: string): boolean {
  timeZones ??= new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])
  if (timeZones.has(name)) return true
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    timeZones.add(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

const givenWindow = z.strictObject({
  days: described(z.array(z.enum(weekdays)).check(z.minLength(1, 'needs at least one day')), {
    description: 'days on which it opens',
    examples: [['Sat', 'Sun']],
    uniqueItems: true,
  }),
  start,
  // A tick every 15 minutes must fall into it, and a week later it opens again.
  length: durationField('how long it stays open, PT30M to P7D', 'PT4H', { least: minutes(30), most: days(7) }),
  timeZone,
})
const numbered = z.transform((given: z.output<typeof givenWindow>): Window => {
  return { ...given, days: [...new Set(given.days)].map((day) => weekdays.indexOf(day)) }
})
const window = described(z.nullable(z.pipe(givenWindow, numbered)), {
  description: 'when scheduled rotations may happen; null: always',
})

const vault = {
  description: 'address of the Key Vault; without it that of defaults, else the app setting ROTATION_VAULT',
  examples: ['https://kv-prod.vault.azure.net'],
  pattern: '^https://[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]\\.[a-z.]+/?$',
}

/** `vaultSuffix`: the cloud's, without a leading dot. */
export function vaultIn(vaultSuffix: string) {
  /** One string for each vault: thousands of targets name the same few. */
  const known = new Map<string, string>()
  return readAs(vault, (text, payload): string => {
    const address = known.get(text) ?? vaultAddress(text, vaultSuffix)
    if (typeof address !== 'string') return refuse(payload, address.message, address.remedy)
    known.set(text, address)
    return address
  })
}

/** What `defaults` may hold. `adopt` is not among them: one slip would overwrite every secret that holds something else. */
export function policyFields(vaultSuffix: string) {
  return {
    vault: z.optional(vaultIn(vaultSuffix)),
    rotateEvery: z.optional(
      durationField('how often a new key is created; default P60D', 'P60D', { least: minutes(1) }),
    ),
    validFor: z.optional(
      durationField('until when a secret is valid, longer than rotateEvery; default P90D', 'P90D', {
        least: minutes(1),
      }),
    ),
    overlap: z.optional(
      durationField('how long the key before the current one must stay valid; default P2D', 'P2D', { least: 0 }),
    ),
    retireAfter: z.optional(
      z.nullable(
        durationField(
          'when the key before the current one is invalidated, counted from its replacement; null: never',
          'P7D',
          {
            least: 0,
          },
        ),
      ),
    ),
    window: z.optional(window),
    probe: described(z.optional(z.enum(['on', 'off'])), {
      description: 'whether keys are tested before they are published; default on',
    }),
    enabled: described(z.optional(z.boolean()), { description: 'false: left alone; default true' }),
  }
}

const name = readAs(
  {
    description: 'name of the target: letters, digits and hyphens, 63 at most; part of URLs and tags',
    examples: ['vision'],
    pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,62}$',
  },
  (text, payload): string =>
    /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(text)
      ? text
      : refuse(
          payload,
          'is not a valid name for a target',
          'Write 1 to 63 letters, digits and hyphens, the first no hyphen.',
        ),
)

const secretName = described(
  z.string().check((payload) => {
    if (!/^[0-9a-zA-Z-]{1,127}$/.test(payload.value)) {
      refuse(payload, 'is not a valid name for a secret', 'Write 1 to 127 letters, digits and hyphens.')
    } else if (/^\d+$/.test(payload.value)) {
      // JSON objects put such keys first, wherever they were written.
      const message = 'a name of digits only loses its place in JSON, and the place says which secret is the lead'
      refuse(payload, message, 'Add a letter to the name.')
    }
  }),
  { description: 'name of a secret in the vault', pattern: '^(?=.*[^0-9])[0-9a-zA-Z-]{1,127}$' },
)

type Outputs = Record<string, KeyProvider['outputs'][string]>

function secrets(outputs: Outputs | undefined) {
  const names = Object.keys(outputs ?? {})
  const listed = names.map((output) => `"${output}"`).join(' or ')
  const output = outputs ? z.enum(names, { error: `is not an output of this provider: it has ${listed}` }) : z.string()
  const written = z.record(secretName, output).check((payload) => {
    const [lead] = Object.entries(payload.value)
    if (!lead) refuse(payload, 'names no secret', 'Name at least one, such as {"vision-key": "key"}.')
    else if (outputs?.[lead[1]] === 'constant') {
      const others = names.filter((each) => outputs[each] === 'secret').map((each) => `"${each}"`)
      const remedy = `Put one with ${others.join(' or ')} first.`
      refuse(payload, 'the first secret cannot hold an output that never changes', remedy)
    }
  })
  return described(written, {
    description: `secrets in the vault, each with the output it holds${outputs ? `: ${listed}` : ''}; the first is the lead`,
    examples: [{ 'my-secret': names[0] ?? 'key' }],
    minProperties: 1,
  })
}

export type PolicyFields = ReturnType<typeof policyFields>
export type TargetFields = ReturnType<typeof targetFields>

/** The fields of a target beside `provider` and the provider's own; without a provider, as all targets share them. `policy`: the same for all. */
export function targetFields(policy: PolicyFields, provider: KeyProvider | undefined) {
  const slot = provider ? z.enum([...provider.slots]) : z.string()
  return {
    name,
    secrets: secrets(provider?.outputs),
    ...policy,
    initialSlot: described(z.optional(slot), { description: 'slot to begin with when the vault holds nothing yet' }),
    adopt: described(z.optional(z.boolean()), { description: 'true: take over secrets that hold something else' }),
  }
}
