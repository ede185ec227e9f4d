// The name of every setting that the app reads: docs/reference/settings.md, the infrastructure and local.settings.sample.json
// are checked against it.

import { defaultSchedule } from './schedule-setting.ts'

export interface SettingName {
  readonly name: string
  readonly required: 'yes' | 'no'
  /** What holds when it is not set. */
  readonly default?: string
  readonly what: string
  /** The files it is found in: infra/'s Bicep, and local.settings.sample.json. docs/reference/settings.md has them all. */
  readonly in: readonly ('bicep' | 'local')[]
}

export const settingNames = [
  {
    name: 'ROTATION_TARGETS',
    required: 'no',
    default: './targets.json',
    what: 'where the targets are: a path in the app, or the https URL of a blob, read with the app’s identity',
    in: ['bicep', 'local'],
  },
  {
    name: 'ROTATION_VAULT',
    required: 'no',
    what: 'the Key Vault of targets that name none, where `defaults` in targets.json names none either',
    in: ['bicep', 'local'],
  },
  {
    name: 'ROTATION_SCHEDULE',
    required: 'no',
    default: defaultSchedule,
    what: 'when to search for what is due: NCRONTAB with six fields, seconds first, in UTC',
    in: ['bicep', 'local'],
  },
  {
    name: 'ROTATION_STOPPED',
    required: 'no',
    default: 'false',
    what: 'true stops everything that changes anything: the schedule and commands; what is queued waits',
    in: ['bicep', 'local'],
  },
  {
    name: 'ROTATION_SIGN_IN',
    required: 'no',
    what: 'client id of the app registration for the Entra sign-in; while the sign-in is on, callers then need no function key',
    in: ['bicep'],
  },
  {
    name: 'ROTATION_TOPIC',
    required: 'no',
    what: 'https endpoint of the Event Grid topic for the events; without it they are logged',
    in: ['bicep', 'local'],
  },
  {
    name: 'ROTATION_TOPIC_KEY',
    required: 'no',
    what: 'access key of the topic, where the app’s identity may not send',
    in: ['local'],
  },
  {
    name: 'ROTATION_EVENT_SCHEMA',
    required: 'no',
    default: 'CloudEvent',
    what: 'CloudEvent or EventGrid: the input schema of the topic',
    in: ['bicep', 'local'],
  },
  {
    name: 'AZURE_CLOUD',
    required: 'no',
    default: 'public',
    what: 'public, usgov or china (or AzureCloud, AzureUSGovernment, AzureChinaCloud)',
    in: ['bicep', 'local'],
  },
  {
    name: 'AZURE_CLIENT_ID',
    required: 'no',
    what: 'client id of the user-assigned identity to work as; without it the system-assigned one',
    in: ['bicep'],
  },
  {
    name: 'AzureWebJobsStorage',
    required: 'yes',
    what: 'connection string of the storage account for queue and leases; in Azure its forms below',
    in: ['local'],
  },
  {
    name: 'AzureWebJobsStorage__blobServiceUri',
    required: 'no',
    what: 'blob endpoint of that account, used with the app’s identity',
    in: ['bicep'],
  },
  {
    name: 'AzureWebJobsStorage__queueServiceUri',
    required: 'no',
    what: 'queue endpoint of that account, used with the app’s identity',
    in: ['bicep'],
  },
  {
    name: 'AzureWebJobsStorage__accountName',
    required: 'no',
    what: 'name of that account, instead of its two endpoints',
    in: [],
  },
  {
    name: 'AzureWebJobsStorage__clientId',
    required: 'no',
    what: 'client id of the user-assigned identity for that account',
    in: ['bicep'],
  },
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING',
    required: 'no',
    what: 'where telemetry goes; without it there is none',
    in: ['bicep'],
  },
  {
    name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    required: 'no',
    what: 'Authorization=AAD, with ClientId=… for a user-assigned identity',
    in: ['bicep'],
  },
] as const satisfies readonly SettingName[]

export type SettingId = (typeof settingNames)[number]['name']

/** Named like settings, and read by the deployment alone: they may be in the environment where the doctor runs. */
export const deploymentSettings = ['ROTATION_GRANTS'] as const
