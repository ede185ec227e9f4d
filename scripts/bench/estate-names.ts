// The names of the targets of a large estate, and their places in it. Apart from the estate's making, so that measuring imports no simulator.

export const nameOf = (place: number) => `bz${String(place).padStart(7, '0')}`

export const placeOf = (name: string) => Number(name.slice(2))
