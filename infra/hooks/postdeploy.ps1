# The second step on Windows: the same as postdeploy.sh, line by line.
# azd runs it after each deployment. Without azd: infra/hooks/postdeploy.ps1 <name of the deployment of main.bicep>
# Idempotent, and without keys. A source has at most one system topic: an existing one is used, whether ours or not.
param([string]$Deployment = '')

$ErrorActionPreference = 'Stop'
# Failures of az are checked here, by exit code.
$PSNativeCommandUseErrorActionPreference = $false
Set-Location (Join-Path $PSScriptRoot '../..')

function Stop-WithRemedy([string]$Message) {
  [Console]::Error.WriteLine("postdeploy: $Message")
  exit 1
}

function Assert-Azure([string]$What) {
  if ($LASTEXITCODE -ne 0) { Stop-WithRemedy "not done: $What" }
}

# The outputs of a deployment as variables, as azd would have set them. Resource Manager changes the case of their names.
function Read-Outputs([string]$Name) {
  $outputs = az deployment sub show --name $Name --query properties.outputs --output json | ConvertFrom-Json
  Assert-Azure "read the deployment $Name"
  foreach ($output in $outputs.PSObject.Properties) {
    Set-Item -Path "Env:$($output.Name.ToUpperInvariant())" -Value $output.Value.value
  }
  if (-not $env:AZURE_ENV_NAME) { $env:AZURE_ENV_NAME = $env:AZURE_RESOURCE_GROUP -replace '^rg-', '' }
}

function Find-Topic([string]$Subscription, [string]$Source) {
  $topics = az eventgrid system-topic list --subscription $Subscription --output json | ConvertFrom-Json
  Assert-Azure "list the system topics of $Subscription"
  # -eq on strings ignores case, as resource ids do.
  return $topics | Where-Object { $_.source -eq $Source } | Select-Object -First 1
}

# New role assignments and a new function take some time to become visible everywhere.
function Invoke-Deployment([string[]]$Arguments) {
  foreach ($wait in 30, 60, 0) {
    # Assigned, so that nothing it prints becomes part of what this function returns.
    $null = az deployment group create @Arguments --output none
    if ($LASTEXITCODE -eq 0) { return $true }
    if ($wait -gt 0) {
      [Console]::Error.WriteLine("postdeploy: not accepted yet; once more in $wait seconds")
      Start-Sleep -Seconds $wait
    }
  }
  return $false
}

# Of the source's system topic, or of the one that will be made for it.
function Select-Topic([string]$Subscription, [string]$Source, [string]$Name, [string]$Group) {
  $found = Find-Topic $Subscription $Source
  $topic = @{ Name = $Name; Group = $Group; Own = $true; Principal = '' }
  if ($null -ne $found) {
    $topic.Name = $found.name
    $topic.Group = $found.resourceGroup
    $topic.Own = $found.tags.'azd-env-name' -eq $env:AZURE_ENV_NAME
    if (-not $topic.Own -and $found.identity.principalId) { $topic.Principal = $found.identity.principalId }
  }
  $topic.Identity = "az eventgrid system-topic update --subscription $Subscription --resource-group $($topic.Group) --name $($topic.Name) --identity systemassigned"
  return $topic
}

function Connect-Vault([string]$VaultId) {
  $parts = $VaultId.Split('/')
  $subscription = $parts[2]
  $vault = $parts[8]
  $location = az resource show --ids $VaultId --query location --output tsv
  Assert-Azure "find the vault $VaultId"
  $topic = Select-Topic $subscription $VaultId "evgt-rekey-$vault" $parts[4]

  if (-not $topic.Own -and -not $topic.Principal) {
    if ($env:NEAR_EXPIRY_ROUTE -eq 'queue') {
      Stop-WithRemedy "system topic $($topic.Name) has no identity to write to the queue with. Give it one, then deploy again: $($topic.Identity)"
    }
    [Console]::Error.WriteLine("postdeploy: system topic $($topic.Name) has no identity, so events that cannot be delivered are dropped. To keep them: $($topic.Identity)")
  }

  Write-Output "postdeploy: $vault -> $($env:NEAR_EXPIRY_ROUTE), by system topic $($topic.Name) in $($topic.Group)"
  $accepted = Invoke-Deployment @(
    '--subscription', $subscription, '--resource-group', $topic.Group, '--name', "rekey-near-expiry-$vault",
    '--template-file', 'infra/events/near-expiry.bicep',
    '--parameters', "vaultId=$VaultId", "location=$location", "systemTopicName=$($topic.Name)", "ownTopic=$($topic.Own.ToString().ToLowerInvariant())",
    "foreignPrincipalId=$($topic.Principal)", "route=$($env:NEAR_EXPIRY_ROUTE)", "functionAppId=$($env:FUNCTION_APP_ID)",
    "storageAccountId=$($env:STORAGE_ACCOUNT_ID)", "actionGroupId=$($env:ACTION_GROUP_ID)", "environmentName=$($env:AZURE_ENV_NAME)"
  )
  if (-not $accepted) {
    Stop-WithRemedy "the events of $vault are not wired up. Rotation goes on by the schedule; run this again when the cause above is gone"
  }
}

