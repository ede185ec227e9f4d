// ASP.NET route templates, as HTTP triggers use them: parameters, constraints, precedence.

export interface Route {
  readonly template: string
  /** Smaller goes first: literals before constrained parameters before parameters before catch-alls, left to right. */
  readonly precedence: string
  /** The parameters of a path that matches, decoded; undefined for one that does not. */
  match(path: string): Readonly<Record<string, string>> | undefined
}

type Check = (value: string) => boolean
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    pattern.test(value)

/** Constraint name → check, given its argument. */
const constraints: Readonly<Record<string, (argument: string) => Check>> = {
  alpha: () => matching(/^[a-z]*$/i),
  bool: () => matching(/^(true|false)$/i),
  int: () => matching(/^[+-]?\d{1,10}$/),
  long: () => matching(/^[+-]?\d{1,19}$/),
  decimal: () => matching(/^[+-]?\d*\.?\d+$/),
  double: () => matching(/^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i),
  float: () => matching(/^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i),
  guid: () => matching(/^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  required: () => (value) => value !== '',
  minlength: (n) => (value) => value.length >= Number(n),
  maxlength: (n) => (value) => value.length <= Number(n),
  length: (argument) => {
    const [least, most = least] = argument.split(',').map(Number)
    return (value) => value.length >= (least ?? 0) && value.length <= (most ?? 0)
  },
  min: (n) => (value) => Number(value) >= Number(n),
  max: (n) => (value) => Number(value) <= Number(n),
  range: (argument) => {
    const [least, most] = argument.split(',').map(Number)
    return (value) => Number(value) >= (least ?? 0) && Number(value) <= (most ?? 0)
  },
  regex: (pattern) => matching(new RegExp(pattern, 'i')),
}

interface Parameter {
  readonly name: string
  readonly checks: readonly Check[]
  readonly optional: boolean
  readonly catchAll: boolean
  readonly fallback?: string
}
type Segment = { readonly literal: string } | { readonly pattern: RegExp; readonly parameters: readonly Parameter[] }

/** Parses a template such as `targets/{name:minlength(1)}/history`. Throws for an unknown constraint. */
export function parseRoute(template: string): Route {
  const segments = splitSegments(template.replace(/^\/|\/$/g, '')).map(parseSegment)
  return {
    template,
    precedence: segments.map(digit).join('.'),
    match: (path) =>
      matchSegments(
        segments,
        path.split('/').filter((part) => part !== ''),
      ),
  }
}

/** Splits at slashes outside braces: a regex may contain one. */
function splitSegments(template: string): string[] {
  return template === '' ? [] : (template.match(/(?:\{(?:[^{}]|\{\{|\}\})*\}|[^/])+/g) ?? [])
}

function parseSegment(text: string): Segment {
  if (!text.includes('{')) return { literal: text }
  const parameters: Parameter[] = []
  let pattern = ''
  let rest = text
  while (rest !== '') {
    const [whole, inner] = /^\{((?:[^{}]|\{\{|\}\})*)\}/.exec(rest) ?? []
    if (whole === undefined || inner === undefined) {
      const literal = rest.split('{')[0] || rest
      pattern += literally(literal)
      rest = rest.slice(literal.length)
      continue
    }
    parameters.push(parseParameter(inner.replaceAll('{{', '{').replaceAll('}}', '}')))
    pattern += '(.*?)'
    rest = rest.slice(whole.length)
  }
  return { pattern: new RegExp(`^${pattern}$`, 'i'), parameters }
}

function parseParameter(inner: string): Parameter {
  const [, stars = '', name = '', rest = ''] = /^(\*{0,2})([^:=?*]+)(.*)$/.exec(inner) ?? []
  if (name === '') throw new Error(`{${inner}} is not a valid route parameter: it has no name.`)
  const optional = rest.endsWith('?')
  // Colons, equals signs and question marks inside a constraint's brackets belong to it.
  const parts = (optional ? rest.slice(0, -1) : rest).match(/[:=](?:\((?:\\.|[^\\)])*\)|[^:=(])*/g) ?? []
  const fallback = parts.find((part) => part.startsWith('='))?.slice(1)
  const checks = parts
    .filter((part) => part.startsWith(':'))
    .map((part) => {
      const [, id = '', argument = ''] = /^:([^(]*)(?:\((.*)\))?$/.exec(part) ?? []
      const make = constraints[id.toLowerCase()]
      if (make === undefined) throw new Error(`{${inner}}: the route constraint "${id}" does not exist.`)
      return make(argument)
    })
  return { name, checks, optional, catchAll: stars !== '', ...(fallback === undefined ? {} : { fallback }) }
}

function matchSegments(segments: readonly Segment[], parts: readonly string[]): Record<string, string> | undefined {
  const found: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    if ('literal' in segment) {
      if (parts[index]?.toLowerCase() !== segment.literal.toLowerCase()) return undefined
      continue
    }
    const [parameter] = segment.parameters
    if (parameter?.catchAll) return { ...found, [parameter.name]: parts.slice(index).map(decode).join('/') }
    const part = parts[index]
    if (part === undefined) {
      if (parameter?.fallback !== undefined) found[parameter.name] = parameter.fallback
      else if (!parameter?.optional) return undefined
      continue
    }
    const values = segment.pattern.exec(decode(part))?.slice(1)
    if (values === undefined) return undefined
    for (const [place, each] of segment.parameters.entries()) {
      const value = values[place] ?? ''
      if (value === '' || !each.checks.every((check) => check(value))) return undefined
      found[each.name] = value
    }
  }
  return parts.length > segments.length ? undefined : found
}

function digit(segment: Segment): number {
  if ('literal' in segment) return 1
  const [parameter] = segment.parameters
  const constrained = (parameter?.checks.length ?? 0) > 0
  if (parameter?.catchAll) return constrained ? 4 : 5
  return constrained || segment.parameters.length > 1 ? 2 : 3
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A stray percent sign: ASP.NET, too, then uses the text unchanged.
    return part
  }
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
