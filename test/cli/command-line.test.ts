// What the command line refuses before anything is sent, and what it suggests.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commands } from '../../scripts/rekey/commands.ts'
import { exitCodes } from '../../scripts/rekey/ended.ts'
import { documents, rows, section } from '../docs/markdown.ts'
import { run } from './captured-terminal.ts'

const key = 'a-key-that-must-not-be-shown'
const env = { REKEY_URL: 'https://app.invalid', REKEY_KEY: key }

test('docs/reference/cli.md has every command with its words, and every exit code', async () => {
  const text = documents.get('docs/reference/cli.md')!
  const usages = await Promise.all(
    Object.entries(commands).map(async ([name, load]) =>
      [name, (await load()).command.words].filter(Boolean).join(' '),
    ),
  )

  assert.deepEqual(
    rows(section(text, 'Commands')).map(([usage]) => usage!.replaceAll('`', '')),
    usages,
  )
  assert.deepEqual(
    rows(section(text, 'Output')).map(([code]) => Number(code)),
    [...Object.values(exitCodes), 130],
  )
})

describe('the command line of rekey', () => {
  test('the help lists every command, and each has a help with an example that names it', async () => {
    const overview = await run([])
    const helps = await Promise.all(Object.keys(commands).map((name) => run([name, '--help'])))

    assert.equal(overview.code, 0)
    for (const [at, name] of Object.keys(commands).entries()) {
      assert.ok(overview.out.includes(`\n  ${name} `), name)
      assert.equal(helps[at]!.code, 0)
      assert.ok(helps[at]!.out.split('Example')[1]?.includes(`npm run rekey -- ${name}`), name)
    }
  })

  const mistakes: readonly [title: string, line: readonly string[], said: string][] = [
    ['A mistyped command', ['lsit'], 'Did you mean list?'],
    ['A mistyped option', ['list', '--provder=x'], 'Did you mean --provider?'],
    ['An option of another command', ['list', '--force'], '--force'],
    ['An option without its value', ['rotate', 'vision', '--note', '--json'], '--note TEXT'],
    ['An option with an empty value', ['rotate', 'vision', '--note='], '--note TEXT'],
    ['An option that is given twice', ['list', '--status', 'due', '--status', 'new'], 'twice'],
    ['A switch with a value', ['list', '--json=yes'], 'no value'],
    ['A missing target', ['show'], '<target>'],
    ['A word too many', ['list', 'vision'], 'no words'],
    ['What cannot be the name of a target', ['rotate', '../rotations'], 'not the name of a target'],
    ['A revoke without a note', ['revoke', 'vision'], '--note'],
    ['Many targets selected in two ways', ['rotate', 'vision', '--all'], 'more than one way'],
    ['Many targets not selected at all', ['revoke-many', '--note', 'leaked'], 'which targets'],
    ['CSV and JSON at once', ['history', '--csv', '--json'], '--csv'],
    ['A time that is none', ['repair', 'vision', '--timeout', 'soon'], '--timeout'],
  ]
  for (const [title, line, said] of mistakes) {
    test(`${title} ends with exit code 2 before anything is sent`, async () => {
      const { code, err } = await run(line, { env })

      assert.equal(code, 2, err)
      assert.ok(err.includes(said), err)
    })
  }

  test('A key as an argument is refused and not repeated', async () => {
    const lines = [
      ['list', '--key', key],
      ['list', `--key=${key}`],
      ['list', `--code=${key}`],
      ['list', '--url', `https://app.invalid/api/targets?code=${key}`],
      ['list', '--url', `https://user:${key}@app.invalid`],
      ['list', `--${key}`],
    ]

    for (const line of lines) {
      const { code, out, err } = await run(line, { env })

      assert.equal(code, 2, err)
      assert.ok(!`${out}${err}`.includes(key), `${line[1]}: ${err}`)
    }
  })

  test('A key in REKEY_URL is refused and not repeated', async () => {
    const { code, err } = await run(['list'], { env: { REKEY_URL: `https://app.invalid/?code=${key}` } })

    assert.equal(code, 2)
    assert.match(err, /REKEY_KEY/)
    assert.ok(!err.includes(key))
  })

  test('A key with a line break is refused and not repeated', async () => {
    const { code, err } = await run(['list'], { env: { ...env, REKEY_KEY: `${key}\n${key}` } })

    assert.equal(code, 2)
    assert.ok(!err.includes(key))
  })

  for (const address of [
    'http://app.invalid',
    'http://127.0.0.1.app.invalid',
    'http://10.0.0.1',
    'ftp://app.invalid',
  ]) {
    test(`A key is not sent to ${address}: without TLS only to this machine itself`, async () => {
      const { code, err } = await run(['list'], { env: { ...env, REKEY_URL: address } })

      assert.equal(code, 2)
      assert.match(err, /https/)
    })
  }

  for (const address of ['https://app.invalid/', 'https://app.invalid/api', 'https://app.invalid/api/targets/x']) {
    test(`${address} is understood as the address of the app`, async () => {
      assert.deepEqual(await run(['page', '--url', address]), {
        code: 0,
        out: 'https://app.invalid/api/page\n',
        err: '',
      })
    })
  }

  test('Without an address the error says where one is set, with exit code 2', async () => {
    const { code, err } = await run(['list'], { env: { REKEY_KEY: key } })

    assert.equal(code, 2)
    assert.match(err, /REKEY_URL/)
  })

  test('Without a key and a client id the error says how to sign in, with exit code 5', async () => {
    const { code, err } = await run(['list'], { env: { REKEY_URL: 'https://app.invalid' } })

    assert.equal(code, 5)
    assert.match(err, /REKEY_KEY[\s\S]*az login/)
  })

  test('With --json an error is a document on stdout, too', async () => {
    const { code, out } = await run(['show', '--json'], { env })

    assert.equal(code, 2)
    assert.equal(JSON.parse(out).code, 'Usage')
  })

  test('Options that npm took for its own are noticed, and nothing is done without them', async () => {
    const taken = { ...env, npm_lifecycle_event: 'rekey', npm_config_note: 'planned' }

    const { code, err } = await run(['rotate', 'vision'], { env: taken })

    assert.equal(code, 2)
    assert.match(err, /--note[\s\S]*npm run rekey -- /)
  })
})
