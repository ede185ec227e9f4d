// The resource group of a subscription's system topic, in a subscription that has none of ours: a topic is where its source is.

targetScope = 'subscription'

param name string
param location string
param tags object

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: name
  location: location
  tags: tags
}
