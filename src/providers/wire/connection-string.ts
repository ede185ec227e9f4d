// Connection strings: `Name=value;Name=value`, or with commas as StackExchange.Redis has them; names without case, values with `=` in them (keys are base64).

import type { Credential } from '../../engine/key-ring.ts'
import { Secret } from '../../engine/secret.ts'

/** The value of one field, or undefined where it is missing or empty. */
export function fieldOf(connectionString: Secret, field: string): Secret | undefined {
  const found = connectionString
    .reveal()
    .split(/[;,]/)
    .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const)
    .find(([name]) => name.trim().toLowerCase() === field.toLowerCase())?.[1]
  return found === undefined || found === '' ? undefined : Secret.of(found)
}

/** The connection string with another value in one field, which it must have. */
export function withField(connectionString: Secret, field: string, value: string): Secret {
  return connectionString.map((text) =>
    text
      .split(';')
      .map((part) => (part.toLowerCase().startsWith(`${field.toLowerCase()}=`) ? `${field}=${value}` : part))
      .join(';'),
  )
}

/** A field that is no secret: an address, or the id of a key. */
export function addressIn(connectionString: Secret, field: string): string | undefined {
  return fieldOf(connectionString, field)?.reveal()
}

/** A credential's key: its own output, or the field of a connection string. Undefined where it has neither. */
export function keyIn(credential: Credential, field: string): Secret | undefined {
  const { key, ...others } = credential
  return (
    key ??
    Object.values(others)
      .map((output) => fieldOf(output, field))
      .find((found) => found !== undefined)
  )
}
