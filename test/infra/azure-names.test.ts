// Names in the infrastructure that Azure wants unique in a wider place than one deployment, and properties that only its compiler knows.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type BicepFile, literal, loadGrammar, type Node, valueAt, walk } from './bicep.ts'
import { projectOf, readTexts, repository } from './project.ts'

await loadGrammar()
const { files } = projectOf(readTexts())

const fileAt = (path: string): BicepFile => files.find((file) => file.path === path)!
const resources = (type: string) =>
  files.flatMap((file) => file.resources.filter((resource) => resource.type.split('/').at(-1) === type))
const mentions = (node: Node | undefined, text: string): boolean =>
  node !== undefined && [...walk(node)].some((each) => each.text === text)

test('The name of each custom role distinguishes two subscriptions, because role names are unique in a tenant', () => {
  const main = fileAt('infra/main.bicep')
  const definitions = main.modules.find(({ source }) => source === 'roles/definitions.bicep')
  const token = main.variables.find(({ name }) => name === 'resourceToken')

  const roles = resources('roleDefinitions')

  assert.ok(roles.length >= 3, 'providers, vaults and health')
  for (const { name, body } of roles) assert.ok(mentions(valueAt(body, 'properties.roleName'), 'suffix'), name)
  assert.ok(mentions(valueAt(definitions?.body, 'params.suffix'), 'resourceToken'))
  assert.ok(mentions(token?.node, 'subscription().id'))
})

test('Two environments that watch one vault have delivery alerts of their own: the name depends on the function that is called', () => {
  const [alerts] = fileAt('infra/app/delivery-alerts.bicep').resources

  const name = valueAt(alerts?.body, 'name')

  for (const part of ['topicName', 'measure', 'actionGroupId']) assert.ok(mentions(name, part), part)
})

test('A resource whose type depends on its name has that name in full, so that the compiler checks its properties', () => {
  const named = resources('basicPublishingCredentialsPolicies')

  assert.deepEqual(named.map(({ body }) => literal(valueAt(body, 'name'))).sort(), ['ftp', 'scm'])
})

test('The app on Flex Consumption has no setting that this plan no longer accepts', () => {
  const [app] = fileAt('infra/app/function-app.bicep').resources.filter(({ type }) => type === 'Microsoft.Web/sites')

  assert.ok(app?.body)
  assert.equal(mentions(app.body, 'ftpsState'), false)
})

for (const path of ['README.md', 'infra/README.md']) {
  test(`${path} names roles that may define custom roles, which Role Based Access Control Administrator may not`, () => {
    const text = readFileSync(join(repository, path), 'utf8').replace(/\s+/g, ' ')

    assert.ok(text.includes('Owner, or Contributor with User Access Administrator'))
  })
}
