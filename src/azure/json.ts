// Parses text from outside that may not be valid JSON.

/** The parsed text; undefined where it is not JSON: every schema then refuses it and names the path. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
