// The infrastructure has none of the mistakes that the lint checks for, and the lint finds each of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadGrammar } from './bicep.ts'
import { lint } from './lint.ts'
import { readTexts, type Texts } from './project.ts'

await loadGrammar()
const texts = readTexts()

test('the lint has no finding on the infrastructure of the project', () => {
  const findings = lint(texts)

  assert.deepEqual(findings, [])
})

/** [what is wrong, file, what is there, what is put in its place, rule, what the finding says] */
// biome-ignore format: a table
const mistakes: readonly (readonly [string, string, string | RegExp, string, string, RegExp])[] = [
  ['an unbalanced brace', 'infra/app/vault.bicep', /\}\s*$/, '', 'syntax', /cannot be read/],
  ['a misspelt keyword', 'infra/app/vault.bicep', 'resource vault', 'resourse vault', 'syntax', /cannot be read/],
  ['a missing equals sign', 'infra/app/topic.bicep', "eventGridDataSender = '", "eventGridDataSender '", 'syntax', /./],
  ['a broken string', 'infra/app/vault.bicep', "name: 'audit'", "name: 'audit", 'syntax', /cannot be read/],
  ['an unknown name', 'infra/app/vault.bicep', 'location: location', 'location: region', 'undeclared', /^region /],
  ['a name of an outer scope only', 'infra/app/alerts.bicep', 'rule.name}', 'role.name}', 'undeclared', /^role /],
  ['a lambda variable outside', 'infra/main.bicep', 'join(allVaultIds', 'join([id, allVaultIds]', 'undeclared', /^id /],
  ['an unknown function', 'infra/main.bicep', 'uniqueString(', 'uniqString(', 'undeclared', /^uniqString /],
  ['an unknown decorator', 'infra/main.bicep', '@minLength(1)', '@minimumLength(1)', 'undeclared', /^minimumLength /],
  ['an unused parameter', 'infra/app/vault.bicep', 'param tags object', 'param tags object\nparam sku string', 'unused', /^sku /],
  ['an unused variable', 'infra/main.bicep', 'var abbrs', "var forgotten = 'x'\nvar abbrs", 'unused', /^forgotten /],
  ['an unused lookup', 'infra/app/sign-in.bicep', 'parent: app', "parent: 'app'", 'unused', /^app /],
  ['an unused output of a module', 'infra/app/identity.bicep', 'output id', "output extra string = 'x'\noutput id", 'unused', /extra/],
  ['a module that is not there', 'infra/main.bicep', "'app/vault.bicep'", "'app/vaults.bicep'", 'module-file', /vaults/],
  ['a parameter the module lacks', 'infra/main.bicep', 'retentionDays: retentionDays', 'days: retentionDays', 'module-parameter', /no parameter days/],
  ['a parameter left out', 'infra/main.bicep', /\n {4}workspaceId: .*/, '', 'module-parameter', /wants the parameter workspaceId/],
  ['an output the module lacks', 'infra/main.bicep', 'topic.outputs.endpoint', 'topic.outputs.url', 'module-output', /no output url/],
  ['a loaded file that is not there', 'infra/app/workbook.bicep', 'workbook.json', 'book.json', 'loaded-file', /no such file/],
  ['an abbreviation that is not there', 'infra/main.bicep', 'abbrs.webServerFarms', 'abbrs.plans', 'loaded-file', /no plans/],
  ['a version that is too old', 'infra/app/vault.bicep', '@2026-02-01', '@2023-07-01', 'api-version', /2023-07-01/],
  ['a version that was made up', 'infra/app/topic.bicep', 'topics@2025-02-15', 'topics@2027-01-01', 'api-version', /2027-01-01/],
  ['a type that was made up', 'infra/app/topic.bicep', 'EventGrid/topics@', 'EventGrid/topic@', 'api-version', /EventGrid\/topic@/],
  ['no version', 'infra/app/vault.bicep', 'vaults@2026-02-01', 'vaults', 'api-version', /undefined/],
  ['a mistyped role', 'infra/app/topic.bicep', 'd5a91429', 'd5a91420', 'role-id', /eventGridDataSender/],
  ['a role of another name', 'infra/app/storage.bicep', /974c5e8b[^']*/, 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', 'role-id', /storageQueueDataContributor/],
  ['a role id in place', 'infra/app/topic.bicep', "'Microsoft.Authorization/roleDefinitions', eventGridDataSender", "'x', 'd5a91429-5739-47e2-a06b-3470a27159e7'", 'role-id', /give it a variable/],
  ['a key that is read', 'infra/app/storage.bicep', 'string = account.name', 'string = account.listKeys().keys[0].value', 'list-keys', /listKeys/],
  ['a key read by a function', 'infra/app/storage.bicep', 'string = account.name', "string = listKeys(account.id, '2025-06-01').keys[0].value", 'list-keys', /listKeys/],
  ['a SAS', 'infra/app/storage.bicep', 'string = account.name', 'string = account.listAccountSas().token', 'list-keys', /listAccountSas/],
  ['a key read by a hook', 'infra/hooks/postdeploy.sh', 'set -eu', 'set -eu\naz functionapp keys list', 'list-keys', /reads keys/],
  ['shared keys switched on', 'infra/app/storage.bicep', 'allowSharedKeyAccess: false', 'allowSharedKeyAccess: true', 'required', /allowSharedKeyAccess: false/],
  ['shared keys not mentioned', 'infra/app/storage.bicep', 'allowSharedKeyAccess: false', '', 'required', /allowSharedKeyAccess: false/],
  ['topic keys switched on', 'infra/app/topic.bicep', 'disableLocalAuth: true', 'disableLocalAuth: false', 'required', /disableLocalAuth/],
  ['a vault without purge protection', 'infra/app/vault.bicep', 'enablePurgeProtection: true', '', 'required', /enablePurgeProtection/],
  ['telemetry with a key', 'infra/app/monitoring.bicep', 'DisableLocalAuth: true', 'DisableLocalAuth: false', 'required', /DisableLocalAuth/],
  ['a resource without tags', 'infra/app/vault.bicep', /\n {2}tags: tags/, '', 'tags', /no tags/],
  ['a secret put out', 'infra/main.bicep', 'output TOPIC_ENDPOINT', 'output TOPIC_KEY', 'secret-output', /TOPIC_KEY/],
  ['a parameter main.bicep lacks', 'infra/main.parameters.json', '"grants"', '"rights"', 'parameters-file', /no parameter rights/],
  ['a required parameter left out', 'infra/main.parameters.json', /\n.*"location".*/, '', 'parameters-file', /wants the parameter location/],
  ['defaults that differ', 'infra/main.parameters.json', 'NODE_VERSION=24', 'NODE_VERSION=22', 'parameters-file', /22 here by default, and 24/],
  ['parameters that are not valid JSON', 'infra/main.parameters.json', '"parameters": {', '"parameters": ', 'parameters-file', /not valid JSON/],
  ['a workbook that is not valid JSON', 'infra/app/workbook.json', '{', '', 'json', /not valid JSON/],
  ['a hook that is not there', 'azure.yaml', 'postdeploy.ps1', 'postdeploy.psm1', 'azure-yaml', /does not exist/],
  ['a hook for one system only', 'azure.yaml', '    windows:', '    solaris:', 'azure-yaml', /no hook for windows/],
  ['another service name', 'azure.yaml', '  rekey:', '  api:', 'azure-yaml', /azd-service-name/],
  ['a build in Azure', 'azure.yaml', 'remoteBuild: false', 'remoteBuild: true', 'azure-yaml', /remoteBuild/],
  ['an output that a hook reads and no file declares', 'infra/main.bicep', 'output ACTION_GROUP_ID', 'output ACTION_GROUP', 'script-variable', /ACTION_GROUP_ID/],
  ['a variable mistyped in a hook', 'infra/hooks/postdeploy.ps1', '$env:FUNCTION_APP_ID', '$env:FUNCTION_ID', 'script-variable', /FUNCTION_ID/],
  ['a parameter a hook leaves out', 'infra/hooks/postdeploy.sh', '"location=$location" ', '', 'hook-parameter', /wants location/],
  ['a parameter a hook makes up', 'infra/hooks/postdeploy.ps1', '"route=$', '"path=$', 'hook-parameter', /no parameter path/],
  ['a template a hook mistypes', 'infra/hooks/postdeploy.sh', 'events/near-expiry.bicep', 'event/near-expiry.bicep', 'hook-parameter', /does not exist/],
  ['a parenthesis where cmd stops', 'infra/scripts/sign-in.ps1', 'applications/$object', "applications(appId='$client')", 'cmd', /applications\(/],
  ['a parenthesis in a list of arguments', 'infra/scripts/graph-permission.ps1', '$graph/servicePrincipals/$Principal/', "$graph/servicePrincipals(appId='$Principal')/", 'cmd', /servicePrincipals\(/],
  ['a boolean as PowerShell writes it', 'infra/hooks/postdeploy.ps1', '$($topic.Own.ToString().ToLowerInvariant())', '$($topic.Own)', 'hook-parameter', /ownTopic is a bool/],
  ['a role without its place', 'infra/app/topic.bicep', '  scope: topic\n', '', 'assignment', /sender gives eventGridDataSender on undefined/],
  ['another known role', 'infra/events/storage-access.bicep', "roleDefinitions', storageQueueDataMessageSender", "roleDefinitions', storageBlobDataContributor", 'assignment', /messageSender gives storageBlobDataContributor/],
  ['a role on more than its place', 'infra/app/storage.bicep', 'scope: targets', 'scope: account', 'assignment', /targetsEditor gives .* on account/],
  ['a role that is not listed', 'infra/app/topic.bicep', 'resource sender', 'resource owner', 'assignment', /owner gives/],
  ['a module without its scope', 'infra/main.bicep', /\n {2}scope: group/, '', 'module-scope', /identity\.bicep is for a resourceGroup, and is deployed to a subscription/],
  ['a module at another scope', 'infra/main.bicep', "scope: subscription(split(entry, '/')[2])", 'scope: group', 'module-scope', /at-subscription\.bicep is for a subscription/],
  ['a file that does not say its scope', 'infra/roles/at-subscription.bicep', "targetScope = 'subscription'", '', 'module-scope', /at-subscription\.bicep is for a resourceGroup/],
  ['a misspelt property that closes a door', 'infra/app/topic.bicep', 'publicNetworkAccess', 'publicNetworkAcces', 'required', /publicNetworkAccess/],
  ['a door that stays open', 'infra/app/vault.bicep', "vnetEnabled ? 'Deny' : 'Allow'", "'Allow'", 'required', /defaultAction/],
  ['another queue for Key Vault\'s events', 'infra/events/near-expiry.bicep', "destinationQueue: 'rekey-near-expiry'", "destinationQueue: 'rekey-announcements'", 'delivery-name', /rekey-near-expiry/],
  ['another queue for the events of a subscription', 'infra/events/resource-events.bicep', "destinationQueue: 'rekey-resource-events'", "destinationQueue: 'rekey-near-expiry'", 'delivery-name', /rekey-resource-events/],
  ['a right to write to another queue', 'infra/events/resource-events.bicep', "queueName: route == 'queue' ? 'rekey-resource-events'", "queueName: route == 'queue' ? 'rekey-near-expiry'", 'delivery-name', /rekey-resource-events/],
  ['a mistyped queue for announcements', 'infra/events/announcements.bicep', "queueName: 'rekey-announcements'", "queueName: 'rekey-anouncements'", 'delivery-name', /rekey-anouncements/],
  ['a mistyped container for dead letters', 'infra/events/subscription.bicep', "'rekey-dead-letters'", "'rekey-deadletters'", 'delivery-name', /rekey-deadletters/],
  ['a right to write to another container', 'infra/events/storage-access.bicep', "'rekey-dead-letters'", "'rekey-leases'", 'delivery-name', /rekey-leases/],
  ['a mistyped event type', 'infra/events/near-expiry.bicep', 'SecretNearExpiry', 'SecretNearExpire', 'event-type', /SecretNearExpire/],
  ['a type of event of a subscription that no function handles', 'infra/events/resource-events.bicep', 'ResourceWriteSuccess', 'ResourceDeleteSuccess', 'event-type', /ResourceDeleteSuccess/],
  ['a metric that was made up', 'infra/app/delivery-alerts.bicep', 'DeadLetteredCount', 'DeadLetterCount', 'metric', /DeadLetterCount/],
  ['an alert that is gone', 'infra/app/alerts.bicep', "'no-schedule'", "'schedule-gone'", 'alert', /there is no no-schedule/],
  ['an alert turned round', 'infra/app/alerts.bicep', "'LessThan'", "'GreaterThan'", 'alert', /no-schedule is raised by GreaterThan 1/],
  ['an alert that asks an event for what another has', 'infra/app/alerts.bicep', 'code = tostring(customDimensions.code)', 'code = tostring(customDimensions.dueAt)', 'query', /RotationFailed has no dueAt/],
  ['a workbook that asks for what no event has', 'infra/app/workbook.json', 'customDimensions.status', 'customDimensions.client', 'query', /TargetSeen has no client/],
  ['a workbook that queries an event the app does not send', 'infra/app/workbook.json', 'TargetSeen', 'TargetsSeen', 'query', /TargetsSeen has no target/],
  ['a call of az in one twin only', 'infra/scripts/sign-in.sh', 'az ad sp update', 'az ad sp delete', 'twin', /az ad sp delete/],
]

for (const [what, file, there, instead, rule, says] of mistakes) {
  test(`the lint catches ${what}`, () => {
    const broken = { ...texts, [file]: replaced(file, there, instead) }

    const findings = lint(broken)

    const caught = findings.filter((finding) => finding.rule === rule && says.test(finding.message))
    assert.notEqual(caught.length, 0, `${rule} is not among ${JSON.stringify(findings, undefined, 1)}`)
  })
}

for (const line of ['node_modules', 'node_modules/', 'node_modules/**', '**/node_modules', '/node_modules/**']) {
  test(`the lint catches ${line} in .funcignore, which azd refuses beside remoteBuild: false`, () => {
    const broken: Texts = { ...texts, '.funcignore': `*.ts\n${line}\n` }

    const findings = lint(broken)

    assert.deepEqual(
      findings.map(({ rule, place }) => [rule, place]),
      [['azure-yaml', '.funcignore']],
    )
  })
}

test('the lint catches a shell script without its PowerShell counterpart', () => {
  const { 'infra/scripts/sign-in.ps1': _, ...broken } = texts

  const findings = lint(broken)

  assert.deepEqual(
    findings.map(({ rule, place }) => [rule, place]),
    [['twin', 'infra/scripts/sign-in.sh']],
  )
})

function replaced(file: string, there: string | RegExp, instead: string): string {
  const before = texts[file]!
  const after = before.replace(there, () => instead)
  assert.notEqual(after, before, `${file} has no ${there}`)
  return after
}
