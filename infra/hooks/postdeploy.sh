#!/bin/sh
# The second step on Linux and macOS: subscribes Rekey to the near-expiry events of each vault, and a storage queue to
# Rekey's announcements.
# azd runs it after each deployment. Without azd: infra/hooks/postdeploy.sh <name of the deployment of main.bicep>
# Idempotent, and without keys. A vault has at most one system topic: an existing one is used, whether ours or not.
set -eu

cd "$(dirname "$0")/../.."

fail() {
  echo "postdeploy: $1" >&2
  exit 1
}

lower() {
  printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

# The outputs of a deployment as variables, as azd would have set them. Resource Manager changes the case of their names.
read_outputs() {
  names=$(az deployment sub show --name "$1" --query 'keys(properties.outputs)' --output tsv)
  for name in $names; do
    value=$(az deployment sub show --name "$1" --query "properties.outputs.\"$name\".value" --output tsv)
    variable=$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
    export "$variable=$value"
  done
  AZURE_ENV_NAME=${AZURE_ENV_NAME:-${AZURE_RESOURCE_GROUP#rg-}}
}

# Prints name, group, principal id and environment of the vault's system topic; nothing if it has none.
find_topic() {
  listed=$(az eventgrid system-topic list --subscription "$1" \
    --query "[].[source, name, resourceGroup, identity.principalId, tags.\"azd-env-name\"]" --output tsv)
  printf '%s\n' "$listed" |
    while IFS="$(printf '\t')" read -r source name group principal environment; do
      if [ "$(lower "$source")" = "$(lower "$2")" ]; then
        printf '%s %s %s %s\n' "$name" "$group" "${principal:-None}" "${environment:-None}"
        break
      fi
    done
}

# New role assignments and a new function take some time to become visible everywhere.
deploy() {
  for wait in 30 60 0; do
    if az deployment group create "$@" --output none; then return 0; fi
    if [ "$wait" -gt 0 ]; then
      echo "postdeploy: not accepted yet; trying again in $wait seconds" >&2
      sleep "$wait"
    fi
  done
  return 1
}

wire() {
  vault_id=$1
  subscription=$(printf '%s' "$vault_id" | cut -d/ -f3)
  vault=$(printf '%s' "$vault_id" | cut -d/ -f9)
  location=$(az resource show --ids "$vault_id" --query location --output tsv)
  topics=$(find_topic "$subscription" "$vault_id")

  own=true
  principal=''
  if [ -z "$topics" ]; then
    topic="evgt-rekey-$vault"
    group=$(printf '%s' "$vault_id" | cut -d/ -f5)
  else
    topic=$(printf '%s' "$topics" | cut -d' ' -f1)
    group=$(printf '%s' "$topics" | cut -d' ' -f2)
    principal=$(printf '%s' "$topics" | cut -d' ' -f3)
    if [ "$(printf '%s' "$topics" | cut -d' ' -f4)" != "$AZURE_ENV_NAME" ]; then own=false; fi
    if [ "$principal" = None ]; then principal=''; fi
    if [ "$own" = true ]; then principal=''; fi
  fi

  if [ "$own" = false ] && [ -z "$principal" ]; then
    identity="az eventgrid system-topic update --subscription $subscription --resource-group $group --name $topic --identity systemassigned"
    if [ "$NEAR_EXPIRY_ROUTE" = queue ]; then
      fail "system topic $topic has no identity to write to the queue with. Give it one, then deploy again: $identity"
    fi
    echo "postdeploy: system topic $topic has no identity, so events that cannot be delivered are dropped. To keep them: $identity" >&2
  fi

  echo "postdeploy: $vault -> $NEAR_EXPIRY_ROUTE, by system topic $topic in $group"
  deploy --subscription "$subscription" --resource-group "$group" --name "rekey-near-expiry-$vault" \
    --template-file infra/events/near-expiry.bicep \
    --parameters "vaultId=$vault_id" "location=$location" "systemTopicName=$topic" "ownTopic=$own" \
    "foreignPrincipalId=$principal" "route=$NEAR_EXPIRY_ROUTE" "functionAppId=$FUNCTION_APP_ID" \
    "storageAccountId=$STORAGE_ACCOUNT_ID" "actionGroupId=$ACTION_GROUP_ID" "environmentName=$AZURE_ENV_NAME" ||
    fail "the events of $vault are not wired up. Rotation goes on by the schedule; run this again when the cause above is gone"
}

keep_announcements() {
  if [ -z "${ANNOUNCEMENT_TOPIC_ID:-}" ]; then return 0; fi
  echo 'postdeploy: announcements -> queue rekey-announcements too'
  deploy --subscription "$(printf '%s' "$ANNOUNCEMENT_TOPIC_ID" | cut -d/ -f3)" \
    --resource-group "$(printf '%s' "$ANNOUNCEMENT_TOPIC_ID" | cut -d/ -f5)" --name rekey-announcements \
    --template-file infra/events/announcements.bicep \
    --parameters "topicId=$ANNOUNCEMENT_TOPIC_ID" "storageAccountId=$STORAGE_ACCOUNT_ID" ||
    fail 'announcements are not kept in the queue; other subscriptions of the topic are not touched by this'
}

command -v az >/dev/null || fail 'the Azure CLI (az) is needed: https://aka.ms/install-azure-cli, then az login'
if [ $# -gt 0 ]; then read_outputs "$1"; fi
for variable in AZURE_ENV_NAME FUNCTION_APP_ID STORAGE_ACCOUNT_ID ACTION_GROUP_ID KEY_VAULT_IDS NEAR_EXPIRY_ROUTE; do
  eval "value=\${$variable:-}"
  # shellcheck disable=SC2154 # eval sets it
  [ -n "$value" ] || fail "$variable is not set: run azd provision, or name the deployment of infra/main.bicep"
done

vaults=$(printf '%s' "$KEY_VAULT_IDS" | tr ',' ' ')
for id in $vaults; do wire "$id"; done
keep_announcements
