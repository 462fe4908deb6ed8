// The three steps as a person meets them, over a node made up for them: a key is shown and can be saved before it is left, a failed word loses nothing, and a browser
// whose slots wait says so.

import { signal } from '@preact/signals'
import { render } from 'preact'
import { beforeEach, expect, onTestFinished, test } from 'vitest'

import { MiB } from '../../src/lib/units.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { Onboarding } from '../../web/onboarding.tsx'
import type { SellPlan, Terms } from '../../web/sellplan.ts'
import type { Session } from '../../web/session.ts'
import { type Drawn, drawn, HOST, says } from './drawn.ts'

const KEYSTORE = `{"address":"${HOST.slice(2)}","version":3}`
const POOR = { check: 'coins', state: 'bad', sentence: `${HOST} has no coins for gas; send some to it` }
const TOKENLESS = {
  check: 'tokens',
  state: 'bad',
  sentence: `${HOST} has no tokens left for collateral; send some to it`,
}
const PASSWORD = 'open sesame'
const HELD = `2 slots of ${HOST} on chain 1 at marketplace 0x12`
const NETWORK = {
  ...{ ethProvider: 'https://chain.example/', marketplace: '', rewardRecipient: '' },
  ...{ bridges: ['/dns4/bridge.example/tcp/443/wss/p2p/16Uiu'], circuit: 'https://files.example/' },
}

beforeEach(() => localStorage.clear())

const OFFERED: Terms = {
  totalSize: 3 * MiB,
  minPricePerBytePerSecond: 4321n,
  totalCollateral: 17n * 10n ** 18n,
  duration: 10 * 86_400,
}

/** @param kept the keystore of an earlier day @param offered before */
function around(
  kept?: string,
  { held = HELD as string | Error | null, offered = [] as Terms[], persisted = true, chainId = 42_161 } = {},
) {
  let keystore = kept
  const sold: SellPlan[] = []
  const notes: (string | undefined)[] = []
  const aside: unknown[] = []
  const key = { address: HOST }
  const keys = {
    generate: () => key,
    fromPrivateKey: () => key,
    lock: async () => KEYSTORE,
    async unlock(_: string, password: string) {
      if (password !== PASSWORD) throw new Error('wrong password')
      return key
    },
    setAside: async () => void (aside.push(keystore), (keystore = undefined)),
    place: () => ({ read: async () => keystore, write: async (text: string) => void (keystore = text) }),
  }
  const room = {
    openKeys: async () => keys,
    async soldHere() {
      if (held instanceof Error) throw held
      return { held: held ?? undefined, offered }
    },
    lookAtChain: async () => ({ findings: [POOR, TOKENLESS], facts: { chainId, token: HOST } }),
    lookAtMarket: async () => ({ tokens: 5n, asks: undefined }),
  }
  // Less is free than is offered already.
  const space = { totalBytes: 4 * MiB, usedBytes: 0, reservedBytes: 4 * MiB, blocks: 0, persisted }
  const session = {
    closing: new AbortController().signal,
    running: { room, node: {} },
    noteUnproven: (why: string | undefined) => notes.push(why),
    state: { space: signal(space) },
  } as unknown as Session
  return { part: drawn(Onboarding, { session, sell: (plan) => sold.push(plan) }), sold, notes, aside }
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
  const { part, sold, notes } = around(KEYSTORE)
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
  // It goes on by itself, and the mark is there until something else tells what it does.
  await expect.poll(() => sold).toMatchObject([{ place: { ethProvider: NETWORK.ethProvider }, terms: undefined }])
  expect(document.title).toBe('⚠ Unlock the key – codex-light')
  expect(notes).toContainEqual(expect.stringContaining(`Its key is locked: ${HELD} wait for proofs.`))
  render(null, part.place)
  await expect.poll(() => [document.title, notes.at(-1)]).toEqual([title, undefined])
})

test('a browser whose slots have all ended does not claim that some wait, and one that cannot look them up does', async () => {
  localStorage.setItem('codex-light/sells', 'yes')
  localStorage.setItem('codex-light/network', JSON.stringify(NETWORK))
  const title = document.title
  const ended = around(KEYSTORE, { held: null })
  await says(ended.part, 'It holds no slots now: unlock its key to go on.')
  expect(ended.part.place.innerText).not.toContain('wait for proofs')
  expect([document.title, ended.notes.filter((why) => why !== undefined)]).toEqual([title, []])
  const unknown = around(KEYSTORE, { held: new CodexError('store/corrupted-record', 'damaged') })
  await says(unknown.part, 'Slots that it has filled wait for proofs')
  await says(unknown.part, 'could not be looked up. A record of this store is damaged')
  expect(document.title).toBe('⚠ Unlock the key – codex-light')
})

function shown({ place }: Drawn<object>, words: string): HTMLButtonElement | undefined {
  return [...place.querySelectorAll('button')].find((each) => each.checkVisibility() && each.textContent === words)
}

async function throughNewEndpoint({ part }: ReturnType<typeof around>): Promise<void> {
  await says(part, 'unlock its key to go on')
  part.button('Set it up anew').click()
  await says(part, 'A key for this node')
  part.type('password', PASSWORD)
  submit(part)
  await lookAtNetwork(part)
  shown(part, 'Go on')?.click()
}

