// What the page of a node reads and changes, over the node's own REST server with real accounts and sales on a fake chain: the documents are those that it answers.

import { afterEach, expect, test, vi } from 'vitest'

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RestServer } from '../../src/rest/listen.ts'
import type { MarketplaceParts, Selling } from '../../src/rest/marketparts.ts'
import { NewsHub } from '../../src/rest/newshub.ts'
import type { RestParts } from '../../src/rest/restparts.ts'
import { startRest } from '../../src/rest/startrest.ts'
import type { AvailabilityId } from '../../src/sales/availability.ts'
import { RemoteNode } from '../../web/remotenode.ts'
import { type SaleHost, SaleWorld, SLOT_BYTES, START } from '../fakes/saleworld.ts'

const TOKEN = 'a-token-for-tests'
const open: RestServer[] = []

afterEach(async () => {
  vi.unstubAllGlobals()
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

function sellingOf({ parts: { reservations }, sales }: SaleHost): Selling {
  return {
    reservations,
    sales,
    createAvailability: (terms) => reservations.create(terms),
    changeAvailability: (id, changes) => reservations.change(id as AvailabilityId, changes),
    list: () =>
      sales.agents.map(({ slot, state, phase, taken }) => ({
        ...{ ...slot, slotId: slotId(slot.requestId, slot.slotIndex), state, since: START, phase },
        ...{ proven: 2, missed: 0, provenIn: 8000, reservation: taken, why: undefined },
      })),
    ended: () => [],
    decisions: (count) => sales.decisions.latest(count),
    earnings: [
      { at: START, requestId: `0x${'ab'.repeat(32)}`, slotIndex: 1, end: 'paid', reward: 9n, lostCollateral: 2n },
    ],
    earningTotals: { reward: 109n, lostCollateral: 2n },
    proofs: { submitted: 2, missed: 0 },
    meter: { lastSeconds: 1.5, developmentMark: undefined },
    get holds() {
      return sales.isPaused ? ['paused'] : []
    },
    pause: async () => sales.pause(),
    resume: async () => sales.resume(),
    drain: (options) => sales.drain(options),
  }
}

/** A page that a node serves, in as much as there is one without a tab. */
async function served(isSelling: boolean) {
  const world = new SaleWorld()
  const host = await world.host('host', 2)
  await host.sales.start(world.never)
  const hub = new NewsHub()
  const clock = new SystemClock()
  const levels = new LogLevels('info')
  const marketplace: MarketplaceParts = {
    ...{ market: host.market, clock: world.clock, alerts: [] },
    selling: isSelling ? sellingOf(host) : undefined,
    buying: undefined,
    validating: isSelling ? undefined : { watched: ['0x1', '0x2'] },
  }
  const peer = {
    peerId: 'a-peer',
    address: '/ip4/127.0.0.1/tcp/1',
    direction: 'inbound',
    receivedBytes: 3,
    sentBytes: 4,
  }
  const parts: Omit<RestParts, 'background'> = {
    node: { repo: host.parts.repo, datasets: host.parts.datasets } as unknown as RestParts['node'],
    network: {
      hasPeers: true,
      peerId: 'us',
      peers: () => [peer],
      addresses: () => [],
      spr: () => 'spr:',
    } as unknown as RestParts['network'],
    ...{ log: new Log({ clock, levels, sinks: [hub.sink] }), levels, hub, clock, startedAt: clock.now() },
    ...{
      version: '0',
      dataDir: '/data',
      marketplace: { isWanted: true, parts: () => marketplace, waiting: () => undefined },
    },
  }
  const server = await startRest(parts, { address: '127.0.0.1', port: 0, token: TOKEN })
  open.push(server)
  vi.stubGlobal('window', { location: { origin: server.url } })
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => undefined })
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined })
  const node = new RemoteNode()
  const closing = new AbortController().signal
  await node.look(closing)
  expect(node.state.value).toEqual({ at: 'wants token', isWrong: false })
  node.giveToken(`${TOKEN}x`, closing)
  await vi.waitUntil(() => node.state.value.at === 'wants token')
  expect(node.state.value).toEqual({ at: 'wants token', isWrong: true })
  node.giveToken(TOKEN, closing)
  const look = async () => {
    await node.look(closing)
    const { value } = node.state
    if (value.at !== 'shows') throw new Error(JSON.stringify(value))
    return value.picture
  }
  return { world, host, node, look, closing }
}

