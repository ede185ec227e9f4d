// Whether App Service authentication (the Entra sign-in) is in front of the app, and whether callers then need no function
// key. Imported by the registration: nothing else may be imported here.

type Environment = Readonly<Record<string, string | undefined>>

/** The app setting that says for which app registration the sign-in is on; the infrastructure sets it. */
const signInSetting = 'ROTATION_SIGN_IN'

/**
 * Set by App Service when its authentication is on; only then does the platform remove `x-ms-client-principal` from what
 * callers send.
 */
export function signInIsOn(env: Environment): boolean {
  return env['WEBSITE_AUTH_ENABLED']?.toLowerCase() === 'true'
}

/**
 * Whether the host lets calls without a function key through: the platform has authenticated the caller by then, and
 * `checkRole` demands a role. Two settings must agree. The platform's variable alone could be an app setting that was made by hand, with no
 * authentication behind it: then every caller could write the header that names the roles.
 */
export function isKeyless(env: Environment): boolean {
  return signInIsOn(env) && isClientId(env[signInSetting])
}

/** Whether a text is the client id of an app registration: a GUID. */
function isClientId(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text.trim())
}
