// Pieces that several views are made of.

import { ApiError } from './api-client.ts'
import type { ShownError } from './api-shapes.ts'
import { type Child, codeLines, el, fill } from './elements.ts'
import { moment } from './moments.ts'

/** A part of a view, under a heading of its own. */
export function panel(title: string, ...content: readonly Child[]): HTMLElement {
  return el('section.panel', el('h2', title), content)
}

/** An error with what to do about it. */
export function problemBox(error: ShownError, ...more: readonly Child[]): HTMLElement {
  const { code, message, remedy } = error
  return el('div.problem', el('p', el('b', code), ' ', withMoments(message)), remedyOf(remedy), more)
}

const timeInText = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** A text of the API, with the times in it as an operator reads them. */
export function withMoments(text: string | undefined): Child {
  return text?.split(timeInText).map((part) => (timeInText.test(part) ? moment(part) : part))
}

/** A remedy; its `az` line stands apart, to be copied. */
export function remedyOf(remedy: string | undefined): Child {
  if (remedy === undefined) return undefined
  const start = remedy.search(/\baz [a-z]+ /)
  if (start < 0) return el('p.note', withMoments(remedy))
  const before = remedy.slice(0, start).trim()
  return [before !== '' && el('p.note', before), codeLines(remedy.slice(start).trim(), 'the command')]
}

/** The same of what the API refused. */
export function refusalBox(error: ApiError, ...more: readonly Child[]): HTMLElement {
  const { code, detail, remedy } = error.problem
  return problemBox({ code, message: detail, ...(remedy === undefined ? {} : { remedy }) }, ...more)
}

/**
 * Reads something and shows it in `place`; meanwhile what was there stays. Returns whether it could be read: otherwise the error is
 * shown, with a button to try again.
 */
export async function showRead<Read>(
  place: HTMLElement,
  read: () => Promise<Read>,
  show: (read: Read) => Child,
): Promise<boolean> {
  if (place.childElementCount === 0) fill(place, el('p.note', 'Reading…'))
  place.setAttribute('aria-busy', 'true')
  try {
    const content = show(await read())
    fill(place, content)
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const again = el('button', { type: 'button', onclick: () => void showRead(place, read, show) }, 'Try again')
    fill(place, refusalBox(error, el('p', again)))
    return false
  } finally {
    place.removeAttribute('aria-busy')
  }
}

/** Terms and what they are; a row without a value is left out. */
export function facts(rows: readonly (readonly [term: string, value: Child, width?: 'wide'])[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== undefined && value !== false && value !== '')
  return el(
    'dl.facts',
    shown.map(([term, value, width]) => el(width ? 'div.wide' : 'div', el('dt', term), el('dd', value))),
  )
}
