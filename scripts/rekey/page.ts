// `rekey page`: where the page is.

import { defineCommand } from './command.ts'

export const command = defineCommand({
  summary: 'the address of the page, for a browser',
  options: {},
  examples: ['page'],
  async run({ address, output }) {
    const page = `${address()}/api/page`
    output.document({ page })
    output.text(page)
  },
})