# A failure here ends nothing: Azure may refuse an identity to the topic of a subscription, and the daily resync does the same later.
function Watch-Changes([string]$GroupId) {
  $parts = $GroupId.Split('/')
  $subscription = $parts[2]
  $topic = Select-Topic $subscription "/subscriptions/$subscription" "evgt-rekey-$subscription" $parts[4]

  if (-not $topic.Own -and -not $topic.Principal -and $env:NEAR_EXPIRY_ROUTE -eq 'queue') {
    [Console]::Error.WriteLine("postdeploy: system topic $($topic.Name) has no identity to write to the queue with, so keys regenerated by hand are found by the daily resync. If Azure lets it have one: $($topic.Identity)")
    return
  }

  Write-Output "postdeploy: changed keys of subscription $subscription -> $($env:NEAR_EXPIRY_ROUTE), by system topic $($topic.Name) in $($topic.Group)"
  $accepted = Invoke-Deployment @(
    '--subscription', $subscription, '--resource-group', $topic.Group, '--name', 'rekey-resource-events',
    '--template-file', 'infra/events/resource-events.bicep',
    '--parameters', "systemTopicName=$($topic.Name)", "ownTopic=$($topic.Own.ToString().ToLowerInvariant())", "foreignPrincipalId=$($topic.Principal)",
    "route=$($env:NEAR_EXPIRY_ROUTE)", "identityClientId=$($env:IDENTITY_CLIENT_ID)", "functionAppId=$($env:FUNCTION_APP_ID)",
    "storageAccountId=$($env:STORAGE_ACCOUNT_ID)", "actionGroupId=$($env:ACTION_GROUP_ID)", "environmentName=$($env:AZURE_ENV_NAME)"
  )
  if (-not $accepted) {
    [Console]::Error.WriteLine("postdeploy: the events of subscription $subscription are not wired up, so keys regenerated by hand are found by the daily resync. Run this again when the cause above is gone, or set RESOURCE_EVENTS to false")
  }
}

function Save-Announcements {
  if (-not $env:ANNOUNCEMENT_TOPIC_ID) { return }
  Write-Output 'postdeploy: announcements -> queue rekey-announcements too'
  $parts = $env:ANNOUNCEMENT_TOPIC_ID.Split('/')
  $accepted = Invoke-Deployment @(
    '--subscription', $parts[2], '--resource-group', $parts[4], '--name', 'rekey-announcements',
    '--template-file', 'infra/events/announcements.bicep',
    '--parameters', "topicId=$($env:ANNOUNCEMENT_TOPIC_ID)", "storageAccountId=$($env:STORAGE_ACCOUNT_ID)"
  )
  if (-not $accepted) {
    Stop-WithRemedy 'announcements are not kept in the queue; other subscriptions of the topic are not touched by this'
  }
}

if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
  Stop-WithRemedy 'the Azure CLI (az) is needed: https://aka.ms/install-azure-cli, then az login'
}
if ($Deployment) { Read-Outputs $Deployment }
foreach ($variable in 'AZURE_ENV_NAME', 'FUNCTION_APP_ID', 'IDENTITY_CLIENT_ID', 'STORAGE_ACCOUNT_ID', 'ACTION_GROUP_ID', 'KEY_VAULT_IDS', 'NEAR_EXPIRY_ROUTE') {
  if (-not [Environment]::GetEnvironmentVariable($variable)) {
    Stop-WithRemedy "$variable is not set: run azd provision, or name the deployment of infra/main.bicep"
  }
}

foreach ($id in $env:KEY_VAULT_IDS.Split(',')) { Connect-Vault $id }
Save-Announcements
if ($env:RESOURCE_EVENT_GROUPS) { foreach ($id in $env:RESOURCE_EVENT_GROUPS.Split(',')) { Watch-Changes $id } }
