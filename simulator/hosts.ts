// Which of Azure's host names belong to which service, in all three clouds. The preload uses this file, so it imports
// nothing.
// A name that starts with a dot covers every host below it, at any depth (Event Grid's topics are two labels deep).

export type HostGroup =
  | 'resource-manager'
  | 'login'
  | 'graph'
  | 'key-vault'
  | 'event-grid'
  | 'iot-hub'
  | 'cognitive-services'
  | 'communication-services'
  | 'log-ingestion'
  | 'telemetry'
  | 'managed-identity'

/** Host names by service. `managed-identity` is the exception: plain HTTP on loopback, never redirected. */
export const azureHosts: Readonly<Record<Exclude<HostGroup, 'managed-identity'>, readonly string[]>> = {
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
  'iot-hub': ['.azure-devices.net', '.azure-devices.us', '.azure-devices.cn'],
  'cognitive-services': [
    '.cognitiveservices.azure.com',
    '.openai.azure.com',
    '.services.ai.azure.com',
    // Regional hosts, and the one without a region.
    'api.cognitive.microsoft.com',
    '.api.cognitive.microsoft.com',
    '.cognitive.microsofttranslator.com',
    '.cognitiveservices.azure.us',
    '.api.cognitive.microsoft.us',
    '.cognitiveservices.azure.cn',
    '.api.cognitive.azure.cn',
  ],
  'communication-services': ['.communication.azure.com', '.communication.azure.us'],
  'log-ingestion': ['.ods.opinsights.azure.com', '.ods.opinsights.azure.us', '.ods.opinsights.azure.cn'],
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
for (const [group, names] of Object.entries(azureHosts) as [HostGroup, readonly string[]][]) {
  for (const name of names) {
    if (name.startsWith('.')) suffixes.push({ suffix: name, group })
    else exact.set(name, group)
  }
}

/** The service a host name belongs to; undefined: not a known Azure host. */
export function hostGroup(host: string): HostGroup | undefined {
  const name = host.toLowerCase()
  if (isLoopback(name)) return 'managed-identity'
  return exact.get(name) ?? suffixes.find(({ suffix }) => name.endsWith(suffix))?.group
}

/** Whether a host name is this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '[::1]' || /^127\./.test(name)
  )
}
