// Stands for the built page: scripts/build-page.ts puts the real one here when it bundles the app.

/** The document, with its style and its script. */
export const html = '<!doctype html><html lang="en"><title>Rekey</title>The page is there after npm run build.</html>'

/** The Content-Security-Policy for it. */
export const policy = "default-src 'none'"
