// Private endpoints, each registered in its DNS zone.

param location string
param tags object
param namePrefix string
param subnetId string

@description('Objects with name, targetId (of the resource), group (of the private link) and zoneId.')
param endpoints array

resource doors 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for endpoint in endpoints: {
    name: '${namePrefix}rekey-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: { privateLinkServiceId: endpoint.targetId, groupIds: [endpoint.group] }
        }
      ]
    }
  }
]

resource registrations 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (endpoint, i) in endpoints: {
    parent: doors[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: endpoint.name, properties: { privateDnsZoneId: endpoint.zoneId } }]
    }
  }
]
