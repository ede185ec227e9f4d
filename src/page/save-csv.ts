// The history as a CSV file, for an audit: of one target, or of all.

import { ApiError, getCsv, pathIn } from './api-client.ts'
import { announce, el, fill } from './elements.ts'
import { refusalBox } from './pieces.ts'

/** A button that reads this history to its end and saves it under this name; an error shows beside it. */
export function saveCsvButton(path: string, fileName: string): HTMLElement {
  const problem = el('div')
  const button = el('button', { type: 'button' }, 'Save as CSV')
  button.addEventListener('click', async () => {
    button.disabled = true
    fill(problem)
    announce('Reading the history')
    try {
      save(await wholeHistory(path), fileName)
      announce(`Saved ${fileName}`)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      fill(problem, refusalBox(error))
    } finally {
      button.disabled = false
    }
  })
  return el('div.stack', el('p', button), problem)
}

/** The pages of a history as one text: the line with the names of the columns comes once. */
async function wholeHistory(path: string): Promise<string> {
  let whole = ''
  for (let next: string | undefined = path; next !== undefined; ) {
    const { text, nextLink } = await getCsv(next)
    whole += whole === '' ? text : text.slice(text.indexOf('\r\n') + 2)
    next = nextLink === undefined ? undefined : pathIn(nextLink)
  }
  return whole
}

function save(text: string, fileName: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  el('a', { href: address, download: fileName }).click()
  URL.revokeObjectURL(address)
}
