// Parses text from outside that may not be valid JSON.

/** What the text says; undefined where it is no JSON, which every schema then refuses, and says so with its path. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
