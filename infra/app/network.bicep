// The virtual network of a private installation, and the DNS zones of its private endpoints.

param name string
param location string
param tags object
param addressPrefix string

// Only the parts whose names differ between clouds and that environment() does not know.
var zoneSuffixes = {
  AzureCloud: { vault: 'vaultcore.azure.net', topic: 'eventgrid.azure.net', site: 'azurewebsites.net' }
  AzureUSGovernment: { vault: 'vaultcore.usgovcloudapi.net', topic: 'eventgrid.azure.us', site: 'azurewebsites.us' }
  AzureChinaCloud: { vault: 'vaultcore.azure.cn', topic: 'eventgrid.azure.cn', site: 'chinacloudsites.cn' }
}
var suffixes = zoneSuffixes[environment().name]
var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.${suffixes.vault}'
  'privatelink.${suffixes.topic}'
  'privatelink.${suffixes.site}'
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for zoneName in zoneNames: {
    name: zoneName
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (zoneName, i) in zoneNames: {
    parent: zones[i]
    name: 'link-${uniqueString(network.id, zoneName)}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

output appSubnetId string = network::appSubnet.id
output endpointSubnetId string = network::endpointSubnet.id
output blobZoneId string = zones[0].id
output queueZoneId string = zones[1].id
output vaultZoneId string = zones[2].id
output topicZoneId string = zones[3].id
output siteZoneId string = zones[4].id
