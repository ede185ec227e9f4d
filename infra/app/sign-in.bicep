// Entra sign-in in front of the HTTP routes. Callers bring a bearer token of the app registration that
// infra/scripts/sign-in.sh makes; its app roles say who may read, rotate and revoke. A browser that opens the page signs in
// here, too: without a client secret App Service uses the implicit flow, and an ID token is all that the roles need.

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
      // Event Grid delivers with the host's own key, not with a token of ours. The page is static, without data of its own:
      // it offers the sign-in, instead of an empty 401.
      excludedPaths: ['/runtime/webhooks/EventGrid', '/runtime/webhooks/eventgrid', '/api/page']
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
