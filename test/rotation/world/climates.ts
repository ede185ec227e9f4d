// Room: tests of the core. The kinds of world: which service, which faults, who meddles.

import type { Climate } from './world.ts'

const two = { slots: 2, outputs: 2, probe: true, stale: true, slow: true, lingering: true, retire: true } as const

export const climates = {
  calm: { ...two, faults: 0 },
  crashes: { ...two, faults: 4 },
  'skewed clocks': { ...two, faults: 2, skew: 25_000, asks: ['fresh', 'fresh', 'promote', 'revoke'] },
  revokes: { ...two, faults: 4, asks: ['fresh', 'promote', 'revoke', 'revoke', 'force'] },
  'late effects': { ...two, faults: 4, late: true },
  zombies: { ...two, faults: 5, late: true, zombies: true },
  operators: { ...two, faults: 2, meddling: ['regenerates', 'overwrites', 'promotes by hand', 'disables'] },
  everything: {
    ...two,
    faults: 5,
    late: true,
    zombies: true,
    skew: 15_000,
    meddling: ['regenerates', 'overwrites', 'promotes by hand', 'disables'],
    asks: ['fresh', 'promote', 'revoke', 'force'],
  },
  'no probe': { ...two, probe: false, slow: false, faults: 4 },
  'ring of one': { slots: 1, outputs: 1, probe: false, stale: true, faults: 4, asks: ['fresh', 'revoke'] },
  'ring of one, everything': {
    slots: 1,
    outputs: 2,
    probe: true,
    stale: true,
    slow: true,
    lingering: true,
    faults: 4,
    late: true,
    zombies: true,
    skew: 15_000,
    meddling: ['regenerates', 'overwrites'],
    asks: ['fresh', 'revoke'],
  },
  'both keys change': { slots: 2, outputs: 2, probe: false, stale: true, lingering: true, both: true, faults: 3 },
  'guarded by an etag': {
    ...two,
    lingering: false,
    etag: true,
    faults: 4,
    late: true,
    zombies: true,
    meddling: ['swaps', 'regenerates'],
  },
  'device registry': { slots: 2, outputs: 2, probe: false, stale: true, retire: true, faults: 2, meddling: ['swaps'] },
} as const satisfies Record<string, Climate>

export type ClimateName = keyof typeof climates
