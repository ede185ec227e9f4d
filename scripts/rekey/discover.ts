// `rekey discover`: resources with keys that Rekey does not manage yet, and their entries for targets.json.

import { readFileSync, writeFileSync } from 'node:fs'
import { type CloudName, clouds } from '../../src/azure/clouds.ts'
import type { Candidate } from '../../src/functions/http/schemas/candidate-schema.ts'
import { loadProviders } from '../../src/providers/index.ts'
import { addTargets } from './add-targets.ts'
import { asUnexpected } from './app-client.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { asUsage, exitCodes } from './ended.ts'
import type { Column } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'

type Found = Loose<Candidate>

export const command = defineCommand({
  summary: 'resources with keys that are not managed yet; --write adds them to a targets.json',
  words: '[<resource>…]',
  count: [0, 1000],
  about:
    'What the identity of the app may read. With --without-app, what you may read: it asks Azure with the sign-in of az, and needs no app. ' +
    '--write adds an entry for each resource, or for those that are named, switched off ("enabled": false), and changes nothing else of the file.',
  options: {
    provider: { value: 'ID', about: 'only resources of this provider' },
    subscription: { value: 'GUID', about: 'only resources of this subscription' },
    write: { value: 'FILE', about: 'add entries to this targets.json, which is made where there is none' },
    'without-app': { about: 'ask Azure directly, with the sign-in of az' },
    cloud: { value: 'NAME', about: 'with --without-app and --write: public, usgov or china; else public' },
  },
  examples: [
    'discover',
    'discover --provider storage-account --json',
    'discover --without-app',
    'discover orders billing --write targets.json',
  ],
  async run({ app, words, options, output }) {
    const { provider, subscription, write } = options
    const cloud = cloudNamed(options.cloud)
    const text = write === undefined ? undefined : textOf(write)
    const registry = await loadProviders()
    const found = options['without-app']
      ? await (await import('./own-candidates.ts')).ownCandidates({
          ...{ registry, cloud: clouds[cloud], provider, subscription },
          text: text ?? textOf('targets.json'),
        })
      : await wholeOf<Candidate>(app(), 'candidates', { provider, subscription })
    const value = chosen(found.value, words).toSorted(oldestFirst)
    if (write === undefined) return showCollection(output, { ...found, value }, columns, ['candidate', 'candidates'])
    const { added, known, text: written } = addTargets(text, value.map(proposed), { registry, cloud, now: Date.now() })
    if (added.length > 0) writeFileSync(write, written)
    const grants = added.map(({ grant }) => grant).join(',')
    output.document({ ...found, value: added, alreadyThere: known.map(({ id }) => id), file: write, grants })
    report(output, { added, known, file: write, grants })
    return exitCodes.done
  },
})

function cloudNamed(name = 'public'): CloudName {
  if (Object.hasOwn(clouds, name)) return name as CloudName
  throw asUsage('--cloud is not the name of a cloud', 'Write public, usgov or china.')
}

/** Undefined: there is no such file. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw asUsage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

type Proposal = Found & Pick<Candidate, 'id' | 'provider' | 'targetsEntry' | 'grant'>

/** A candidate with what is written of it. Throws Ended. */
function proposed(found: Found): Proposal {
  const { id, provider, targetsEntry, grant } = found
  if (id && provider && targetsEntry && grant) return { ...found, id, provider, targetsEntry, grant }
  throw asUnexpected('a candidate without an entry for targets.json')
}

/** Those that are named; all where none is. */
function chosen(found: readonly Found[], words: readonly string[]): readonly Found[] {
  if (words.length === 0) return found
  const named = (word: string) => (each: Found) => String(each.name).toLowerCase() === word.toLowerCase()
  const missing = words.filter((word) => !found.some(named(word)))
  if (missing.length > 0) {
    throw asUsage(
      `not among the candidates: ${missing.join(', ')}`,
      'discover without names lists them. A new resource is found some minutes after it was made.',
    )
  }
  return found.filter((each) => words.some((word) => named(word)(each)))
}

function oldestFirst(a: Found, b: Found): number {
  return (b.ageDays ?? -1) - (a.ageDays ?? -1) || String(a.name).localeCompare(String(b.name))
}

const columns: readonly Column<Found>[] = [
  { title: 'RESOURCE', of: ({ name }) => name },
  { title: 'PROVIDER', of: ({ provider }) => provider },
  { title: 'KEY AGE', of: ({ ageDays }) => (ageDays === undefined ? '' : `${ageDays} days`) },
  {
    title: 'KEY POLICY',
    of: ({ keyPolicyDays }) => (keyPolicyDays === undefined ? '' : `${keyPolicyDays} days`),
    spare: 3,
  },
  { title: 'GROUP', of: ({ resourceGroup }) => resourceGroup, spare: 1 },
  { title: 'SUBSCRIPTION', of: ({ subscription }) => subscription, spare: 4 },
  { title: 'NOTE', of: ({ note }) => note, spare: 2 },
]

interface Written {
  readonly added: readonly Proposal[]
  readonly known: readonly Proposal[]
  readonly file: string
  readonly grants: string
}

function report(output: Output, { added, known, file, grants }: Written): void {
  if (known.length > 0) output.text(`${file} has ${known.length} of them already.`)
  if (added.length === 0) output.text(`Nothing was added to ${file}.`)
  if (added.length === 0) return
  output.table(
    [
      { title: 'TARGET', of: ({ targetsEntry }) => targetsEntry['name'] },
      { title: 'PROVIDER', of: ({ provider }) => provider },
      { title: 'NOTE', of: ({ note }) => note, spare: 1 },
    ],
    added,
  )
  output.text(`
Added to ${file}: ${added.length}, each with "enabled": false. Read them, and remove that line of those that are to be rotated.
The app needs a right for each. Add this to ROTATION_GRANTS, behind what it has, and deploy again:

${grants}`)
}
