// Lint rules about events: queues and containers of events, event types, metrics, alerts, and the queries
// of alerts and workbook.

import {
  alertRules,
  deadLetterContainer,
  destinationQueues,
  eventProperties,
  keyVaultEvents,
  queueNames,
  resourceEvents,
  topicMetrics,
} from './allowed.ts'
import { literal, type Node, named, propertiesOf, walk } from './bicep.ts'
import { at, type Finding, jsonOf, type Project } from './project.ts'

/** Events, and the right to write them, go to the queues and the container that are listed. */
export function deliveryNames({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    [...walk(file.root)].flatMap((node) => {
      const [key, value] = node.type === 'object_property' ? named(node) : []
      const queues = { queueName: queueNames, destinationQueue: destinationQueues }[key?.text ?? '']
      const expected = queues === undefined ? containerOf(node, key) : queues[file.path]
      if (value === undefined || expected === undefined || value.text === expected) return []
      const message = `${key!.text} is ${value.text}, and ${expected} is what is listed`
      return [{ rule: 'delivery-name', place: at(file, node), message }]
    }),
  )
}

/** The name that a property must have if it names a container for dead letters; undefined where it does not. */
function containerOf(property: Node, key: Node | undefined): string | undefined {
  const resource = property.parent?.parent
  const looksUp =
    key?.text === 'name' && resource?.type === 'resource_declaration' && named(resource)[0]!.text === 'deadLetters'
  return key?.text === 'blobContainerName' || looksUp ? `'${deadLetterContainer}'` : undefined
}

export function eventTypes({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    [...walk(file.root)]
      .filter((node) => /^Microsoft\.(KeyVault\.(?!vaults)|Resources\.Resource)/.test(literal(node) ?? ''))
      .filter((node) => ![...keyVaultEvents, ...resourceEvents].includes(literal(node)!))
      .map((node) => ({ rule: 'event-type', place: at(file, node), message: `${node.text} is not understood` })),
  )
}

export function metricNames({ files }: Project): Finding[] {
  return propertyValues(files, 'metric')
    .filter(({ value }) => !topicMetrics.has(literal(value) ?? ''))
    .map(({ place, value }) => ({ rule: 'metric', place, message: `${value.text} is not a metric of a topic` }))
}

/** The alerts on the logs are those that are listed, each raised by as many rows as is listed. */
export function knownAlerts({ files }: Project): Finding[] {
  const file = files.find(({ path }) => path === 'infra/app/alerts.bicep')
  const rules = file?.variables.find(({ name }) => name === 'rules')
  if (file === undefined || rules === undefined) return []
  const made = named(named(rules.node)[1]!).map((rule) => {
    const [name, operator, threshold] = ['name', 'operator', 'threshold'].map((key) => propertiesOf(rule).get(key))
    return [literal(name), `${literal(operator)} ${threshold?.text}`] as const
  })
  const finding = (message: string) => ({ rule: 'alert', place: at(file, rules.node), message })
  return [
    ...made
      .filter(([name, when]) => alertRules[name ?? ''] !== when)
      .map(([name, when]) => finding(`${name} is raised by ${when}, and ${alertRules[name ?? '']} is what is listed`)),
    ...Object.keys(alertRules)
      .filter((name) => !made.some(([each]) => each === name))
      .map((name) => finding(`there is no ${name}`)),
  ]
}

/** A query asks an event for what that event has. */
export function askedProperties({ texts, files }: Project): Finding[] {
  return [...queriesOfAlerts(files), ...queriesOfWorkbook(texts)].flatMap(({ place, query }) => {
    const [, event] = /name == "([A-Z]\w+)"/.exec(query) ?? []
    return [...query.matchAll(/customDimensions\.(\w+)/g)]
      .map(([, property]) => property!)
      .filter((property) => !eventProperties[event ?? '']?.includes(property))
      .map((property) => ({ rule: 'query', place, message: `${event} has no ${property}` }))
  })
}

interface Query {
  readonly place: string
  readonly query: string
}

function queriesOfAlerts(files: Project['files']): Query[] {
  return propertyValues(files, 'query').map(({ place, value }) => ({ place, query: value.text }))
}

function queriesOfWorkbook(texts: Project['texts']): Query[] {
  const path = 'infra/app/workbook.json'
  const book = jsonOf(texts[path]) as { items?: { name: string; content: { query?: string } }[] } | undefined
  return (book?.items ?? []).flatMap(({ name, content: { query } }) =>
    query === undefined ? [] : [{ place: `${path} ${name}`, query }],
  )
}

function propertyValues(files: Project['files'], key: string): { place: string; value: Node }[] {
  return files.flatMap((file) =>
    [...walk(file.root)].flatMap((node) => {
      const [name, value] = node.type === 'object_property' ? named(node) : []
      return name?.text === key && value !== undefined ? [{ place: at(file, node), value }] : []
    }),
  )
}
