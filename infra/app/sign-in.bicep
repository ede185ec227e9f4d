// Entra sign-in in front of the HTTP routes. Callers bring a bearer token of the app registration that
// infra/scripts/sign-in.sh makes; its app roles say who may read, rotate and revoke. No client secret: no user signs in
// with a browser, so none is needed.

param appName string
param clientId string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource signIn 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      // Event Grid delivers here with the host's own key, not with a token of ours.
      excludedPaths: ['/runtime/webhooks/EventGrid', '/runtime/webhooks/eventgrid']
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: { allowedAudiences: [clientId, 'api://${clientId}'] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
}
