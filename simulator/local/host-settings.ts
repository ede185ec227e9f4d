// What the Functions host reads before the app runs: host.json, and `%NAME%` in bindings.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Binding } from './worker.ts'

/** The settings of host.json that this host supports. Durations in milliseconds. */
export interface HostSettings {
  readonly routePrefix: string
  readonly functionTimeout: number
  readonly queues: {
    readonly batchSize: number
    readonly newBatchThreshold: number
    readonly maxDequeueCount: number
    readonly visibilityTimeout: number
    readonly base64: boolean
  }
}

interface HostFile {
  readonly functionTimeout?: string
  readonly extensions?: {
    readonly http?: { readonly routePrefix?: string }
    readonly queues?: {
      readonly batchSize?: number
      readonly newBatchThreshold?: number
      readonly maxDequeueCount?: number
      readonly visibilityTimeout?: string
      readonly messageEncoding?: string
    }
  }
}

/** Reads `host.json` of an app; missing settings have Azure's defaults. Throws if there is no host.json. */
export function readHostSettings(directory: string): HostSettings {
  const path = join(directory, 'host.json')
  if (!existsSync(path)) throw new Error(`${directory} is not a function app: it has no host.json.`)
  const file = JSON.parse(readFileSync(path, 'utf8')) as HostFile
  const queues = file.extensions?.queues ?? {}
  const batchSize = queues.batchSize ?? 16
  return {
    routePrefix: file.extensions?.http?.routePrefix ?? 'api',
    functionTimeout: timeSpan(file.functionTimeout ?? '00:30:00'),
    queues: {
      batchSize,
      newBatchThreshold: queues.newBatchThreshold ?? Math.floor(batchSize / 2),
      maxDequeueCount: queues.maxDequeueCount ?? 5,
      visibilityTimeout: timeSpan(queues.visibilityTimeout ?? '00:00:00'),
      base64: (queues.messageEncoding ?? 'base64') === 'base64',
    },
  }
}

/** `hh:mm:ss` or `d.hh:mm:ss` in milliseconds; `-1` is no limit. */
export function timeSpan(text: string): number {
  if (text === '-1') return Number.POSITIVE_INFINITY
  const parts = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})$/.exec(text)
  if (parts === null) throw new Error(`"${text}" is not a time span: write it like 00:10:00.`)
  const [, days = '0', hours, minutes, seconds] = parts
  return ((Number(days) * 24 + Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
}

/**
 * Replaces `%NAME%` in every text of a binding by the app setting of that name. Throws, naming the setting, where there
 * is none: Azure, too, leaves out a function that cannot be resolved, and starts the others.
 */
export function resolveBinding(binding: Binding, env: NodeJS.ProcessEnv): Binding {
  const resolve = (text: string): string =>
    text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
      const value = env[name]
      if (value === undefined) throw new Error(`'%${name}%' does not resolve to a value.`)
      return value
    })
  return Object.fromEntries(
    Object.entries(binding).map(([property, value]) => [property, typeof value === 'string' ? resolve(value) : value]),
  ) as unknown as Binding
}
