// A provider in the tab as a person handles it, over a node made up for it: what is offered, what is refused, and that nothing is sold from a store that the browser
// may forget.

import { signal } from '@preact/signals'
import { render } from 'preact'
import { expect, onTestFinished, test, vi } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { TypedEvents } from '../../src/lib/typedevents.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { SellerCard } from '../../web/sellercard.tsx'
import type { SellPlan, Terms } from '../../web/sellplan.ts'
import type { SellerPicture } from '../../web/seller.ts'
import type { SellerView } from '../../web/sellerview.ts'
import type { Session } from '../../web/session.ts'
import { drawn, HOST, NOW, PERIOD, reachable, says } from './drawn.ts'

const TERMS: Terms = { totalSize: 4 * MiB, minPricePerBytePerSecond: 1000n, totalCollateral: 7n, duration: 86_400 }
const FREE = 10 * MiB

/** The node, the room and the session that a card needs; what was asked of them is in `asked`. */
function around({
  chainId = 42161,
  persisted = true,
  offered = [] as Terms[],
  quotaBytes = 4 * FREE,
  usageBytes = 0,
  slabBytes = 0,
  isAway = false,
  isBroken = false,
  held = undefined as string | undefined,
  /** What enters throws, one after the other. */
  hurdles = [] as Error[],
} = {}) {
  const asked: unknown[] = []
  const notes: (string | undefined)[] = []
  const holds: string[] = []
  const views: SellerView[] = []
  const state = { persisted, quotaBytes, usageBytes, asks: [] as object[] }
  let balances = 0
  const endpoint = { state: 'connected', problem: 'nobody answers' }
  const availabilities = offered.map((terms, i) => ({ ...terms, id: `0x${i + 1}`, totalRemainingCollateral: 7n }))
  // Beside what is free.
  const reserved = (): number => availabilities.reduce((sum, { totalSize }) => sum + totalSize, 0)
  const provider = {
    reservations: { availabilities: () => availabilities },
    holds,
    meter: { recentSeconds: [3], developmentMark: undefined },
    earnings: Array.from({ length: 600 }, (_, i) => ({ at: NOW - 600 + i, reward: 1n, lostCollateral: 0n })),
    earningTotals: { reward: 20_000n, lostCollateral: 0n },
    list: () => [],
    ended: () => [],
    decisions: () => [],
    pause: async () => void holds.push('paused'),
    resume: async () => void holds.splice(0),
    putDataAtRisk: (isAtRisk: boolean) => void (isAtRisk ? holds.push('data at risk') : holds.splice(0)),
    async createAvailability(terms: Terms) {
      asked.push(['offers', terms])
      const id = `0x${availabilities.length + 1}`
      availabilities.push({ ...terms, id, totalRemainingCollateral: terms.totalCollateral })
    },
    async changeAvailability(id: string, terms: Terms) {
      asked.push(['changes', id, terms])
      availabilities.splice(Number(id) - 1, 1, { ...terms, id, totalRemainingCollateral: terms.totalCollateral })
    },
  }
  const market = {
    chainId,
    host: HOST,
    terms: { collateral: { maxNumberOfSlashes: 5, slashPercentage: 10 }, proofs: { period: PERIOD } },
    clock: { now: () => NOW },
    endpointStatus: () => endpoint,
    async tokenBalance() {
      balances++
      if (endpoint.state !== 'connected') throw new Error(endpoint.problem)
      return 5n
    },
    coinBalance: async () => 3n * 10n ** 17n,
    token: `0x${'ef'.repeat(20)}`,
  }
  const node = {
    trade: { provider, market, client: undefined, alerts: [] },
    repo: {
      space: async () => ({ quotaMaxBytes: FREE + reserved(), quotaUsedBytes: 0, quotaReservedBytes: reserved() }),
      parts: { slab: { size: async () => slabBytes } },
    },
    events: new TypedEvents<{ sale: object }>(),
    status: async () => ({ network: { peers: [] } }),
    waiting: undefined as unknown,
  }
  const room = {
    async enterRoles() {
      await answers
      asked.push('enters')
      const hurdle = hurdles.shift()
      if (hurdle !== undefined) throw hurdle
    },
    soldHere: async () => ({ held, offered: [] }),
    storageEstimate: async () => ({ ...state }),
    async probeStore() {
      asked.push('probes')
      if (isBroken) throw new CodexError('slab/probe-failed', 'a test of 4 MiB could not be written')
    },
    openKeys: async () => ({ place: () => ({ read: async () => `{"address":"${HOST.slice(2)}"}` }) }),
    lookAtMarket: async () => ({ tokens: 20n * 10n ** 18n, asks: [...state.asks] }),
  }
  let answer = (): void => undefined
  const answers = isAway ? new Promise<void>((resolve) => (answer = resolve)) : Promise.resolve()
  const closing = new AbortController()
  const clock = new ManualClock(NOW)
  const space = { usedBytes: 0, reservedBytes: 0, totalBytes: FREE, blocks: 0, persisted }
  const session = {
    closing: closing.signal,
    running: { room, node, clock },
    state: {
      space: signal(space),
      listing: signal({ entries: [], hasMore: false }),
      trades: signal(undefined),
      stored: signal(undefined),
    },
    tellPicture: ({ view }: SellerPicture) => void views.push(view),
    lookAtSpace: async () => void asked.push('space'),
    lookAgain: async () => void asked.push('everything'),
    noteUnproven: (why: string | undefined) => notes.push(why),
    reload: () => asked.push('reloads'),
    async askToPersist() {
      state.persisted = true
      this.state.space.value = { ...this.state.space.value, persisted: true }
    },
  }
  return {
    session: session as unknown as Session,
    asked,
    holds,
    state,
    closing,
    node,
    clock,
    notes,
    endpoint,
    views,
    balances: () => balances,
    answer: () => answer(),
  }
}

