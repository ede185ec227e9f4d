// Lint rules about where things are deployed: modules at the scope they are written for, roles on what they are for.

import { assignments } from './allowed.ts'
import { type BicepFile, type Module, type Node, named, propertiesOf, type Resource, valueAt } from './bicep.ts'
import { sourceOf, targetScopeOf } from './modules.ts'
import { at, type Finding, type Project } from './project.ts'

/** A module is deployed to the kind of scope that its file is written for: its own `targetScope`, or a resource group. */
export function moduleScopes(project: Project): Finding[] {
  return project.files.flatMap((file) =>
    file.modules.flatMap((module) => {
      const source = sourceOf(project, file, module)
      const given = givenScope(file, module)
      if (source === undefined || given === source.targetScope) return []
      const message = `${source.path} is for a ${source.targetScope}, and is deployed to a ${given}`
      return [{ rule: 'module-scope', place: at(file, module.node), message }]
    }),
  )
}

function givenScope(file: BicepFile, module: Module): string {
  const scope = propertiesOf(module.body).get('scope')
  if (scope === undefined) return targetScopeOf(file)
  if (scope.type === 'call_expression') return named(scope)[0]!.text
  const group = file.resources.find(({ name }) => name === scope.text)
  return group?.type === 'Microsoft.Resources/resourceGroups' ? 'resourceGroup' : scope.text
}

/** Each role assignment is the one that is listed: another role, or a wider place, is a decision. */
export function knownAssignments({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    file.resources
      .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
      .flatMap((resource) => {
        const [role, place] = assignments[`${file.path} ${resource.name}`] ?? []
        const made = [roleOf(resource), propertiesOf(resource.body).get('scope')?.text]
        if (made[0] === role && made[1] === place) return []
        const message = `${resource.name} gives ${made[0]} on ${made[1]}, and ${role} on ${place} is what is listed`
        return [{ rule: 'assignment', place: at(file, resource.node), message }]
      }),
  )
}

/** The last argument of `subscriptionResourceId`; the properties as written where they come from elsewhere. */
function roleOf({ body }: Resource): string | undefined {
  const id: Node | undefined = valueAt(body, 'properties.roleDefinitionId')
  if (id === undefined) return propertiesOf(body).get('properties')?.text
  return named(named(id)[1] ?? id).at(-1)?.text
}
