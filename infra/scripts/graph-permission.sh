#!/bin/sh
# Gives the app's identity the one permission of Microsoft Graph that `defender-sensor` needs.
#
#   infra/scripts/graph-permission.sh [principal id of the identity]     (default: IDENTITY_PRINCIPAL_ID, an output)
#
# Why a script: no Azure role covers the sensor deployment key, and Bicep cannot grant application permissions.
# Who may run it: a Privileged Role Administrator or Global Administrator, signed in with `az login`.
# What it grants: SecurityIdentitiesSensors.ReadWrite.All, an application permission. It holds for the whole tenant, for
# reading and changing Defender for Identity sensors, not the deployment key alone: Graph has no narrower one for either
# reading or regenerating the key. Leave it out unless targets.json has a defender-sensor target.
# Idempotent. To take it back: the line that it prints at the end.
set -eu

permission=SecurityIdentitiesSensors.ReadWrite.All
graph_app=00000003-0000-0000-c000-000000000000
principal=${1:-${IDENTITY_PRINCIPAL_ID:-}}

if [ -z "$principal" ]; then
  echo 'graph-permission: name the principal id of the identity, or set IDENTITY_PRINCIPAL_ID (azd env get-values prints it)' >&2
  exit 1
fi
if [ "$(az cloud show --query name --output tsv)" = AzureChinaCloud ]; then
  echo 'graph-permission: Microsoft Graph in China has no Defender for Identity sensors; there is nothing to grant' >&2
  exit 1
fi

graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph=${graph%/}/v1.0
resource=$(az ad sp show --id "$graph_app" --query id --output tsv)
role=$(az rest --method get --url "$graph/servicePrincipals/$resource/appRoles" \
  --query "value[?value=='$permission'].id | [0]" --output tsv)
if [ -z "$role" ]; then
  echo "graph-permission: this cloud's Microsoft Graph does not offer $permission" >&2
  exit 1
fi

granted=$(az rest --method get --url "$graph/servicePrincipals/$principal/appRoleAssignments" \
  --query "value[?appRoleId=='$role' && resourceId=='$resource'].id | [0]" --output tsv)
if [ -z "$granted" ]; then
  granted=$(az rest --method post --url "$graph/servicePrincipals/$principal/appRoleAssignments" \
    --headers Content-Type=application/json --query id --output tsv \
    --body "{\"principalId\":\"$principal\",\"resourceId\":\"$resource\",\"appRoleId\":\"$role\"}")
  echo "Granted $permission to $principal. The app sees it with its next token, within a day; a restart helps."
else
  echo "$principal has $permission already."
fi
echo "To take it back: az rest --method delete --url '$graph/servicePrincipals/$principal/appRoleAssignments/$granted'"