test('a node that sells is seen with balance, peers, prices and sizes, and its terms are changed', async () => {
  const { world, host, node, look, closing } = await served(true)
  const { slot, request } = await world.ask({ duration: 3000n })
  await world.runUntil(() => world.state(slot(0)) === 'Filled')
  await world.run(1)
  const { market, peers } = await look()
  expect(peers).toEqual([{ peerId: 'a-peer', kind: 'TCP', direction: 'inbound', receivedBytes: 3, sentBytes: 4 }])
  expect(market?.view?.tokens).toBe(await host.market.tokenBalance(world.never))
  const { pricePerBytePerSecond } = request.ask
  expect(market?.view?.slots).toMatchObject([
    { slotBytes: SLOT_BYTES, provenIn: 8000, weiPerSecond: pricePerBytePerSecond * BigInt(SLOT_BYTES) },
  ])
  expect(market?.view?.earningTotals).toEqual({ reward: 109n, lostCollateral: 2n })
  expect(market?.view?.earnings).toMatchObject([{ reward: 9n, lostCollateral: 2n }])
  const [offered] = market?.offered ?? []
  expect(offered).toMatchObject({ totalSize: 2 * SLOT_BYTES, enabled: true, until: 0 })
  if (offered === undefined) return
  const { id, ...terms } = offered
  const changed = { ...terms, minPricePerBytePerSecond: 10n ** 20n, duration: 7200 }
  expect(await node.offer(changed, id, closing)).toContain('Offered: ')
  expect((await look()).market?.offered).toEqual([{ id, ...changed }])
  await expect(node.offer({ ...terms, totalSize: 1 }, id, closing)).rejects.toMatchObject({ code: 'page/node-refused' })
  await node.pause(true, closing)
  expect((await look()).market?.view?.holds).toEqual(['paused'])
})

test('one that only watches proofs is no seller, and takes part all the same', async () => {
  const { look } = await served(false)
  expect((await look()).market).toMatchObject({ view: undefined, bought: undefined, watched: 2, offered: [] })
})

test('a node that answers slowly is looked at once at a time, and for its balance only while it reaches the chain', async () => {
  vi.useFakeTimers()
  // What fake timers do not know of.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const late = new AbortController()
    setTimeout(() => late.abort(new Error('too late')), ms)
    return late.signal
  })
  const closing = new AbortController()
  try {
    const page = { hidden: false, addEventListener: () => undefined }
    const asked: string[] = []
    const answer: (() => void)[] = []
    let endpoint = 'connected'
    const documents = (row: string): unknown =>
      row === 'status' ? { marketplace: { endpoint, selling: { holds: [] }, purchases: null } } : {}
    vi.stubGlobal('window', { location: { origin: 'http://localhost/' } })
    vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => undefined })
    vi.stubGlobal('document', page)
    vi.stubGlobal('fetch', (url: URL, { signal }: RequestInit) => {
      const row = url.pathname.replace('/api/v1/', '')
      asked.push(row)
      const body = JSON.stringify(documents(row))
      return new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
        const now = (): void => resolve(new Response(body))
        if (row === 'status') answer.push(now)
        // It is never told.
        else if (row !== 'balance') now()
      })
    })
    const times = (row: string): number => asked.filter((each) => each === row).length
    const node = new RemoteNode()
    node.run(closing.signal)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(times('status')).toBe(1)
    const shown = async (): Promise<unknown> => {
      for (const each of answer.splice(0)) each()
      await vi.advanceTimersByTimeAsync(5000)
      return node.state.value
    }
    endpoint = 'unreachable'
    expect(await shown()).toMatchObject({ at: 'shows', picture: { market: { view: { tokens: undefined } } } })
    expect([times('status'), times('balance')]).toEqual([2, 1])
    await shown()
    expect([times('status'), times('balance')]).toEqual([3, 1])
    // Where nobody sees what it finds, seldom.
    page.hidden = true
    for (let turn = 0; turn < 6; turn++) await shown()
    expect(times('status')).toBeLessThanOrEqual(5)
  } finally {
    closing.abort(new Error('the test is over'))
    vi.restoreAllMocks()
    vi.useRealTimers()
  }
})
