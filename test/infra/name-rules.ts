// Lint rules about names: all are declared, all are used, and what the grammar cannot read is said.

import { decorators, functions } from './allowed.ts'
import { type BicepFile, type Node, named, walk } from './bicep.ts'
import { at, type Finding, type Project } from './project.ts'

export function syntax({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    [...walk(file.root)]
      .filter((node) => node.broken)
      .map((node) => ({ rule: 'syntax', place: at(file, node), message: `cannot be read: ${node.text.slice(0, 40)}` })),
  )
}

export function undeclared({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    usesOf(file)
      .filter(({ known }) => known === 'no')
      .map(({ node }) => ({ rule: 'undeclared', place: at(file, node), message: `${node.text} is not declared` })),
  )
}

export function unused({ files }: Project): Finding[] {
  return files.flatMap((file) => {
    const used = new Set(usesOf(file).map(({ node }) => node.text))
    const lookups = file.resources.filter(({ existing, node }) => existing && node.parent?.type !== 'object_property')
    return [...file.parameters, ...file.variables, ...lookups]
      .filter(({ name }) => !used.has(name))
      .map(({ name, node }) => ({ rule: 'unused', place: at(file, node), message: `${name} is not used` }))
  })
}

interface Use {
  readonly node: Node
  readonly known: 'yes' | 'no'
}

function usesOf(file: BicepFile): Use[] {
  const { parameters, variables, modules } = file
  const resources = file.resources.filter(({ node }) => node.parent?.type !== 'object_property')
  const top = new Set([...parameters, ...variables, ...resources, ...modules].map(({ name }) => name))
  const uses: Use[] = []
  const use = (node: Node, scope: ReadonlySet<string>) =>
    uses.push({ node, known: scope.has(node.text) ? 'yes' : 'no' })

  const visit = (node: Node, scope: ReadonlySet<string>): void => {
    const children = named(node)
    switch (node.type) {
      case 'identifier':
        use(node, node.called ? functions : scope)
        return
      case 'type':
        return
      case 'parameter_declaration':
      case 'variable_declaration':
      case 'output_declaration':
      case 'module_declaration':
        for (const child of children.slice(1)) visit(child, scope)
        return
      case 'resource_declaration': {
        const nested = [...walk(node)].filter((each) => each !== node && each.type === 'resource_declaration')
        const inner = new Set([...scope, ...nested.map((each) => named(each)[0]!.text)])
        for (const child of children.slice(1)) visit(child, inner)
        return
      }
      case 'target_scope_assignment':
        return
      case 'decorator': {
        const [name, values] = named(children[0]!)
        use(name!, decorators)
        visit(values!, scope)
        return
      }
      case 'object_property': {
        if (children[0]!.type === 'string') visit(children[0]!, scope)
        for (const child of children.slice(1)) visit(child, scope)
        if (children[0]!.type === 'resource_declaration') visit(children[0]!, scope)
        return
      }
      case 'member_expression':
      case 'resource_expression':
        visit(children[0]!, scope)
        return
      case 'lambda_expression': {
        const variables = children[0]!.type === 'identifier' ? [children[0]!] : named(children[0]!)
        visit(children[1]!, new Set([...scope, ...variables.map(({ text }) => text)]))
        return
      }
      case 'for_statement': {
        const [variables, over, body] = children
        const names = variables!.type === 'identifier' ? [variables!] : named(variables!)
        visit(over!, scope)
        visit(body!, new Set([...scope, ...names.map(({ text }) => text)]))
        return
      }
      default:
        for (const child of children) visit(child, scope)
    }
  }
  visit(file.root, top)
  return uses
}
