// Finds a key that occurs twice in an object of a JSON text: JSON.parse silently keeps the last one.

/** Strings, and what opens, closes or separates; numbers and words do not matter here. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs

/** The first key that occurs twice in its object, unescaped; undefined: none does. For texts that JSON.parse accepts. */
export function repeatedKeyIn(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of json.matchAll(tokens)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const keys = open.at(-1)
      // "note" and "no\u0074e" are one key.
      const key = JSON.parse(last) as string
      if (keys?.has(key)) return key
      keys?.add(key)
    } else last = token
  }
  return undefined
}