function plan(terms: Terms | undefined, isDemo = false): SellPlan {
  return {
    place: { ethProvider: 'http://127.0.0.1:1', bootstrap: [] },
    key: async () => ({}) as Awaited<ReturnType<SellPlan['key']>>,
    circuit: async () => ({}) as Awaited<ReturnType<SellPlan['circuit']>>,
    terms,
    demo: isDemo ? ({ id: 'ab', ready: false } as NonNullable<SellPlan['demo']>) : undefined,
    note: () => undefined,
  }
}

test('who goes on without anything offered is asked for terms first, and what does not fit is refused by name', async () => {
  const { session, asked, closing } = around()
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Nothing is offered yet')
  await says(part, 'half of the 10 MiB that are free here')
  await says(part, 'no client asked for storage of late')
  expect(asked).toEqual(['enters'])
  expect(reachable(part)).toEqual(['space', 'price', 'collateral', 'duration', 'Start selling'])
  expect(part.field('space').value).toBe('5 MiB')
  part.type('space', '10 MiB')
  part.button('Start selling').click()
  await says(part, 'Space: 10 MiB are more than this node may still store; 9 MiB is the most that fits.')
  part.type('space', '9 MiB')
  part.type('price', 'much')
  await says(part, 'Expected an amount of tokens')
  part.button('Start selling').click()
  await says(part, 'Price: expected an amount of tokens above nothing')
  part.type('price', '0.002783138807808')
  part.type('collateral', '1.5')
  part.type('duration', '2d')
  await says(
    part,
    'exactly 0.002783138807808 tokens per GiB and month; and 1\u202f500\u202f000\u202f000\u202f000\u202f000\u202f000 wei of collateral',
  )
  part.button('Start selling').click()
  await says(part, 'waiting for a request that fits')
  const terms = { minPricePerBytePerSecond: 1n, totalCollateral: 15n * 10n ** 17n, duration: 2 * 86_400 }
  expect(asked).toEqual(['enters', 'probes', ['offers', { totalSize: 9 * MiB, ...terms }]])
  closing.abort()
})

