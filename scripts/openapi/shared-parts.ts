// Parameters, headers and security schemes that many routes of the OpenAPI document share.

import { apiVersion } from '../../src/functions/http/request-rules.ts'

const text = { type: 'string' }

export const parameters = {
  ApiVersion: {
    name: 'api-version',
    in: 'query',
    description: 'The version of the API. It may be left out: the app has one version.',
    schema: { ...text, enum: [apiVersion] },
  },
  SkipToken: {
    name: 'skipToken',
    in: 'query',
    description: 'Where the page begins. It comes with `nextLink`, and means nothing to callers.',
    schema: text,
  },
  TargetName: {
    name: 'name',
    in: 'path',
    required: true,
    description: 'The name of the target, as targets.json has it. Upper and lower case count.',
    schema: { ...text, pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,62}$' },
    example: 'vision',
  },
  OperationId: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of the operation: the last part of the address in `Operation-Location`.',
    schema: { ...text, maxLength: 250 },
  },
  StatusFilter: {
    name: 'status',
    in: 'query',
    description: 'Only targets with this status, or with one of several with commas between.',
    schema: text,
    example: 'failed,overdue',
  },
  VaultFilter: {
    name: 'vault',
    in: 'query',
    description: 'Only targets with their secrets in this vault: its address.',
    schema: text,
    example: 'https://kv-contoso.vault.azure.net',
  },
  Search: {
    name: 'search',
    in: 'query',
    description: 'Only targets with this text in their name, their resource or the name of a secret.',
    schema: text,
  },
  Format: {
    name: 'format',
    in: 'query',
    description: '`csv`: as the header `Accept: text/csv` does, for those that cannot send one.',
    schema: { ...text, enum: ['json', 'csv'] },
  },
  ProviderFilter: {
    name: 'provider',
    in: 'query',
    description: 'Only what is of this provider: its id.',
    schema: text,
    example: 'storage-account',
  },
  SubscriptionFilter: {
    name: 'subscription',
    in: 'query',
    description: 'Only resources in the subscription with this id.',
    schema: { ...text, format: 'uuid' },
  },
  RepeatabilityRequestId: {
    name: 'Repeatability-Request-ID',
    in: 'header',
    description: 'A UUID for this request: sent again with the same two headers, it stays one request. Both or none.',
    schema: { ...text, format: 'uuid' },
  },
  RepeatabilityFirstSent: {
    name: 'Repeatability-First-Sent',
    in: 'header',
    description: 'When the request was first sent, as an HTTP date; five minutes ago at most.',
    schema: text,
    example: 'Tue, 01 Dec 2026 10:00:00 GMT',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`respond-async`: do not wait for the end, answer 202.',
    schema: text,
    example: 'respond-async',
  },
}

export const headers = {
  ErrorCode: {
    description: 'The code of the problem.',
    required: true,
    schema: { $ref: '#/components/schemas/ErrorCode' },
  },
  RetryAfter: {
    description: 'In how many seconds it makes sense to ask again.',
    schema: { type: 'integer', minimum: 0 },
  },
  OperationLocation: {
    description: 'The absolute address of the operation.',
    required: true,
    schema: { ...text, format: 'uri' },
  },
  Link: {
    description: 'Of CSV: the address of the next page, with `rel="next"`.',
    schema: text,
  },
  RepeatabilityResult: {
    description: 'Where the request had the headers for repeating: whether they were accepted.',
    schema: { ...text, enum: ['accepted', 'rejected'] },
  },
}

export const responses = {
  Unauthorized: {
    description:
      'The platform refuses the call, without a body: there is no valid function key; with the sign-in on, no valid token.',
  },
}

export const securitySchemes = {
  functionKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-functions-key',
    description: 'The key of the function, or a key of the host. With the sign-in on no key is needed.',
  },
  signIn: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'With the Microsoft Entra sign-in on: an access token for the app registration in front of the app, as `az account get-access-token --scope api://<client id>/.default` gives it. The caller needs one of the app roles that the route names.',
  },
}
