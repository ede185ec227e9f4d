#!/bin/sh
# Makes the app registration for the sign-in in front of the HTTP routes, with three app roles: Rekey.Read,
# Rekey.Rotate, Rekey.Revoke (scripts/app-roles.json). Prints what switches the sign-in on.
#
#   infra/scripts/sign-in.sh [display name] [address of the app]      (default: Rekey, and no address)
#
# Who may run it: an Application Administrator, signed in with `az login`. No client secret is made: callers bring a token
# of their own. Only people and apps that have one of the roles get a token at all. The page needs the address (FUNCTION_APP_URL of the
# outputs), which is known after the first deployment: run it again then. Idempotent.
set -eu

cd "$(dirname "$0")"
name=${1:-Rekey}
address=${2:-}

client=$(az ad app list --filter "displayName eq '$name'" --query '[0].appId' --output tsv)
if [ -z "$client" ]; then
  client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
az ad app update --id "$client" --identifier-uris "api://$client" --app-roles @app-roles.json --output none

# People get their token through the Azure CLI: it is let through without asking them. The scope must exist by then, so
# there are two steps.
object=$(az ad app show --id "$client" --query id --output tsv)
graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
for body in app-scope.json app-callers.json; do
  az rest --method patch --url "${graph%/}/v1.0/applications/$object" \
    --headers Content-Type=application/json --body "@$body" --output none
done

# Without a client secret App Service takes the ID token that Entra sends to its callback. Other addresses stay.
if [ -n "$address" ]; then
  callback="${address%/}/.auth/login/aad/callback"
  present=$(az ad app show --id "$client" --query web.redirectUris --output tsv)
  others=$(printf '%s\n' "$present" | grep -vFx "$callback" || true)
  # shellcheck disable=SC2086 # one word each: an address has no spaces
  az ad app update --id "$client" --enable-id-token-issuance true --web-redirect-uris $others "$callback" --output none
fi

if [ -z "$(az ad sp list --filter "appId eq '$client'" --query '[0].id' --output tsv)" ]; then
  az ad sp create --id "$client" --output none
fi
az ad sp update --id "$client" --set appRoleAssignmentRequired=true --output none

echo "Switch it on:    azd env set SIGN_IN_CLIENT_ID $client && azd provision"
if [ -z "$address" ]; then
  echo "For the page:    run this again after the first deployment: infra/scripts/sign-in.sh '$name' <FUNCTION_APP_URL of its outputs>"
fi
echo "Assign roles:    Entra admin center > Enterprise applications > $name > Users and groups"
echo "Call:            curl -H \"Authorization: Bearer \$(az account get-access-token --scope api://$client/.default --query accessToken -o tsv)\" https://.../api/targets"