test('on a chain where money is at stake nothing is sold until the browser has promised to keep the data', async () => {
  const { session, asked, holds, closing } = around({ persisted: false, offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'the collateral of every slot would be lost with it')
  await says(part, 'It takes no new slots: the browser has not promised')
  expect([asked, holds]).toEqual([['enters'], ['data at risk']])
  part.button('Ask it to keep the data').click()
  await says(part, 'waiting for a request that fits')
  expect(holds).toEqual([])
  closing.abort()
})

test('terms are not taken from anybody whose data may be forgotten, and on a chain of this machine that is only told of', async () => {
  const risky = around({ persisted: false })
  const part = drawn(SellerCard, { session: risky.session, plan: plan(undefined) })
  await says(part, 'On this chain selling begins once')
  part.button('Start selling').click()
  await says(part, 'Ask the browser to keep the data first.')
  expect([risky.asked, risky.holds]).toEqual([['enters'], ['data at risk']])
  risky.closing.abort()
  const local = around({ persisted: false, chainId: 31_337, offered: [TERMS] })
  const other = drawn(SellerCard, { session: local.session, plan: plan(undefined) })
  await says(other, 'only play money would be lost')
  expect(local.holds).toEqual([])
  local.closing.abort()
})

test('new slots are refused and taken again, and terms changed, as the buttons say', async () => {
  const { session, asked, holds, closing } = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  part.button('Take no new slots').click()
  await says(part, 'You let it take no new slots.')
  expect(holds).toEqual(['paused'])
  part.button('Take new slots again').click()
  await says(part, 'waiting for a request that fits')
  expect(holds).toEqual([])
  part.place.querySelector<HTMLElement>('[data-testid=terms] summary')?.click()
  part.type('space', '15 MiB')
  part.button('Sell on these terms').click()
  // What is offered already counts as free for it.
  await says(part, 'Space: 15 MiB are more than this node may still store; 13 MiB is the most that fits.')
  part.type('space', '6.5 MiB')
  part.button('Sell on these terms').click()
  await says(part, 'Offered: 6.5 MiB at')
  expect(asked).toEqual(['enters', ['changes', '0x1', { ...TERMS, totalSize: 6656 * KiB }]])
  closing.abort()
})

test('more is offered beside what there is, on terms of its own, and each is changed by itself', async () => {
  const { session, asked, closing } = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  const open = (which: string): void => part.place.querySelector<HTMLElement>(`${which} summary`)?.click()
  open('[data-testid=more-terms]')
  await expect.poll(() => part.place.querySelectorAll('[data-testid=more-terms] form')).toHaveLength(1)
  const add = (name: string, value: string): void => part.type(name, value, '[data-testid=more-terms]')
  add('space', '10 MiB')
  part.button('Offer this too').click()
  await says(part, 'Space: 10 MiB are more than this node may still store; 9 MiB is the most that fits.')
  add('space', '2 MiB')
  add('price', '0.002783138807808')
  add('collateral', '0.000000000000000003')
  add('duration', '2d')
  part.button('Offer this too').click()
  await expect.poll(() => part.place.querySelectorAll('[data-testid=terms]')).toHaveLength(2)
  const more = { totalSize: 2 * MiB, minPricePerBytePerSecond: 1n, totalCollateral: 3n, duration: 2 * 86_400 }
  expect(asked).toEqual(['enters', 'probes', ['offers', more]])
  const second = '[data-testid=terms]:nth-of-type(2)'
  part.type('space', '3 MiB', second)
  part.place.querySelector<HTMLFormElement>(`${second} form`)?.requestSubmit()
  await says(part, 'Terms: 3 MiB at')
  expect(asked.at(-1)).toEqual(['changes', '0x2', { ...more, totalSize: 3 * MiB }])
  closing.abort()
})

test('where the browser has less room left than is offered, nothing new is taken until it has', async () => {
  const { session, holds, state, closing } = around({ offered: [TERMS], quotaBytes: 4 * MiB, usageBytes: MiB })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'The browser has less room left than is offered here: free some disk space, or offer less.')
  await says(part, 'It takes no new slots: the browser has less room left than is offered.')
  expect(holds).toEqual(['data at risk'])
  state.quotaBytes = 5 * MiB
  part.button('Look again').click()
  await says(part, 'waiting for a request that fits')
  expect(holds).toEqual([])
  closing.abort()
})

test('the demo offers less where not so much fits, and says so', async () => {
  const { session, asked, closing } = around({ chainId: 31_337 })
  const part = drawn(SellerCard, { session, plan: plan({ ...TERMS, totalSize: 64 * MiB }, true) })
  await says(part, 'Offered are 9 MiB instead of 64 MiB: more does not fit here.')
  expect(asked).toEqual(['enters', 'probes', ['offers', { ...TERMS, totalSize: 9 * MiB }]])
  closing.abort()
})

