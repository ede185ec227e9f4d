// `rekey promote`: back to the previous key.

import { moveCommand } from './move-slots.ts'

export const command = moveCommand({
  verb: 'promote',
  summary: "the other slot's present key becomes the current one: a roll-back",
  about: 'No key is made. Refused if another change has come since the version that it shows.',
  what: "make the other slot's key the current one of",
  doing: 'Promoting',
})
