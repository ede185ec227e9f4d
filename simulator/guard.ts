// Keeps the simulator from running inside Azure.

/** Throws if the environment is Azure and not a machine that runs Core Tools. */
export function refuseInAzure(environment: Readonly<Record<string, string | undefined>>): void {
  const { WEBSITE_INSTANCE_ID, WEBSITE_SITE_NAME, WEBSITE_HOSTNAME, WEBSITE_POD_NAME } = environment
  // Core Tools sets a site name too, but always with localhost as the host name.
  const local = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(WEBSITE_HOSTNAME ?? '')
  const azure = WEBSITE_INSTANCE_ID ?? WEBSITE_POD_NAME ?? (local ? undefined : WEBSITE_SITE_NAME)
  if (azure === undefined) return
  throw new Error(
    'The simulated Azure does not run in Azure: WEBSITE_INSTANCE_ID or WEBSITE_SITE_NAME is set. ' +
      'Remove the simulator preload from the app settings (NODE_OPTIONS, languageWorkers__node__arguments).',
  )
}