test('new terms take the place of what was offered before; where several are offered, none is touched and that is said', async () => {
  const terms = { ...TERMS, totalSize: 9 * MiB, minPricePerBytePerSecond: 2000n }
  const one = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session: one.session, plan: plan(terms) })
  await says(part, 'What was offered before is offered on the new terms now. Offered: 9 MiB at')
  expect(one.asked).toEqual(['enters', ['changes', '0x1', terms]])
  one.closing.abort()
  const two = around({ offered: [TERMS, TERMS] })
  const other = drawn(SellerCard, { session: two.session, plan: plan(terms) })
  await says(other, 'The new terms were not taken: 2 offers of before stand.')
  expect(two.asked).toEqual(['enters'])
  two.closing.abort()
})

test('while its chain does not answer it says why, what is at stake, and leads back to the network', async () => {
  const { session, node, answer, closing } = around({ isAway: true, offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Joining the network')
  node.waiting = { since: NOW, problem: 'nobody answers', atStake: 10n ** 18n }
  await says(part, 'The chain does not answer: nobody answers. At stake: 1 tokens.')
  expect(reachable(part)).toEqual(['Change the network'])
  node.waiting = undefined
  answer()
  await says(part, 'waiting for a request that fits')
  closing.abort()
})

test('what more is offered for is suggested from what the chain tells and what is free', async () => {
  const { session, state, closing } = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  part.place.querySelector<HTMLElement>('[data-testid=more-terms] summary')?.click()
  await says(part, 'half of the 10 MiB that are free here')
  await says(part, 'no client asked for storage of late')
  // What clients ask for changes while it sells: who opens the editor later gets what is usual then.
  const summary = part.place.querySelector<HTMLElement>('[data-testid=more-terms] summary')
  summary?.click()
  const ask = { pricePerBytePerSecond: 4321n, collateralPerByte: 2n, slotBytes: MiB, duration: 3600, isOpen: true }
  state.asks.push(ask)
  summary?.click()
  await says(part, 'in the middle of what 1 request of late pay')
  closing.abort()
})

test('what was deleted inside the file of blocks is room for what is offered', async () => {
  const { session, holds, closing } = around({
    ...{ offered: [TERMS], quotaBytes: 4 * MiB },
    ...{ usageBytes: 3 * MiB, slabBytes: 3 * MiB },
  })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  expect(holds).toEqual([])
  closing.abort()
})

const DOWN = new CodexError('proving/cannot-download', 'expected a circuit file at https://files.example/, found none')

test('with slots to prove it tries again while what it needs is down, tells what fails and when it tries again, and goes on by itself', async () => {
  const unreachable = new CodexError('market/unreachable', 'nobody answers')
  const hurdles = [DOWN, unreachable, new TypeError('Failed to fetch')]
  const { session, asked, clock, notes, closing } = around({ held: '2 slots of 0x1', offered: [TERMS], hurdles })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Expected a circuit file at https://files.example/, found none.')
  const again = (seconds: number): string => new Date((clock.now() + seconds) * 1000).toLocaleTimeString()
  await says(part, `Nothing is proven yet for 2 slots of 0x1. It tries again at ${again(5)}.`)
  // Nobody looks at the page at night.
  await expect.poll(() => document.title).toBe('⚠ Not proving yet – codex-light')
  expect(notes.at(-1)).toContain('Nothing is proven for 2 slots of 0x1')
  clock.advance(4)
  expect(asked).toEqual(['enters'])
  clock.advance(1)
  await says(part, 'The chain is out of reach')
  await says(part, `It tries again at ${again(10)}.`)
  clock.advance(10)
  await says(part, `It tries again at ${again(20)}.`)
  clock.advance(20)
  await says(part, 'waiting for a request that fits')
  expect(asked).toEqual(['enters', 'enters', 'enters', 'enters'])
  await expect.poll(() => [document.title, notes.at(-1)]).toEqual(['codex-light', undefined])
  closing.abort()
  render(null, part.place)
  // Nothing of it stays in the title.
  await expect.poll(() => document.title).not.toBe('codex-light')
})

test('it gives up at once where nothing waits for proofs, and for what no other try mends', async () => {
  const elsewhere = new CodexError('market/wrong-chain', 'expected another chain')
  for (const [held, hurdle, words] of [
    [undefined, DOWN, 'Expected a circuit file'],
    ['2 slots of 0x1', elsewhere, 'The endpoint leads to another chain'],
    ['2 slots of 0x1', new CodexError('market/key-in-use', 'in use'), 'Another tab of this browser sells'],
  ] as const) {
    const { session, asked, clock, notes, closing } = around({
      ...(held && { held }),
      offered: [TERMS],
      hurdles: [hurdle],
    })
    const part = drawn(SellerCard, { session, plan: plan(undefined) })
    await says(part, words)
    clock.advance(600)
    await says(part, 'Reload the page')
    expect(asked).toEqual(['enters'])
    // Who goes on sleeping with slots that wait is told, others are not bothered.
    if (held !== undefined) await expect.poll(() => document.title).toBe('⚠ Not proving – codex-light')
    expect(notes.at(-1) === undefined).toBe(held === undefined)
    part.button('Reload the page').click()
    expect(asked).toEqual(['enters', 'reloads'])
    closing.abort()
  }
})

test('once it sells the key can be filled up: its whole address, its coins and tokens, and a wallet that is asked', async () => {
  const { session, closing } = around({ offered: [TERMS] })
  const wallet = {
    info: { uuid: '7', name: 'Test Wallet' },
    provider: {
      request: async ({ method }: { readonly method: string }) => (method === 'eth_chainId' ? '0xa4b1' : [HOST]),
    },
  }
  window.addEventListener(
    'eip6963:requestProvider',
    () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: wallet })),
    { signal: closing.signal },
  )
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Money of the node key')
  part.place.querySelector<HTMLElement>('[data-testid=money] summary')?.click()
  expect(part.text('[data-testid=node-key]')).toBe(HOST)
  await says(part, '0.3 coins')
  part.button('Fill it up from Test Wallet').click()
  await says(part, 'Tokens for collateral, to the node key')
  closing.abort()
})

