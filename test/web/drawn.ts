/// <reference types="vite/client" />
// Parts of the page drawn into a tab by themselves, over views made up for them, with the page's own looks. Not a test.

import { type ComponentType, h, render } from 'preact'
import { expect, onTestFinished } from 'vitest'

import '../../web/page.css'
import { MiB } from '../../src/lib/units.ts'
import type { SellerView, ViewedAlert, ViewedSlot } from '../../web/sellerview.ts'

export const HOST = `0x${'ab'.repeat(20)}`
export const PERIOD = 20
/** In the middle of a period. */
export const NOW = 50 * PERIOD + 8

export const VIEW: SellerView = {
  host: HOST,
  time: NOW,
  periodSeconds: PERIOD,
  outOfReach: undefined,
  holds: [],
  keeping: 'kept',
  peers: [],
  spaceBytes: 64 * MiB,
  freeCollateral: 5n,
  proofSeconds: [3.2, 3, 3.1],
  provesInDevelopment: false,
  slots: [],
  ended: [],
  alerts: [],
  decisions: [],
  earnings: [],
  tokens: 7n,
  coins: 3n * 10n ** 17n,
  maxMissed: 5,
  slashPercentage: 10,
}

export const SLOT: ViewedSlot = {
  slotId: `0x${'11'.repeat(32)}`,
  requestId: `0x${'22'.repeat(32)}`,
  slotIndex: 1,
  state: 'SaleProving',
  download: undefined,
  proven: 3,
  missed: 1,
  provenIn: 49,
  why: undefined,
  collateral: 1000n,
  slotBytes: 2 * MiB,
  until: NOW + 600,
  weiPerSecond: 5n,
  filledAt: NOW - 100,
}

export const ALERT: ViewedAlert = {
  at: NOW - 3,
  code: 'sales/proof-missed',
  cause: 'A proof was missed',
  action: 'Keep the machine awake',
  atStake: 5n,
}

export interface Drawn<Props> {
  readonly place: HTMLElement
  /** Draws it anew, as the page does when something changed. */
  again(props: Props): void
  text(selector: string): string
  button(name: string): HTMLButtonElement
  field(name: string): HTMLInputElement
  /** As a person types it. @param within selector of the part of it that has the field, where several have it */
  type(name: string, value: string, within?: string): void
}

export function drawn<Props extends object>(part: ComponentType<Props>, props: Props): Drawn<Props> {
  const place = document.createElement('main')
  document.body.append(place)
  const again = (given: Props): void => render(h(part, given), place)
  again(props)
  onTestFinished(() => {
    render(null, place)
    place.remove()
  })
  const one = <E extends Element>(found: Iterable<E>, what: string): E => {
    const [first] = found
    if (first === undefined) throw new Error(`there is no ${what} in: ${place.innerText}`)
    return first
  }
  const field = (name: string): HTMLInputElement =>
    one(place.querySelectorAll<HTMLInputElement>(`[name=${name}]`), `field ${name}`)
  return {
    place,
    again,
    text: (selector) => one(place.querySelectorAll<HTMLElement>(selector), selector).innerText,
    button: (name) =>
      one(
        [...place.querySelectorAll('button')].filter((each) => each.textContent === name),
        `button ${name}`,
      ),
    field,
    type(name, value, within = '') {
      const found = one(place.querySelectorAll<HTMLInputElement>(`${within} [name=${name}]`), `field ${name}`)
      found.value = value
      found.dispatchEvent(new Event('input', { bubbles: true }))
    },
  }
}

/** Waits until the part says so somewhere. */
export async function says({ place }: Pick<Drawn<object>, 'place'>, words: string | RegExp): Promise<void> {
  await expect.poll(() => place.innerText).toMatch(words)
}

/** What Tab reaches, in its order: by name for fields, by words for the rest. */
export function reachable({ place }: Pick<Drawn<object>, 'place'>): string[] {
  const all = place.querySelectorAll<HTMLElement>('button, input, select, textarea, summary, a[href]')
  return [...all]
    .filter((each) => each.checkVisibility() && !each.matches(':disabled') && each.tabIndex >= 0)
    .map((each) => each.getAttribute('name') ?? each.innerText)
}
