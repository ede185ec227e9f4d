// Lets a generated SDK client call the cloud in this process, without a socket.

import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline'
import type { Cloud } from '../../../simulator/cloud.ts'

/** Client options: calls end in `cloud`, each is sent once. */
export function inProcess(cloud: Cloud): { httpClient: HttpClient; retryOptions: { maxRetries: number } } {
  const httpClient: HttpClient = {
    async sendRequest(request) {
      const answer = await cloud.fetch(
        new Request(request.url, {
          method: request.method,
          headers: request.headers.toJSON({ preserveCase: true }),
          ...(typeof request.body === 'string' ? { body: request.body } : {}),
        }),
      )
      const headers = createHttpHeaders(Object.fromEntries(answer.headers))
      return { request, status: answer.status, headers, bodyAsText: await answer.text() }
    },
  }
  return { httpClient, retryOptions: { maxRetries: 0 } }
}
