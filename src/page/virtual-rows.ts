// Renders only the rows of a long table that can be seen, so that ten thousand cost no more than fifty.

import { el } from './elements.ts'

export interface VirtualRows {
  /** Shows another list, from the top unless `keep`. */
  show(count: number, options?: { readonly keep: boolean }): void
  /** Scrolls to a row, and moves the focus there. */
  focus(index: number): void
  stop(): void
}

/** Rows beyond the window, above and below, so that scrolling shows no gaps. */
const spare = 12

/** Fills `body` with the rows that the window shows. All rows must be as high as the first. `make` gives the row of an index. */
export function virtualRows(body: HTMLTableSectionElement, make: (index: number) => HTMLTableRowElement): VirtualRows {
  const [above, below] = [filler(), filler()]
  let [count, first, last, height] = [0, 0, 0, 0]

  function draw(force: boolean): void {
    if (count === 0) {
      body.replaceChildren()
      return
    }
    if (height === 0) height = measure()
    const top = -body.getBoundingClientRect().top
    const from = Math.max(0, Math.min(count - 1, Math.floor(top / height) - spare))
    const to = Math.min(count, Math.ceil((top + innerHeight) / height) + spare)
    // Small movements are covered by the spare rows.
    if (!force && Math.abs(from - first) < spare / 2 && Math.abs(to - last) < spare / 2) return
    const focused = body.contains(document.activeElement) ? focusedIndex() : undefined
    ;[first, last] = [from, Math.max(to, from + 1)]
    above.style.height = `${first * height}px`
    below.style.height = `${(count - last) * height}px`
    const rows = Array.from({ length: last - first }, (_, index) => make(first + index))
    body.replaceChildren(above, ...rows, below)
    if (focused !== undefined) rows[focused - first]?.querySelector('a')?.focus({ preventScroll: true })
  }

  function measure(): number {
    const row = make(0)
    body.replaceChildren(row)
    return row.getBoundingClientRect().height || 36
  }

  function focusedIndex(): number | undefined {
    const row = document.activeElement?.closest('tr')
    return row ? Number(row.getAttribute('aria-rowindex')) - 2 : undefined
  }

  const onScroll = () => draw(false)
  const onResize = () => {
    height = 0
    draw(true)
  }
  addEventListener('scroll', onScroll, { passive: true })
  addEventListener('resize', onResize)
  return {
    show: (next, options) => {
      count = next
      if (!options?.keep) height = 0
      draw(true)
    },
    focus: (index) => {
      const top = body.getBoundingClientRect().top + scrollY + index * height
      // Below what sticks to the top.
      if (top < scrollY + 120 || top + height > scrollY + innerHeight) scrollTo({ top: top - innerHeight / 2 })
      draw(true)
      body.querySelector<HTMLElement>(`tr[aria-rowindex="${index + 2}"] a`)?.focus({ preventScroll: true })
    },
    stop: () => {
      removeEventListener('scroll', onScroll)
      removeEventListener('resize', onResize)
    },
  }
}

function filler(): HTMLTableRowElement {
  return el('tr.filler', { 'aria-hidden': 'true' })
}