test('a key that only a browser keeps which promised nothing is not filled up, and the buttons say what helps', async () => {
  localStorage.clear()
  const { session, closing } = around({ offered: [TERMS], persisted: false })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Money of the node key')
  part.place.querySelector<HTMLElement>('[data-testid=money] summary')?.click()
  await says(part, 'The only copy of the key is in this browser')
  expect(part.place.querySelector('[data-testid=node-key]')).toBeNull()
  part.button('Ask the browser to keep the key').click()
  await expect.poll(() => part.place.querySelector('[data-testid=node-key]')?.textContent).toBe(HOST)
  closing.abort()
})

test('nothing is offered from a place that does not keep what is written to it, and the reason is said', async () => {
  const { session, asked, closing } = around({ isBroken: true })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'Nothing is offered yet')
  part.button('Start selling').click()
  await says(part, 'A test of 4 MiB could not be written.')
  expect(asked).toEqual(['enters', 'probes'])
  closing.abort()
})

test('however much happens, the chain is asked by time; of many earnings the latest are drawn, and all are in the total', async () => {
  const { session, node, endpoint, views, balances, closing } = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  const before = views.length
  for (let i = 0; i < 12; i++) {
    node.events.emit('sale', {})
    await new Promise((resolve) => setTimeout(resolve, 80))
  }
  expect(views.length).toBeGreaterThan(before + 8)
  expect(balances()).toBe(1)
  await says(part, /Balance\s*5 wei/i)
  await says(part, /Paid out so far\s*20\u202f000 wei/i)
  expect(part.text('[data-testid=earnings] figcaption')).toMatch(/from 500 slots; 19\u202f500 wei before$/)
  endpoint.state = 'unreachable'
  await says(part, /Balance\s*unknown/i)
  expect(views.at(-1)).toMatchObject({ tokens: undefined, outOfReach: 'nobody answers' })
  expect(views.at(-1)?.earnings).toHaveLength(500)
  closing.abort()
})

test('while it sells, only how much of the space is taken is read again and again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { session, asked, closing } = around({ offered: [TERMS] })
  const part = drawn(SellerCard, { session, plan: plan(undefined) })
  await says(part, 'waiting for a request that fits')
  vi.advanceTimersByTime(10_000)
  expect(asked).toEqual(['enters', 'space', 'space'])
  closing.abort()
})
