// How a reader gets in: App Service's own sign-in, or a key that only this tab knows.

import { ApiError, get, needsKey, needsSignIn, useKey } from './api-client.ts'
import { announce, el, fill } from './elements.ts'

const page = '/api/page'
const returnTo = 'rekey.returnTo'

/** Shows what is asked for before anything can be read; `done` is called when the API lets the reader in. */
export function signInView(main: HTMLElement, done: () => void, why = ''): void {
  document.title = 'Sign in · Rekey'
  fill(main, needsKey ? keyForm(done, why) : entraForm(why))
  main.querySelector<HTMLElement>('input, a')?.focus()
}

function signInLink(style: 'a' | 'a.button.primary'): HTMLElement {
  const link = el(style, { href: `/.auth/login/aad?post_login_redirect_uri=${page}` }, 'Sign in')
  // The sign-in comes back to the page without its fragment.
  link.addEventListener('click', () => sessionStorage.setItem(returnTo, location.hash))
  return link
}

function entraForm(why: string): HTMLElement {
  return el(
    'section.gate',
    el('h1', 'Sign in'),
    el('p', 'You need one of the app roles Rekey.Read, Rekey.Rotate and Rekey.Revoke.'),
    why !== '' && el('p.error', { role: 'alert' }, why),
    el('p.buttons', why !== '' && signOutLink(), signInLink('a.button.primary')),
  )
}

/** Ends the sign-in, and comes back to the page. */
export function signOutLink(): HTMLElement {
  return el('a', { href: `/.auth/logout?post_logout_redirect_uri=${page}` }, 'Sign out')
}

/** The view that was asked for before the sign-in; once. */
export function viewBeforeSignIn(): string | undefined {
  const view = sessionStorage.getItem(returnTo) ?? undefined
  sessionStorage.removeItem(returnTo)
  return view
}

function keyForm(done: () => void, why: string): HTMLElement {
  const input = el('input', {
    id: 'key',
    type: 'password',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'key-note',
  })
  const error = el('p.error', { role: 'alert' }, why)
  const submit = el('button.primary', { type: 'submit' }, 'Open')
  const form = el(
    'form.gate',
    el('h1', 'Host key'),
    el('label', { for: 'key' }, 'A host key of this function app, or its master key'),
    input,
    el(
      'p.note',
      { id: 'key-note' },
      'This key allows everything: reading, rotating and revoking. It stays in the memory of this tab: it is not stored, and it is not part of any address.',
    ),
    needsSignIn && el('p.note', 'This app wants both a key and the sign-in. ', signInLink('a'), ' first.'),
    error,
    submit,
  )
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    submit.disabled = true
    useKey(input.value.trim())
    error.textContent = await refusal()
    submit.disabled = false
    if (error.textContent === '') {
      input.value = ''
      return done()
    }
    useKey('')
    announce(error.textContent)
    input.select()
  })
  return form
}

/** Why the API does not let the reader in; empty: it does. */
async function refusal(): Promise<string> {
  try {
    await get('/api/providers')
    return ''
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.status === 401 ? 'The app refused this key.' : error.problem.detail
  }
}
