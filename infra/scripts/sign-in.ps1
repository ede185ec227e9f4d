# Makes the app registration for the sign-in in front of the HTTP routes, with three app roles: Rekey.Read,
# Rekey.Rotate, Rekey.Revoke (scripts/app-roles.json). Prints what switches the sign-in on.
#
#   infra/scripts/sign-in.ps1 [display name] [address of the app]      (default: Rekey, and no address)
#
# Who may run it: an Application Administrator, signed in with `az login`. No client secret is made: callers bring a token
# of their own. Only people and apps that have one of the roles get a token at all. The page needs the address (FUNCTION_APP_URL of the
# outputs), which is known after the first deployment: run it again then. Idempotent.
param([string]$Name = 'Rekey', [string]$Address = '')

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
Set-Location $PSScriptRoot

function Assert-Azure([string]$What) {
  if ($LASTEXITCODE -ne 0) {
    [Console]::Error.WriteLine("sign-in: not done: $What")
    exit 1
  }
}

$client = az ad app list --filter "displayName eq '$Name'" --query '[0].appId' --output tsv
Assert-Azure 'list app registrations'
if (-not $client) {
  $client = az ad app create --display-name $Name --sign-in-audience AzureADMyOrg --query appId --output tsv
  Assert-Azure 'create the app registration'
}
az ad app update --id $client --identifier-uris "api://$client" --app-roles '@app-roles.json' --output none
Assert-Azure 'set the app roles'

# People get their token through the Azure CLI: it is let through without asking them. The scope must exist by then, so
# there are two steps. By the object's id, not by applications(appId='…'): az is a batch file on Windows, and cmd stops at a
# parenthesis that no quotes reach.
$object = az ad app show --id $client --query id --output tsv
Assert-Azure 'read the app registration'
$graph = (az cloud show --query endpoints.microsoftGraphResourceId --output tsv).TrimEnd('/')
foreach ($body in 'app-scope.json', 'app-callers.json') {
  az rest --method patch --url "$graph/v1.0/applications/$object" --headers Content-Type=application/json --body "@$body" --output none
  Assert-Azure "apply $body"
}

# Without a client secret App Service takes the ID token that Entra sends to its callback. Other addresses stay.
if ($Address) {
  $callback = $Address.TrimEnd('/') + '/.auth/login/aad/callback'
  $redirects = @(az ad app show --id $client --query web.redirectUris --output tsv | Where-Object { $_ -and $_ -ne $callback }) + $callback
  Assert-Azure 'read the redirect addresses'
  az ad app update --id $client --enable-id-token-issuance true --web-redirect-uris $redirects --output none
  Assert-Azure 'set the redirect addresses'
}

$servicePrincipal = az ad sp list --filter "appId eq '$client'" --query '[0].id' --output tsv
Assert-Azure 'list service principals'
if (-not $servicePrincipal) {
  az ad sp create --id $client --output none
  Assert-Azure 'create the service principal'
}
az ad sp update --id $client --set appRoleAssignmentRequired=true --output none
Assert-Azure 'require an assignment'

Write-Output "Switch it on:    azd env set SIGN_IN_CLIENT_ID $client; azd provision"
if (-not $Address) {
  Write-Output "For the page:    run this again after the first deployment: infra/scripts/sign-in.ps1 '$Name' <FUNCTION_APP_URL of its outputs>"
}
Write-Output "Assign roles:    Entra admin center > Enterprise applications > $Name > Users and groups"
Write-Output "Call:            Invoke-RestMethod https://.../api/targets -Headers @{ Authorization = `"Bearer `$(az account get-access-token --scope api://$client/.default --query accessToken -o tsv)`" }"
