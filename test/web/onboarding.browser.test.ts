// The three steps as a person meets them, over a node made up for them: a key is shown and can be saved before it is left, a failed word loses nothing, and a browser
// whose slots wait says so.

import { signal } from '@preact/signals'
import { beforeEach, expect, test } from 'vitest'

import { Onboarding } from '../../web/onboarding.tsx'
import type { Session } from '../../web/session.ts'
import { type Drawn, drawn, HOST, says } from './drawn.ts'

const KEYSTORE = `{"address":"${HOST.slice(2)}","version":3}`
const PASSWORD = 'open sesame'
const NETWORK = {
  ...{ ethProvider: 'https://chain.example/', marketplace: '', rewardRecipient: '' },
  ...{ bridges: ['/dns4/bridge.example/tcp/443/wss/p2p/16Uiu'], circuit: 'https://files.example/' },
}

beforeEach(() => localStorage.clear())

/** @param kept the keystore of an earlier day */
function around(kept?: string) {
  let keystore = kept
  const sold: unknown[] = []
  const key = { address: HOST }
  const keys = {
    generate: () => key,
    lock: async () => KEYSTORE,
    async unlock(_: string, password: string) {
      if (password !== PASSWORD) throw new Error('wrong password')
      return key
    },
    place: () => ({ read: async () => keystore, write: async (text: string) => void (keystore = text) }),
  }
  const held = `2 slots of ${HOST} on chain 1 at marketplace 0x12`
  const room = { openKeys: async () => keys, soldHere: async () => ({ held, offeredBytes: 0 }) }
  const session = {
    closing: new AbortController().signal,
    running: { room, node: {} },
    state: { space: signal(undefined) },
  } as unknown as Session
  return { part: drawn(Onboarding, { session, sell: (plan) => sold.push(plan) }), sold }
}

/** As Enter does in a field: what was focused stays so. */
function submit({ place }: Drawn<object>): void {
  place.querySelector('form')?.requestSubmit()
}

test('a key that was made is shown with a copy to save, and left on purpose; the next step has the focus then', async () => {
  const { part } = around()
  await says(part, 'A new key, kept in this browser')
  part.field('password').focus()
  part.type('password', 'short')
  part.type('again', 'short')
  submit(part)
  await says(part, 'at least 8 characters')
  // Nothing typed is lost by it, nor the place.
  expect([part.field('password').value, document.activeElement]).toEqual(['short', part.field('password')])
  part.type('password', PASSWORD)
  part.type('again', PASSWORD)
  submit(part)
  await says(part, HOST)
  const saved: string[] = []
  const { click } = HTMLAnchorElement.prototype
  HTMLAnchorElement.prototype.click = function () {
    saved.push(this.download)
  }
  part.button('Save a copy, encrypted').click()
  HTMLAnchorElement.prototype.click = click
  expect(saved).toEqual(['codex-light-abababab.json'])
  part.button('Go on').click()
  await expect.poll(() => document.activeElement?.textContent).toBe('The network')
})

test('a browser that sold and whose key is locked says so in its title, shows a copy to save, and before it is set up anew what it holds', async () => {
  localStorage.setItem('codex-light/sells', 'yes')
  localStorage.setItem('codex-light/network', JSON.stringify(NETWORK))
  const title = document.title
  const { part, sold } = around(KEYSTORE)
  await says(part, 'unlock its key to go on')
  await expect.poll(() => document.title).toBe('⚠ Unlock the key – codex-light')
  expect(part.button('Save the encrypted copy').checkVisibility()).toBe(true)
  part.button('Set it up anew').click()
  await says(part, `This tab holds 2 slots of ${HOST} on chain 1 at marketplace 0x12.`)
  part.button('Back').click()
  await says(part, 'unlock its key to go on')
  part.type('password', 'wrong')
  submit(part)
  await expect.poll(() => part.place.querySelector('[role=alert]')?.textContent).toContain('wrong password')
  expect(part.field('password').value).toBe('wrong')
  part.type('password', PASSWORD)
  submit(part)
  await says(part, 'Go on selling')
  expect(document.title).toBe(title)
  part.button('Go on selling').click()
  expect(sold).toMatchObject([{ place: { ethProvider: NETWORK.ethProvider }, terms: undefined }])
})
