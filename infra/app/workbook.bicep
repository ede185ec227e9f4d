// A workbook that shows the estate: how old each key is, what is due next, what failed.

param location string
param tags object
param componentId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(componentId, 'rekey-estate')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Rekey: the estate'
    category: 'workbook'
    sourceId: componentId
    serializedData: loadTextContent('workbook.json')
  }
}
