// Commands, links and file names in every document lead to something that exists, and its JSON is valid.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { parseTargets } from '../../src/config/targets.ts'
import { providers } from '../providers/all-providers.ts'
import { anchors, blocks, documents, prose, quoted, root, textOf } from './markdown.ts'

describe('every document', () => {
  for (const [path, text] of documents) {
    test(`The npm scripts that ${path} names exist, and so do the files that it runs`, () => {
      const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
      const ran = [...text.matchAll(/\bnpm (?:run ([a-z:]+)|(start|test))/g)].map(([, run, short]) => run ?? short!)
      const files = [...text.matchAll(/\bnode ((?:test|scripts|simulator)\/[\w./-]+)/g)].map(([, file]) => file!)

      assert.deepEqual(
        ran.filter((name) => scripts[name] === undefined),
        [],
      )
      assert.deepEqual(
        files.filter((file) => !existsSync(join(root, file))),
        [],
      )
    })

    test(`The JSON in ${path} parses, and a targets.json in it has no problem`, () => {
      for (const json of blocks(text, 'json')) {
        const parsed = JSON.parse(json) as { targets?: unknown }
        if (!Array.isArray(parsed.targets)) continue
        const read = parseTargets(json, providers, 'public', Date.UTC(2026, 0, 1))

        assert.ok('targets' in read, JSON.stringify(read))
      }
    })

    test(`The links in ${path} lead to files and headings that exist`, () => {
      const links = [...prose(text).matchAll(/\]\((?!https:)([^)]*)\)/g)].map(([, link]) => link!)

      const dead = links.filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : join(dirname(path), file)
        if (!existsSync(join(root, target))) return true
        return anchor !== undefined && !anchors(textOf(target)).includes(anchor)
      })

      assert.deepEqual(dead, [])
    })

    test(`The files that ${path} names exist`, () => {
      const shape = /^(?:src|simulator|test|scripts|docs|infra|\.ci|\.vscode|\.devcontainer)\/[\w./-]*$/
      // A user's own files are in no repository.
      const atRoot = /^(?!targets\.json$|local\.settings\.json$)[\w.-]+\.(?:md|http|yaml|json)$/
      const base = path === 'infra/README.md' ? 'infra' : ''
      const named = quoted(prose(text)).filter((word) => shape.test(word) || atRoot.test(word))

      const missing = named.filter((file) => !existsSync(join(root, file)) && !existsSync(join(root, base, file)))

      assert.deepEqual(missing, [])
    })
  }
})
