// `rekey swap`: primary and secondary change places at the service, where it can.

import { moveCommand } from './move-slots.ts'

export const command = moveCommand({
  verb: 'swap',
  summary: 'the active key moves to the other slot at the service, where the service can do that',
  about: 'Refused if another change has come since the version that it shows.',
  what: 'exchange primary and secondary at the service for',
  doing: 'Swapping',
})
