// Which of Azure's host names belong to which service, in all three clouds. What every app needs is listed here; services with
// keys add their data planes when they are loaded. The preload uses this file, so it imports nothing.
// A name that starts with a dot covers every host below it, at any depth (Event Grid's topics are two labels deep).

/** `resource-manager`, `login`, …, or the data plane of a service with keys. */
export type HostGroup = string

/** Plain HTTP on loopback, never redirected: not among the names. */
const loopbackGroup: HostGroup = 'managed-identity'

const ofThePlatform: Readonly<Record<HostGroup, readonly string[]>> = {
  'resource-manager': ['management.azure.com', 'management.usgovcloudapi.net', 'management.chinacloudapi.cn'],
  login: [
    'login.microsoftonline.com',
    'login.windows.net',
    'login.microsoft.com',
    'login.microsoftonline.us',
    'login.chinacloudapi.cn',
    'login.partner.microsoftonline.cn',
  ],
  graph: ['graph.microsoft.com', 'graph.microsoft.us', 'dod-graph.microsoft.us', 'microsoftgraph.chinacloudapi.cn'],
  'key-vault': ['.vault.azure.net', '.vault.usgovcloudapi.net', '.vault.azure.cn'],
  'event-grid': ['.eventgrid.azure.net', '.eventgrid.azure.us', '.eventgrid.azure.cn'],
  telemetry: [
    '.applicationinsights.azure.com',
    '.applicationinsights.azure.us',
    '.applicationinsights.azure.cn',
    '.livediagnostics.monitor.azure.com',
    '.monitor.azure.com',
    'dc.services.visualstudio.com',
    'rt.services.visualstudio.com',
  ],
}

const exact = new Map<string, HostGroup>()
const suffixes: { suffix: string; group: HostGroup }[] = []
for (const [group, names] of Object.entries(ofThePlatform)) addHosts(group, names)

/** Adds the names of a group. The first group to name a host has it; services that share a group may each name it. */
export function addHosts(group: HostGroup, names: readonly string[]): void {
  for (const name of names) {
    if (exact.has(name) || suffixes.some(({ suffix }) => suffix === name)) continue
    if (name.startsWith('.')) suffixes.push({ suffix: name, group })
    else exact.set(name, group)
  }
}

/** Every name, as it was added. */
export function azureHosts(): readonly string[] {
  return [...exact.keys(), ...suffixes.map(({ suffix }) => suffix)]
}

/** The service a host name belongs to; undefined: not a known Azure host. */
export function hostGroup(host: string): HostGroup | undefined {
  const name = host.toLowerCase()
  if (isLoopback(name)) return loopbackGroup
  return exact.get(name) ?? suffixes.find(({ suffix }) => name.endsWith(suffix))?.group
}

/** Whether a host name is this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '[::1]' || /^127\./.test(name)
  )
}