/** With a folder of circuit files that can be read. */
async function lookAtNetwork(part: Drawn<object>): Promise<void> {
  const { fetch } = window
  window.fetch = async () => new Response('{}')
  onTestFinished(() => void (window.fetch = fetch))
  await expect.poll(() => part.field('ethProvider').checkVisibility()).toBe(true)
  part.type('ethProvider', 'https://other.example/')
  part.button('Check this network').click()
  await expect.poll(() => part.place.querySelector('[data-testid=findings]')).not.toBeNull()
}

test('an endpoint that is dead is changed without touching what is offered, unless a field of the terms is', async () => {
  localStorage.setItem('codex-light/sells', 'yes')
  localStorage.setItem('codex-light/network', JSON.stringify(NETWORK))
  const world = around(KEYSTORE, { offered: [OFFERED], persisted: false })
  const { part, sold } = world
  await throughNewEndpoint(world)
  await says(part, 'They stay as they are, unless you change one of them here.')
  expect([part.field('space').value, part.field('collateral').value, part.field('duration').value]).toEqual([
    '3 MiB',
    '17',
    '10d',
  ])
  part.button('Start selling').click()
  await expect.poll(() => sold.length).toBe(1)
  expect(sold[0]?.terms).toBeUndefined()
  expect(sold[0]?.place.ethProvider).toBe('https://other.example/')
  // Without the browser's promise slots of before are proven on, and nothing new is begun.
  part.type('collateral', '18')
  part.button('Start selling').click()
  await says(part, /ask the browser to keep the data first/i)
})

test('a changed field is what the offer is changed to; of several offers none is', async () => {
  localStorage.setItem('codex-light/sells', 'yes')
  localStorage.setItem('codex-light/network', JSON.stringify(NETWORK))
  const one = around(KEYSTORE, { offered: [OFFERED] })
  await throughNewEndpoint(one)
  await says(one.part, 'Start selling')
  one.part.type('duration', '20d')
  one.part.button('Start selling').click()
  await expect.poll(() => one.sold.length).toBe(1)
  expect(one.sold[0]?.terms).toEqual({ ...OFFERED, duration: 20 * 86_400 })
  const several = around(KEYSTORE, { offered: [OFFERED, OFFERED] })
  await throughNewEndpoint(several)
  await says(several.part, '2 offers of before stand, and stay as they are')
  several.part.button('Start selling').click()
  await expect.poll(() => several.sold.length).toBe(1)
  expect(several.sold[0]?.terms).toBeUndefined()
})

/** With a key of this minute, at the findings of the second step. */
async function withNewKey(part: Drawn<object>): Promise<void> {
  await says(part, 'A new key, kept in this browser')
  await toFindings(part)
}

async function toFindings(part: Drawn<object>): Promise<void> {
  part.type('password', PASSWORD)
  part.type('again', PASSWORD)
  submit(part)
  await says(part, HOST)
  shown(part, 'Go on')?.click()
  await expect.poll(() => part.field('ethProvider').checkVisibility()).toBe(true)
  for (const name of ['ethProvider', 'circuit'] as const) part.type(name, NETWORK[name])
  part.type('bridges', String(NETWORK.bridges))
  await lookAtNetwork(part)
}

test('no money is asked for to a key whose only copy may be deleted, until a copy of it is saved', async () => {
  const { part } = around(undefined, { held: null, persisted: false })
  await withNewKey(part)
  await says(part, 'The only copy of the key is in this browser')
  await says(part, 'the key has no coins for gas')
  expect(part.place.innerText).not.toContain(HOST)
  shown(part, 'Go on')?.click()
  await says(part, 'Start selling')
  expect(shown(part, 'Ask the browser to keep the key')).toBeDefined()
  const { click } = HTMLAnchorElement.prototype
  HTMLAnchorElement.prototype.click = () => undefined
  shown(part, 'Save a copy of the key, encrypted')?.click()
  HTMLAnchorElement.prototype.click = click
  await expect.poll(() => part.place.innerText).not.toContain('The only copy of the key')
})

test('a key that is somewhere else, one that the browser keeps, and one of a local chain may be sent money at once', async () => {
  const kept = around(undefined, { held: null })
  await withNewKey(kept.part)
  await says(kept.part, `${HOST} has no coins`)
  const local = around(undefined, { held: null, persisted: false, chainId: 31_337 })
  await withNewKey(local.part)
  await says(local.part, `${HOST} has no coins`)
  const { part } = around(undefined, { held: null, persisted: false })
  await says(part, 'A new key, kept in this browser')
  part.button('Bring a key along instead').click()
  await says(part, 'A private key of 64 hex digits')
  part.type('text', 'ab'.repeat(32))
  await toFindings(part)
  await says(part, `${HOST} has no coins`)
})

test('who forgot the password begins with a new key, and the old one is set aside; not where slots wait for it', async () => {
  const { part, aside } = around(KEYSTORE, { held: null })
  await says(part, 'The password is forgotten')
  part.place.querySelector<HTMLElement>('details summary')?.click()
  part.button('Begin with a new key').click()
  await says(part, 'A new key, kept in this browser')
  expect(aside).toEqual([KEYSTORE])
  part.type('password', PASSWORD)
  part.type('again', PASSWORD)
  submit(part)
  await says(part, 'Save a copy, encrypted')
  const busy = around(KEYSTORE)
  await says(busy.part, 'Nobody can tell a forgotten password')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(busy.part.place.innerText).not.toContain('The password is forgotten')
})
