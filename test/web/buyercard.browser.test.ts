// A tab that only buys, as a person meets it over a node made up for it: two steps without a circuit, a price before anything is sent, purchases to watch, and no
// buying where slots wait for proofs.

import { beforeEach, expect, test } from 'vitest'

import { describeUpload } from '../../src/protocol/describeupload.ts'
import { KiB } from '../../src/lib/units.ts'
import type { BuyPlan } from '../../web/buyer.ts'
import { BuyerCard } from '../../web/buyercard.tsx'
import { BuySteps } from '../../web/buysteps.tsx'
import { Session } from '../../web/session.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { drawn, HOST, NOW, reachable, says } from './drawn.ts'

const NETWORK = {
  ...{ ethProvider: 'https://chain.example/', marketplace: '', rewardRecipient: '' },
  ...{ bridges: ['/dns4/bridge.example/tcp/443/wss/p2p/16Uiu'], circuit: 'https://files.example/' },
}
const FILE = describeUpload(new Uint8Array(200 * KiB).fill(7), { filename: 'mine.bin' })

beforeEach(() => localStorage.clear())

/** What a tab that only buys stands on; what was asked of it is in `asked`. */
function around({
  held,
  tokens = 10n ** 18n,
  persisted = true,
}: { readonly held?: string; readonly tokens?: bigint; readonly persisted?: boolean } = {}) {
  const asked: unknown[] = []
  const purchases: object[] = []
  const slots = ['Filled', 'Free', 'Free']
  const market = {
    host: HOST,
    clock: { now: () => NOW },
    endpointStatus: () => ({ state: 'connected' }),
    tokenBalance: async () => tokens,
    coinBalance: async () => 3n * 10n ** 17n,
    ...{ chainId: 42_161, token: '0x1' },
    requestEnd: async () => NOW + 3600,
    slotState: async () => slots[0],
  }
  const client = {
    purchasing: { purchases },
    async buy(cid: unknown, wanted: object) {
      asked.push(['buys', String(cid), wanted])
      const ask = { slots: 3n, slotSize: 131_072n, duration: 3600n, pricePerBytePerSecond: 1000n }
      purchases.push({ id: `0x${'12'.repeat(32)}`, state: 'submitted', problem: undefined, request: { ask } })
      return purchases.at(-1)
    },
  }
  const node = {
    trade: { client, market, alerts: [] },
    status: async () => ({ network: { peers: [{}] } }),
    waiting: undefined,
  }
  const room = {
    soldHere: async () => ({ held, offered: [] }),
    enterRoles: async (_: unknown, { roles, ...rest }: { readonly roles: readonly string[] }) =>
      void asked.push(['enters', roles, 'circuit' in rest]),
    openKeys: async () => ({
      unlock: async () => ({ address: HOST }),
      place: () => ({ read: async () => '{"version":3}' }),
    }),
    lookAtChain: async () => ({
      findings: [{ check: 'chain', state: 'good', sentence: 'the chain answers' }],
      facts: { chainId: 42_161, token: '0x1' },
    }),
  }
  const clock = new SystemClock()
  const session = new Session({ name: 'test', log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) })
  Object.defineProperty(session, 'running', { get: () => ({ room, node }) })
  session.state.space.value = { usedBytes: 0, reservedBytes: 0, totalBytes: 0, blocks: 0, persisted }
  session.state.listing.value = { entries: [{ cid: FILE.manifestCid, manifest: FILE.manifest }], hasMore: false }
  return { session, asked, purchases, slots }
}

function plan(note: () => void = () => undefined): BuyPlan {
  return {
    place: { ethProvider: 'http://127.0.0.1:1', bootstrap: [] },
    key: async () => ({}) as Awaited<ReturnType<BuyPlan['key']>>,
    demo: undefined,
    note,
  }
}

