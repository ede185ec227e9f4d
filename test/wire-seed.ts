// The seed of the wire faults in the suites that run over the simulated Azure.

/** Given by REKEY_SEED, else 1. Printed once for each test file, so that a failure can be repeated. */
export const wireSeed = Number(process.env['REKEY_SEED'] ?? 1)

console.log(`REKEY_SEED=${wireSeed}: the wire's faults of this file`)

/** A seed of its own for each history, made of its name and the wire's seed. */
export function seedOf(history: string): number {
  let hash = wireSeed
  for (const character of history) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0
  return hash >>> 0
}
