// Issues tokens: App Service's managed-identity endpoint (2019-08-01) and Entra's login.

import type { Kernel } from '../kernel.ts'
import type { Call, Operation } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof entra> {}
}

export const service: SimulatedService = {
  install: entra,
}

function entra(kernel: Kernel) {
  kernel.register([managedIdentity(kernel), ...login(kernel)])
  return {}
}

function managedIdentity(kernel: Kernel): Operation {
  return {
    operation: 'entra/managedIdentityToken',
    infrastructure: true,
    host: 'managed-identity',
    method: 'GET',
    path: '/msi/token',
    apiVersions: ['2019-08-01'],
    handle(call) {
      if (call.headers.get('x-identity-header') !== kernel.identity.header) {
        return { status: 401, body: { statusCode: 401, message: 'The X-IDENTITY-HEADER is missing or wrong.' } }
      }
      const resource = call.query.get('resource')
      if (!resource) return { status: 400, body: { statusCode: 400, message: 'resource is missing.' } }
      const client =
        call.query.get('client_id') ?? call.query.get('mi_res_id') ?? call.query.get('principal_id') ?? undefined
      const { token, expiresOnTimestamp } = kernel.identity.issue(resource, client)
      return {
        status: 200,
        body: {
          access_token: token,
          expires_on: String(Math.floor(expiresOnTimestamp / 1000)),
          resource,
          token_type: 'Bearer',
          client_id: client ?? kernel.identity.tenant,
        },
      }
    },
  }
}

function login(kernel: Kernel): Operation[] {
  const operation = (name: string, method: string, path: string, handle: Operation['handle']): Operation => ({
    operation: `entra/${name}`,
    infrastructure: true,
    host: 'login',
    method,
    path,
    handle,
  })
  return [
    operation('discovery', 'GET', '/common/discovery/instance', (call) => ({
      status: 200,
      body: {
        tenant_discovery_endpoint: `https://${call.host}/${kernel.identity.tenant}/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: call.host, preferred_cache: call.host, aliases: [call.host] }],
      },
    })),
    operation('openIdConfiguration', 'GET', '/:tenant/v2.0/.well-known/openid-configuration', (call) => ({
      status: 200,
      body: {
        issuer: `https://${call.host}/${call.params['tenant']}/v2.0`,
        authorization_endpoint: `https://${call.host}/${call.params['tenant']}/oauth2/v2.0/authorize`,
        token_endpoint: `https://${call.host}/${call.params['tenant']}/oauth2/v2.0/token`,
        jwks_uri: `https://${call.host}/${call.params['tenant']}/discovery/v2.0/keys`,
      },
    })),
    operation('token', 'POST', '/:tenant/oauth2/v2.0/token', (call) => clientCredentials(call, kernel)),
  ]
}

function clientCredentials(call: Call, kernel: Kernel) {
  const form = new URLSearchParams(call.text)
  const scope = form.get('scope')?.split(' ')[0]
  if (form.get('grant_type') !== 'client_credentials' || !scope) {
    throw call.refuse(400, 'invalid_request', 'AADSTS900144: The request body must contain grant_type and scope.')
  }
  const { token, expiresOnTimestamp } = kernel.identity.issue(scope, form.get('client_id') ?? undefined)
  const expires_in = Math.floor((expiresOnTimestamp - Date.now()) / 1000)
  return { status: 200, body: { token_type: 'Bearer', expires_in, ext_expires_in: expires_in, access_token: token } }
}
