// What the first call that needs it loads or builds: a cold start pays only for what it uses.

/** Returns what `load` returns, loaded once. A failure is not cached: the next call loads again. */
export function lazily<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let loaded: Promise<Loaded> | undefined
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
}

/** Returns what `make` returns, made once. For schemas: building them all takes longer than the first answer of a cold start. */
export function onFirstUse<Made extends object>(make: () => Made): () => Made {
  let made: Made | undefined
  return () => {
    made ??= make()
    return made
  }
}
