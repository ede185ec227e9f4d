// Where the app is: REKEY_URL or --url. Keys and tokens go there and nowhere else.

import { asUsage, type Ended } from './ended.ts'

/** The address without a slash at its end, such as `https://app.azurewebsites.net`. Throws Ended for one that keys may not be sent to. */
export function appAddress(option: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const [text, name] = option === undefined ? [env['REKEY_URL']?.trim(), 'REKEY_URL'] : [option.trim(), '--url']
  if (text === undefined || text === '') {
    throw asUsage(
      'it is not known where the app is',
      'Set REKEY_URL to its address, https://<FUNCTION_APP_NAME>.azurewebsites.net, or give --url. `npm start` prints the address of the local one.',
    )
  }
  if (!URL.canParse(text)) throw asUsage(`${name} is not an address`, 'Write it with its scheme: https://…')
  const url = new URL(text)
  if (url.searchParams.has('code') || url.username !== '' || url.password !== '') throw asKeyIn(name)
  if (url.search !== '' || url.hash !== '')
    throw asUsage(`${name} has a ? or a #`, 'Give the address of the app alone.')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw asUsage(
      `${name} does not begin with https://`,
      'Keys and tokens are sent over https, or to this machine itself (http://127.0.0.1:<port>).',
    )
  }
  // People copy the address of a route.
  return `${url.origin}${url.pathname.replace(/(\/api(\/.*)?)?\/*$/, '')}`
}

/** Whether an address of an answer is in the app: a key is sent there again. */
export function isWithin(address: string, link: string): boolean {
  return URL.canParse(link) && new URL(link).origin === new URL(address).origin && new URL(link).username === ''
}

function asKeyIn(name: string): Ended {
  return asUsage(
    `${name} contains a key, and a key in an address ends up in logs and histories`,
    `Give the address alone, and set the environment variable REKEY_KEY to the key.${
      name === '--url' ? ' The key was on a command line: if others can read that, renew the key.' : ''
    }`,
  )
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
