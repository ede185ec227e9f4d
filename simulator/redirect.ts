// Redirects this process's connections to Azure's host names to loopback, with certificate verification on.

import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'
import { addHosts, hostGroup, isLoopback } from './hosts.ts'

type Connect = typeof tls.connect

/**
 * From now on, TLS connections to Azure's real host names go to `port` on 127.0.0.1. They are verified under the real name, against
 * `ca` (PEM) alone. Hosts other than loopback are refused. `hosts`: names of services, where this process has not loaded them. Returns a
 * function that restores the original behaviour.
 */
export function redirectAzure({
  port,
  ca,
  hosts = [],
}: {
  port: number
  ca: string
  hosts?: readonly string[]
}): () => void {
  addHosts('redirected', hosts)
  const original = tls.connect
  const redirected = (...args: unknown[]): tls.TLSSocket => {
    const [options, listener] = normalised(args)
    const host = options.servername || options.host || 'localhost'
    if (isLoopback(options.host ?? 'localhost')) return original(options, listener)
    if (!hostGroup(host)) return refused(host) as tls.TLSSocket
    const { lookup: _lookup, socket: _socket, path: _path, ...rest } = options
    return original({ ...rest, host: '127.0.0.1', port, servername: host, ca, rejectUnauthorized: true }, listener)
  }
  tls.connect = redirected as Connect
  syncBuiltinESMExports()
  return () => {
    tls.connect = original
    syncBuiltinESMExports()
  }
}

/** The forms of tls.connect: (options), (port, host?, options?), each with a listener at the end. */
function normalised(args: readonly unknown[]): [tls.ConnectionOptions, (() => void) | undefined] {
  let options: tls.ConnectionOptions = {}
  let listener: (() => void) | undefined
  for (const argument of args) {
    if (typeof argument === 'function') listener = argument as () => void
    else if (typeof argument === 'number') options = { ...options, port: argument }
    else if (typeof argument === 'string') options = { ...options, host: argument }
    else if (typeof argument === 'object' && argument !== null) options = { ...options, ...argument }
  }
  return [options, listener]
}

function refused(host: string): net.Socket {
  const socket = new net.Socket()
  const error = new Error(
    `The simulated Azure refuses a connection to ${host}: nothing may leave this machine. If it is an Azure host, add it to the data plane of its service in simulator/services, or to simulator/hosts.ts.`,
  )
  process.nextTick(() => socket.destroy(Object.assign(error, { code: 'ESIMULATED' })))
  return socket
}
