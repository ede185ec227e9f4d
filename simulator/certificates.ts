// A certificate authority for one run, and certificates for Azure's host names.

import { createSecureContext, type SecureContext } from 'node:tls'
import { generate } from 'selfsigned'
import { azureHosts } from './hosts.ts'

export interface CertificateAuthority {
  /** What clients must trust, PEM. */
  readonly caPem: string
  /** For most of Azure's names. */
  readonly certificate: { readonly key: string; readonly cert: string }
  /** A context for a server name; made on demand where the certificate above does not cover it. */
  contextFor(serverName: string): Promise<SecureContext>
}

const validFor = 7 * 24 * 60 * 60_000

/** A new authority with its own key, elliptic curve for speed. Nothing outlives the process, nothing is written to disk. */
export async function certificateAuthority(): Promise<CertificateAuthority> {
  const ca = await generate([{ name: 'commonName', value: 'Simulated Azure, this run only' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 60 * 60_000),
    notAfterDate: new Date(Date.now() + validFor),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const issue = async (names: readonly string[]) => {
    const leaf = await generate([{ name: 'commonName', value: names[0]! }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { key: ca.private, cert: ca.cert },
      notBeforeDate: new Date(Date.now() - 60 * 60_000),
      notAfterDate: new Date(Date.now() + validFor),
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2 as const, value })) },
      ],
    })
    return { key: leaf.private, cert: leaf.cert }
  }

  const known = azureHosts()
  const wildcards = new Set(known.map((name) => (name.startsWith('.') ? `*${name}` : name)))
  const certificate = await issue([...wildcards])
  const shared = createSecureContext(certificate)
  const contexts = new Map<string, Promise<SecureContext>>()
  return {
    caPem: ca.cert,
    certificate,
    contextFor(serverName) {
      const parent = `*${serverName.slice(Math.max(0, serverName.indexOf('.')))}`
      if (wildcards.has(serverName) || wildcards.has(parent)) return Promise.resolve(shared)
      // A wildcard covers one label; topics and ingestion endpoints lie deeper.
      const made = contexts.get(parent) ?? issue([parent]).then((leaf) => createSecureContext(leaf))
      contexts.set(parent, made)
      return made
    },
  }
}
