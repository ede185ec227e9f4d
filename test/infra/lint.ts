// All lint rules on the infrastructure.

import { askedProperties, deliveryNames, eventTypes, knownAlerts, metricNames } from './event-lint.ts'
import { loadedFiles, moduleFiles, moduleOutputs, moduleParameters, unusedOutputs } from './modules.ts'
import { syntax, undeclared, unused } from './name-rules.ts'
import { knownRoles, knownVersions, noKeys, noSecretOutputs, requiredProperties, tagged } from './policy.ts'
import { type Finding, projectOf, type Texts } from './project.ts'
import { knownAssignments, moduleScopes } from './scopes.ts'
import { azureYaml, forCmd, hookParameters, jsonFiles, parameterFile, scriptVariables, twins } from './wiring.ts'

const rules = [
  syntax,
  undeclared,
  unused,
  moduleFiles,
  moduleParameters,
  moduleOutputs,
  unusedOutputs,
  loadedFiles,
  knownVersions,
  knownRoles,
  noKeys,
  requiredProperties,
  tagged,
  noSecretOutputs,
  jsonFiles,
  parameterFile,
  azureYaml,
  scriptVariables,
  hookParameters,
  twins,
  forCmd,
  moduleScopes,
  knownAssignments,
  deliveryNames,
  eventTypes,
  metricNames,
  knownAlerts,
  askedProperties,
]

export function lint(texts: Texts): Finding[] {
  const project = projectOf(texts)
  return rules.flatMap((rule) => rule(project))
}
