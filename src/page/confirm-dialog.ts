// Asks before a command: what it does, to what, and why the operator wants it.

import { type Child, el, fill } from './elements.ts'

export interface Question {
  readonly title: string
  readonly what: Child
  /** The label of the button that agrees. */
  readonly agree: string
  /** What must be typed first, such as the target's name. */
  readonly typed?: { readonly label: string; readonly text: string }
  readonly noteRequired?: boolean
  readonly danger?: boolean
}

/** Shows the dialog. Resolves with the note, or undefined where the operator does not agree. */
export function confirmDialog(question: Question): Promise<{ readonly note: string } | undefined> {
  const { title, what, agree, typed, noteRequired = false, danger = false } = question
  const dialog = el('dialog', { 'aria-labelledby': 'question' })
  const note = el('input', { id: 'note', maxlength: 256, autocomplete: 'off', required: noteRequired })
  const check = el('input', { id: 'typed', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' })
  const submit = el(danger ? 'button.danger' : 'button.primary', { type: 'submit' }, agree)
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel')
  const form = el(
    'form',
    el('h2', { id: 'question' }, title),
    what,
    typed && el('label', { for: 'typed' }, typed.label, check),
    el(
      'label',
      { for: 'note' },
      noteRequired ? 'Why' : 'Why (optional)',
      note,
      el('small', 'Stored beside the version and sent with the event. Never a secret.'),
    ),
    el('div.buttons', cancel, submit),
  )
  const isReady = () =>
    (typed === undefined || check.value.trim() === typed.text) && (!noteRequired || note.value.trim() !== '')
  const update = () => {
    submit.disabled = !isReady()
  }
  fill(dialog, form)
  document.body.append(dialog)
  return new Promise((resolve) => {
    let agreed = false
    form.addEventListener('input', update)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      agreed = isReady()
      if (agreed) dialog.close()
    })
    // Esc closes it, too.
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(agreed ? { note: note.value.trim() } : undefined)
    })
    update()
    dialog.showModal()
    ;(typed ? check : note).focus()
  })
}
