// Storage for one test file: the same Azurite in memory that `npm start` uses, on free ports.

export { type Azurite, startAzurite } from '../simulator/local/run-azurite.ts'
