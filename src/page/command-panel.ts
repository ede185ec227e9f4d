// The commands of one target: what each does, or why it cannot be given now, before it is pressed.

import { type AllowedCommand, type CommandName, commandNames, type Target, type TargetPlan } from './api-shapes.ts'
import { commandWords, reasonText } from './command-words.ts'
import { confirmDialog } from './confirm-dialog.ts'
import { announce, type Child, el, fill } from './elements.ts'
import { carryOut, type Progress } from './follow-operation.ts'
import { dateAndTime } from './moments.ts'
import { panel, problemBox, remedyOf, withMoments } from './pieces.ts'
import { targetAddress } from './target-list.ts'

/** A command under way, and those that have ended, by target: the view may be left and come back to. */
const progressOf = new Map<string, { readonly label: string; readonly progress: Progress }>()
let redraw: () => void = () => undefined
/** The target whose command was confirmed last: its button is off meanwhile, so the focus goes to the progress. */
let focused: string | undefined

/** The commands with their buttons. `changed` is called when one has ended. */
export function commandPanel(target: Target, plan: TargetPlan, changed: () => void): HTMLElement {
  const place = el('div.progress', { tabindex: -1 })
  const buttons = el('ul.commands')
  redraw = () => {
    // Once what is drawn here is in the document.
    setTimeout(() => {
      if (focused === target.name && document.activeElement === document.body) place.focus()
    })
    const at = progressOf.get(target.name)
    const busy = at !== undefined && ['sent', 'running'].includes(at.progress.state)
    fill(place, at && progressBox(at.label, at.progress))
    fill(
      buttons,
      commandNames
        .filter((name) => !(name === 'swap' && plan.commands.swap.code === 'NotSupported'))
        .map((name) => commandRow(name, target, plan, busy, changed)),
    )
  }
  redraw()
  return panel('Commands', place, buttons)
}

function commandRow(
  name: CommandName,
  target: Target,
  plan: TargetPlan,
  busy: boolean,
  changed: () => void,
): HTMLElement {
  const permitted = plan.commands[name]
  const { label, does } = commandWords(name, target, plan)
  const why = `why-${name}`
  const press = (force: boolean) => void ask(name, target, plan, force, changed)
  const forced = name === 'rotate' && permitted.code === 'Cooling'
  return el(
    'li',
    el(
      'div.press',
      el(
        name === 'revoke' ? 'button.danger-line' : 'button',
        { type: 'button', disabled: !permitted.allowed || busy, 'aria-describedby': why, onclick: () => press(false) },
        `${label}…`,
      ),
      forced &&
        el(
          'button.small',
          { type: 'button', disabled: busy, 'aria-label': 'Rotate by force', onclick: () => press(true) },
          'Force…',
        ),
    ),
    el(
      'div',
      { id: why },
      el('p', does),
      !permitted.allowed && refusal(permitted),
      forced && el('p.note', 'By force it is rotated all the same, and the previous key stops working at once.'),
    ),
  )
}

function refusal({ code = '', message, remedy }: AllowedCommand): HTMLElement {
  return el(
    'div.refusal',
    el('p', el('b', 'Not now: '), withMoments(message ?? code)),
    // The button beside it does what the remedy says.
    code === 'Cooling' ? undefined : remedyOf(remedy),
  )
}

async function ask(
  name: CommandName,
  target: Target,
  plan: TargetPlan,
  force: boolean,
  changed: () => void,
): Promise<void> {
  const { label, does, beware } = commandWords(name, target, plan)
  const danger = name === 'revoke' || force
  const agreed = await confirmDialog({
    title: `${label} ${target.name}?`,
    what: [
      el('p', does),
      force &&
        el(
          'p.beware',
          `By force: the previous key stops working now, not on ${dateAndTime(plan.commands[name].until ?? Date.now())}.`,
        ),
      beware !== undefined && el('p.beware', beware),
    ],
    agree: `${force ? 'Force: rotate' : label} ${target.name}`,
    noteRequired: name === 'revoke',
    danger,
    ...(name === 'revoke' && { typed: { label: `Type ${target.name} to confirm`, text: target.name } }),
  })
  if (agreed === undefined) return
  focused = target.name
  const body = {
    ...(agreed.note !== '' && { note: agreed.note }),
    ...(force && { force: true }),
    ...((name === 'promote' || name === 'swap') && { from: plan.version }),
  }
  const report = (progress: Progress) => {
    progressOf.set(target.name, { label, progress })
    announce(`${label} ${target.name}: ${progressText(progress)}`)
    redraw()
  }
  report(await carryOut(`/api/targets/${encodeURIComponent(target.name)}/${name}`, body, report))
  changed()
}

/** How far a command has come, as a sentence. */
function progressText({ state, outcome, operation, error }: Progress): string {
  if (state === 'sent') return 'sent; waiting for the answer…'
  if (state === 'running') {
    const last = operation?.lastError
    return last ? `goes on; the last attempt: ${last.message ?? last.code}` : 'accepted; the queue carries it out…'
  }
  if (state === 'failed') return error?.message ?? error?.code ?? 'failed'
  if (outcome === undefined) return 'done'
  if (outcome.status === 'current') return 'done: nothing had to be changed'
  return ['done', outcome.reason && `: ${reasonText(outcome.reason)}`, outcome.slot && `; ${outcome.slot} is active`]
    .filter(Boolean)
    .join('')
}

function progressBox(label: string, progress: Progress): Child {
  if (progress.state === 'failed' && progress.error)
    return problemBox({ ...progress.error, code: `${label}: ${progress.error.code}` })
  const isOver = progress.state === 'succeeded'
  return el(
    `p.${isOver ? 'success' : 'running'}`,
    el('b', label),
    ` ${progressText(progress)}`,
    progress.operation && !isOver && [' ', el('a', { href: `#/operations/${progress.operation.id}` }, 'Operation')],
  )
}

/** The targets with a command under way, as links. */
export function commandsUnderWay(): readonly Child[] {
  return [...progressOf]
    .filter(([, { progress }]) => ['sent', 'running'].includes(progress.state))
    .map(([name, { label, progress }]) =>
      el('li', el('a', { href: targetAddress(name) }, name), ` ${label}: ${progressText(progress)}`),
    )
}