test('storage is bought with nothing offered for sale: the price is told first, and the purchase watched until it may be left alone', async () => {
  const { session, asked, purchases, slots } = around()
  let notes = 0
  const part = drawn(BuyerCard, { session, plan: plan(() => notes++) })
  await says(part, 'This tab buys with its key, and proves nothing.')
  expect([asked, notes, session.state.trades.value]).toEqual([[['enters', ['client'], false]], 1, 'buys'])
  expect(reachable(part)).toContain('Buy storage')
  // Who stores a file wants to buy for that one.
  const other = describeUpload(new Uint8Array(100 * KiB), { filename: 'other.bin' })
  const { entries } = session.state.listing.value
  const more = { cid: other.manifestCid, manifest: other.manifest }
  session.state.listing.value = { entries: [...entries, more], hasMore: false }
  for (const { cid, manifest } of [more, { cid: FILE.manifestCid, manifest: FILE.manifest }]) {
    session.state.stored.value = { cid, manifest, blocks: 1, squares: [], blocksPerSquare: 1, expiry: undefined }
    await expect.poll(() => part.field('file').value).toBe(String(cid))
  }
  part.type('duration', '1h')
  part.type('expiry', '10m')
  await says(part, '3 slots of 128 KiB for 1h cost')
  expect(session.isFetchedFrom).toBe(false)
  part.button('Buy storage').click()
  await says(part, 'Keep this tab open: providers fetch the file from it until each slot has one.')
  await says(part, '3 of 3 slots with a provider')
  const terms = { duration: 3600, expiry: 600, nodes: 3, tolerance: 1, proofProbability: 100n }
  expect(asked[1]).toEqual([
    'buys',
    String(FILE.manifestCid),
    { ...terms, pricePerBytePerSecond: 1000n, collateralPerByte: 1n },
  ])
  // Whoever closes the tab now is asked.
  expect(session.isFetchedFrom).toBe(true)
  purchases[0] = { ...purchases[0], state: 'started' }
  slots[0] = 'Filled'
  await expect.poll(() => session.isFetchedFrom, { timeout: 10_000 }).toBe(false)
  await says(part, 'Kept')
})

test('what the key cannot pay for is refused before anything is sent', async () => {
  const { session, asked } = around({ tokens: 5n })
  const part = drawn(BuyerCard, { session, plan: plan() })
  await says(part, 'The key has 5 wei: too few.')
  part.button('Buy storage').click()
  await says(part, `the key ${HOST} has 5 wei: send it tokens, or buy for a shorter time or a lower price.`)
  expect(asked).toHaveLength(1)
})

test('a browser whose slots wait for proofs does not take up the role that proves nothing', async () => {
  const { session, asked } = around({ held: '2 slots of 0xab on chain 1 at marketplace 0x12' })
  const part = drawn(BuyerCard, { session, plan: plan() })
  await says(part, 'This tab holds 2 slots of 0xab on chain 1 at marketplace 0x12, which have to be proven')
  expect(asked).toEqual([])
})

test('two steps lead there, no circuit is asked for; the network it sells on stays as it was, and is suggested', async () => {
  localStorage.setItem('codex-light/network', JSON.stringify(NETWORK))
  const bought: BuyPlan[] = []
  const { session } = around()
  const part = drawn(BuySteps, { session, buy: (made: BuyPlan) => void bought.push(made) })
  await says(part, 'This browser keeps a key.')
  part.type('password', 'open sesame')
  part.place.querySelector('form')?.requestSubmit()
  await expect.poll(() => document.activeElement?.textContent).toBe('The network')
  expect(part.place.querySelector('[name=circuit]')).toBeNull()
  expect(part.field('ethProvider').value).toBe(NETWORK.ethProvider)
  part.type('ethProvider', 'https://other.example/')
  part.button('Check this network').click()
  await says(part, 'the chain answers')
  const [on] = [...part.place.querySelectorAll('button')].filter(
    (each) => each.checkVisibility() && each.innerText === 'Go on',
  )
  on?.click()
  expect(bought).toMatchObject([{ place: { ethProvider: 'https://other.example/', bootstrap: NETWORK.bridges } }])
  bought[0]?.note()
  expect(JSON.parse(localStorage.getItem('codex-light/network') ?? '')).toEqual(NETWORK)
  // The next day it is the key that is asked for.
  const later = drawn(BuySteps, { session: around().session, buy: () => undefined })
  await says(later, 'This browser bought storage on other.example: unlock its key')
})

test('nothing is bought with a key whose only copy may be deleted, nor is its address told, until a copy is saved', async () => {
  const { session } = around({ persisted: false })
  const part = drawn(BuyerCard, { session, plan: plan() })
  await says(part, 'The only copy of the key is in this browser')
  expect(part.button('Buy storage').disabled).toBe(true)
  const money = (): HTMLElement | null => part.place.querySelector('[data-testid=money]')
  money()?.querySelector('summary')?.click()
  await says(part, '0.3 coins')
  expect(money()?.innerText).not.toContain(HOST)
  const { click } = HTMLAnchorElement.prototype
  HTMLAnchorElement.prototype.click = () => undefined
  part.button('Save a copy of the key, encrypted').click()
  HTMLAnchorElement.prototype.click = click
  await expect.poll(() => part.button('Buy storage').disabled).toBe(false)
  expect(money()?.innerText).toContain(HOST)
  // The browser knows it the next day.
  const later = drawn(BuyerCard, { session: around({ persisted: false }).session, plan: plan() })
  await says(later, 'This tab buys with its key')
  await expect.poll(() => later.button('Buy storage').disabled).toBe(false)
})
