// Makes elements. Text is always set as text: nothing that the API answers is ever read as HTML.

/** What an element may contain; undefined and false are left out. */
export type Child = Node | string | number | undefined | false | readonly Child[]

type Listener = (event: Event) => void
type Attribute = string | number | boolean | undefined | Listener
type Attributes = Readonly<Record<string, Attribute>>

/**
 * An element. An attribute that is undefined or false is left out, true is set without a value, `on…` adds a listener.
 * `tag` may carry classes: `td.name`.
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag | `${Tag}.${string}`,
  ...content: readonly (Child | Attributes)[]
): HTMLElementTagNameMap[Tag] {
  const [name, ...classes] = tag.split('.')
  const element = document.createElement(name as Tag)
  if (classes.length > 0) element.className = classes.join(' ')
  for (const each of content) {
    if (isAttributes(each)) setAll(element, each)
    else add(element, each)
  }
  return element
}

function isAttributes(given: Child | Attributes): given is Attributes {
  return typeof given === 'object' && !(given instanceof Node) && !Array.isArray(given)
}

function setAll(element: HTMLElement, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value))
  }
}

function add(element: Element, child: Child): void {
  if (child === undefined || child === false) return
  if (Array.isArray(child)) for (const each of child as readonly Child[]) add(element, each)
  else element.append(child instanceof Node ? child : String(child))
}

/** Replaces what an element contains. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren()
  add(element, children)
}

/** Says something to a screen reader, without moving the focus. */
export function announce(text: string): void {
  document.getElementById('live')!.textContent = text
}

/** A button that copies a text. */
export function copyButton(text: string, what: string): HTMLButtonElement {
  const button = el('button.small', { type: 'button', 'aria-label': `Copy ${what}` }, 'Copy')
  button.addEventListener('click', async () => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      // A browser may refuse: the text stands beside the button, to be selected by hand.
      () => false,
    )
    button.textContent = copied ? 'Copied' : 'Not copied'
    announce(copied ? `Copied ${what}` : `The browser did not allow copying ${what}`)
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  })
  return button
}

/** Lines to be copied, as they are typed. */
export function codeLines(text: string, what: string): HTMLElement {
  return el('div.code', el('pre', { tabindex: 0, role: 'group', 'aria-label': what }, text), copyButton(text, what))
}
