// Commands of RESP, the protocol of Redis, over TLS: one connection for each call, whose certificate is verified.

import { Secret } from '../engine/secret.ts'
import { callLimit } from '../engine/target.ts'
import type { AzureClients, CommandRequest } from './clients.ts'
import { rebuild } from './service-error.ts'

/** Sends `bytes` to a server and returns what it says, up to `lines` lines or the end of the connection. Rejects with errors of Node's. */
export type Converse = (
  to: Pick<CommandRequest, 'host' | 'port' | 'signal'>,
  bytes: Buffer,
  lines: number,
) => Promise<string>

/** A reply to AUTH or PING is one short line. */
const longestAnswer = 4096

/** `command` of the Azure clients. `converse`: replaces the network. */
export function commandSender(converse: Converse = overTls): AzureClients['command'] {
  return async ({ host, port, commands, signal, operation }) => {
    const until = AbortSignal.any([signal, AbortSignal.timeout(callLimit)])
    const text = await converse({ host, port, signal: until }, encoded(commands), commands.length).catch(
      (error: unknown) => {
        throw rebuild(error, operation)
      },
    )
    const lines = text.split('\r\n').slice(0, -1)
    if (lines.length === 0) throw rebuild(Object.assign(new Error(), { code: 'ECONNRESET' }), operation)
    return lines
  }
}

function encoded(commands: CommandRequest['commands']): Buffer {
  const bulk = (argument: string | Secret) => {
    const value = argument instanceof Secret ? argument.reveal() : argument
    return `$${Buffer.byteLength(value)}\r\n${value}\r\n`
  }
  return Buffer.from(commands.map((words) => `*${words.length}\r\n${words.map(bulk).join('')}`).join(''))
}

const overTls: Converse = async ({ host, port, signal }, bytes, lines) => {
  const { connect } = await import('node:tls')
  signal.throwIfAborted()
  // Nothing is written before the certificate has been verified under the host's name.
  const socket = connect({ host, port, servername: host }, () => socket.write(bytes))
  const end = () => socket.destroy(new Error('the call has ended'))
  signal.addEventListener('abort', end)
  let text = ''
  try {
    for await (const chunk of socket.setEncoding('utf8')) {
      text += chunk
      if (text.split('\r\n').length > lines || text.length > longestAnswer) break
    }
  } catch (error) {
    // What was said before the connection was cut counts.
    if (!text.includes('\r\n')) throw error
  } finally {
    signal.removeEventListener('abort', end)
    socket.destroy()
  }
  return text
}
