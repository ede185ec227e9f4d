// The supported clouds (public, US Government, China): host names and token scopes.

export type CloudName = 'public' | 'usgov' | 'china'

export interface Cloud {
  readonly name: CloudName
  /** `https://management.azure.com` */
  readonly resourceManager: string
  /** `https://login.microsoftonline.com` */
  readonly authority: string
  readonly graph: string
  /** Suffixes of host names, without a leading dot. */
  readonly vaultSuffix: string
  readonly topicSuffix: string
  readonly storageSuffix: string
  /** Of storage accounts with a DNS zone endpoint. Absent: none is documented for this cloud. */
  readonly storageZoneSuffix?: string
  /** Of the telemetry ingestion hosts, and of its live view. */
  readonly telemetrySuffixes: readonly string[]
}

export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    name: 'public',
    resourceManager: 'https://management.azure.com',
    authority: 'https://login.microsoftonline.com',
    graph: 'https://graph.microsoft.com',
    vaultSuffix: 'vault.azure.net',
    topicSuffix: 'eventgrid.azure.net',
    storageSuffix: 'core.windows.net',
    storageZoneSuffix: 'storage.azure.net',
    telemetrySuffixes: ['applicationinsights.azure.com', 'monitor.azure.com', 'services.visualstudio.com'],
  },
  usgov: {
    name: 'usgov',
    resourceManager: 'https://management.usgovcloudapi.net',
    authority: 'https://login.microsoftonline.us',
    graph: 'https://graph.microsoft.us',
    vaultSuffix: 'vault.usgovcloudapi.net',
    topicSuffix: 'eventgrid.azure.us',
    storageSuffix: 'core.usgovcloudapi.net',
    telemetrySuffixes: ['applicationinsights.azure.us', 'monitor.azure.us', 'applicationinsights.us'],
  },
  china: {
    name: 'china',
    resourceManager: 'https://management.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    vaultSuffix: 'vault.azure.cn',
    topicSuffix: 'eventgrid.azure.cn',
    storageSuffix: 'core.chinacloudapi.cn',
    telemetrySuffixes: ['applicationinsights.azure.cn', 'monitor.azure.cn'],
  },
}
