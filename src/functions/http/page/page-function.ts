// Registers the page for operators. The only route that takes no key: there is nothing in it that needs one.

import { app } from '@azure/functions'

app.http('page', {
  methods: ['GET'],
  route: 'page',
  authLevel: 'anonymous',
  handler: async () => (await import('./show-page.ts')).showPage(process.env),
})
