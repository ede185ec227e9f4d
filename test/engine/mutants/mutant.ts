// The shape of a deliberate defect, and how it is made.

/** In a file below `src/`, `from` becomes `to`. `from` must occur exactly once, or the row has to be written anew. */
export type Edit = readonly [file: string, from: string, to: string]

export interface Mutant {
  readonly id: string
  readonly what: string
  readonly edits: readonly Edit[]
  /** Why the world cannot notice it, and which unit test does. */
  readonly exempt?: { readonly why: string; readonly test: string }
}

/** The text with one edit made. Throws where `from` does not occur exactly once. */
export function edited(text: string, [file, from, to]: Edit, id: string): string {
  const count = text.split(from).length - 1
  if (count !== 1) throw new Error(`defect ${id}: in src/${file} this occurs ${count} times, not once: ${from}`)
  // A function, because `to` may hold what `replace` takes for a pattern.
  return text.replace(from, () => to)
}
