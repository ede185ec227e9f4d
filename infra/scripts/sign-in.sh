#!/bin/sh
# Makes the app registration for the sign-in in front of the HTTP routes, with three app roles: Rekey.Read,
# Rekey.Rotate, Rekey.Revoke (scripts/app-roles.json). Prints what switches the sign-in on.
#
#   infra/scripts/sign-in.sh [display name]      (default: Rekey)
#
# Who may run it: an Application Administrator, signed in with `az login`. No client secret is made: callers bring a token
# of their own. Only people and apps that have one of the roles get a token at all. Idempotent.
set -eu

cd "$(dirname "$0")"
name=${1:-Rekey}

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

if [ -z "$(az ad sp list --filter "appId eq '$client'" --query '[0].id' --output tsv)" ]; then
  az ad sp create --id "$client" --output none
fi
az ad sp update --id "$client" --set appRoleAssignmentRequired=true --output none

echo "Switch it on:    azd env set SIGN_IN_CLIENT_ID $client && azd provision"
echo "Assign roles:    Entra admin center > Enterprise applications > $name > Users and groups"
echo "Call:            curl -H \"Authorization: Bearer \$(az account get-access-token --scope api://$client/.default --query accessToken -o tsv)\" -H \"x-functions-key: ...\" https://.../api/targets"
