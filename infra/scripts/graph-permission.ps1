# Gives the app's identity the one permission of Microsoft Graph that `defender-sensor` needs.
#
#   infra/scripts/graph-permission.ps1 [principal id of the identity]     (default: IDENTITY_PRINCIPAL_ID, an output)
#
# Why a script: no Azure role covers the sensor deployment key, and Bicep cannot grant application permissions.
# Who may run it: a Privileged Role Administrator or Global Administrator, signed in with `az login`.
# What it grants: SecurityIdentitiesSensors.ReadWrite.All, an application permission. It holds for the whole tenant, for
# reading and changing Defender for Identity sensors, not the deployment key alone: Graph has no narrower one for either
# reading or regenerating the key. Leave it out unless targets.json has a defender-sensor target.
# Idempotent. To take it back: the line that it prints at the end.
param([string]$Principal = $env:IDENTITY_PRINCIPAL_ID)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
$permission = 'SecurityIdentitiesSensors.ReadWrite.All'
$graphApp = '00000003-0000-0000-c000-000000000000'

function Stop-WithRemedy([string]$Message) {
  [Console]::Error.WriteLine("graph-permission: $Message")
  exit 1
}

function Invoke-Graph([string[]]$Arguments) {
  $answer = az rest @Arguments --output json
  if ($LASTEXITCODE -ne 0) { Stop-WithRemedy 'Microsoft Graph refused; what az said is above' }
  return $answer | ConvertFrom-Json
}

if (-not $Principal) {
  Stop-WithRemedy 'name the principal id of the identity, or set IDENTITY_PRINCIPAL_ID (azd env get-values prints it)'
}
$cloud = az cloud show --output json | ConvertFrom-Json
if ($cloud.name -eq 'AzureChinaCloud') {
  Stop-WithRemedy 'Microsoft Graph in China has no Defender for Identity sensors; there is nothing to grant'
}

$graph = $cloud.endpoints.microsoftGraphResourceId.TrimEnd('/') + '/v1.0'
# Not by servicePrincipals(appId='…'): az is a batch file on Windows, and cmd stops at a parenthesis that no quotes reach.
$resource = az ad sp show --id $graphApp --query id --output tsv
if ($LASTEXITCODE -ne 0) { Stop-WithRemedy 'the service principal of Microsoft Graph cannot be read; what az said is above' }
$roles = (Invoke-Graph @('--method', 'get', '--url', "$graph/servicePrincipals/$resource/appRoles")).value
$role = ($roles | Where-Object { $_.value -eq $permission } | Select-Object -First 1).id
if (-not $role) { Stop-WithRemedy "this cloud's Microsoft Graph does not offer $permission" }

$assignments = "$graph/servicePrincipals/$Principal/appRoleAssignments"
$granted = (Invoke-Graph @('--method', 'get', '--url', $assignments)).value |
  Where-Object { $_.appRoleId -eq $role -and $_.resourceId -eq $resource } | Select-Object -First 1
if ($granted) {
  Write-Output "$Principal has $permission already."
} else {
  # From a file: az.cmd on Windows loses the quotes of a JSON argument.
  $body = New-TemporaryFile
  try {
    @{ principalId = $Principal; resourceId = $resource; appRoleId = $role } | ConvertTo-Json | Set-Content $body
    $granted = Invoke-Graph @('--method', 'post', '--url', $assignments, '--headers', 'Content-Type=application/json', '--body', "@$body")
  } finally {
    Remove-Item $body
  }
  Write-Output "Granted $permission to $Principal. The app sees it with its next token, within a day; a restart helps."
}
Write-Output "To take it back: az rest --method delete --url '$assignments/$($granted.id)'"
