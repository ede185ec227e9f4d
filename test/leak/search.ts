// Searches long texts for many secrets at once. One pass over the text with a rolling hash finds every fourth run of 16
// characters of every encoding of every secret. So 19 characters in a row of a secret, in any encoding, are always found.

import { formsOf } from './forms.ts'

const width = 16
const stride = 4
const bits = 26
/** 31 to the power of the width, as a 32-bit integer. */
const drop = Array.from({ length: width }).reduce<number>((power) => Math.imul(power, 31), 1)

export interface Finding {
  /** Which secret, by the name it was given; never the secret. */
  readonly secret: string
  readonly form: string
  /** What stands before it, to find the place; not the secret either. */
  readonly before: string
}

/** Finds secrets in a text: the first place of each. `secrets`: name to secret; shorter ones than 16 characters are refused. */
export function searcherFor(secrets: ReadonlyMap<string, string>): (text: string) => readonly Finding[] {
  const windows = new Map<string, { readonly secret: string; readonly form: string }>()
  const filter = new Uint8Array(2 ** (bits - 3))
  for (const [secret, value] of secrets) {
    if (value.length < width) throw new TypeError(`${secret} is too short to be searched for`)
    for (const { name, text } of formsOf(value)) {
      for (let start = 0; start + width <= text.length; start += stride) {
        const window = text.slice(start, start + width)
        if (windows.has(window)) continue
        windows.set(window, { secret, form: name })
        const place = placeOf(hashOf(window))
        filter[place >>> 3]! |= 1 << (place & 7)
      }
    }
  }

  return (text) => {
    const found = new Map<string, Finding>()
    let hash = 0
    for (let at = 0; at < text.length; at++) {
      hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
      if (at >= width) hash = (hash - Math.imul(drop, text.charCodeAt(at - width))) | 0
      const place = placeOf(hash)
      if (at < width - 1 || !(filter[place >>> 3]! & (1 << (place & 7)))) continue
      const start = at + 1 - width
      const hit = windows.get(text.slice(start, at + 1))
      if (hit === undefined || found.has(hit.secret)) continue
      found.set(hit.secret, { ...hit, before: text.slice(Math.max(0, start - 80), Math.max(0, start - width)) })
    }
    return [...found.values()]
  }
}

function hashOf(window: string): number {
  let hash = 0
  for (let at = 0; at < window.length; at++) hash = (Math.imul(hash, 31) + window.charCodeAt(at)) | 0
  return hash
}

function placeOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - bits)
}

/** Where secrets were heard that should not have been: channel, form and what stands before; never the secret. */
export function leaksIn(
  heard: Readonly<Record<string, string>>,
  secrets: ReadonlyMap<string, string>,
): readonly (Finding & { readonly channel: string })[] {
  const search = searcherFor(secrets)
  return Object.entries(heard).flatMap(([channel, text]) => search(text).map((finding) => ({ channel, ...finding })))
}
