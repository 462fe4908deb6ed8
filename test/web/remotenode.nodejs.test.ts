// What the page of a node reads and changes, over the node's own REST server with real accounts and sales on a fake chain: the documents are those that it answers.

import { afterEach, expect, test, vi } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { Purchasing } from '../../src/purchasing/purchasing.ts'
import type { RestServer } from '../../src/rest/listen.ts'
import type { MarketplaceParts, Selling } from '../../src/rest/marketparts.ts'
import { NewsHub } from '../../src/rest/newshub.ts'
import type { RestParts } from '../../src/rest/restparts.ts'
import { startRest } from '../../src/rest/startrest.ts'
import type { AvailabilityId } from '../../src/sales/availability.ts'
import type { Datasets } from '../../src/storage/datasets.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { ownFiles } from '../../web/buystorage.ts'
import { explain } from '../../web/explain.ts'
import { MAX_LISTED } from '../../web/pagestate.ts'
import { RemoteNode } from '../../web/remotenode.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { CLIENT, type SaleHost, SaleWorld, SLOT_BYTES, START } from '../fakes/saleworld.ts'
import { randomWish } from '../simulation/terms.ts'

const TOKEN = 'a-token-for-tests'
const open: RestServer[] = []

afterEach(async () => {
  vi.unstubAllGlobals()
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

/** A file, and what was made of it for slots. */
const FILE = describeUpload(new Uint8Array(200_000).fill(7), { filename: 'mine.bin' })
const STORED = [
  { cid: FILE.manifestCid, manifest: FILE.manifest },
  {
    cid: FILE.manifestCid,
    manifest: {
      ...FILE.manifest,
      ...{ kind: 'protected', ecK: 2, ecM: 1, protectedStrategy: 'stepped', datasetSize: 6 * 65_536 },
      ...{ originalTreeCid: FILE.manifest.treeCid, originalDatasetSize: 200_000 },
    },
  },
] as const

function sellingOf({ parts: { reservations }, sales }: SaleHost): Selling {
  return {
    reservations,
    sales,
    createAvailability: (terms) => reservations.create(terms),
    changeAvailability: (id, changes) => reservations.change(id as AvailabilityId, changes),
    list: () =>
      sales.agents.map(({ slot, state, phase, taken }) => ({
        ...{ ...slot, slotId: slotId(slot.requestId, slot.slotIndex), state, since: START + 9, phase },
        ...{ proven: 2, missed: 0, provenIn: 8000, filledAt: START, reservation: taken, why: undefined },
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
async function served(isSelling: boolean, buying?: (world: SaleWorld) => Promise<MarketplaceParts['buying']>) {
  const world = new SaleWorld()
  const host = await world.host('host', 2)
  await host.sales.start(world.never)
  const hub = new NewsHub()
  const clock = new SystemClock()
  const levels = new LogLevels('info')
  const marketplace: MarketplaceParts = {
    ...{ market: host.market, clock: world.clock, alerts: [] },
    selling: isSelling ? sellingOf(host) : undefined,
    buying: await buying?.(world),
    validating: isSelling ? undefined : { watched: ['0x1', '0x2'] },
  }
  const peer = {
    peerId: 'a-peer',
    address: '/ip4/127.0.0.1/tcp/1',
    direction: 'inbound',
    receivedBytes: 3,
    sentBytes: 4,
  }
  const datasets = {
    list: vi.fn(async function* (): AsyncGenerator<object, void> {
      yield* STORED
    }),
    ...{
      read: vi.fn<Datasets['read']>(),
      manifest: vi.fn<Datasets['manifest']>(),
      remove: vi.fn<Datasets['remove']>(),
    },
  }
  const parts: Omit<RestParts, 'background'> = {
    node: {
      repo: host.parts.repo,
      datasets,
    } as unknown as RestParts['node'],
    network: {
      hasPeers: true,
      manifest: async () => STORED[0].manifest,
      fetch: async () => undefined,
      peerId: 'us',
      peers: () => [peer],
      addresses: () => [],
      spr: () => 'spr:',
    } as unknown as RestParts['network'],
    ...{ log: new Log({ clock, levels, sinks: [hub.sink] }), levels, hub, clock, startedAt: clock.now() },
    ...{
      version: '0',
      revision: '',
      dataDir: '/data',
      marketplace: { isWanted: true, parts: () => marketplace, waiting: () => undefined, unproven: () => undefined },
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
  return { world, host, node, look, closing, datasets }
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
    {
      slotBytes: SLOT_BYTES,
      provenIn: 8000,
      filledAt: START,
      weiPerSecond: pricePerBytePerSecond * BigInt(SLOT_BYTES),
    },
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

test('storage is bought for a file of the node, once, on the terms that were asked for, and its slots are counted', async () => {
  const wish = randomWish(seededSource(5))
  const asked: object[] = []
  const { node, look, closing, world } = await served(false, async ({ net, clock, never }) => {
    const purchasing = new Purchasing({
      ...{ market: new FakeMarket(net, CLIENT, clock), clock, random: seededSource(1) },
      ...{ datastore: new MemoryDatastore(), log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) },
      keepUntil: async () => undefined,
    })
    await purchasing.start(never)
    return {
      purchasing,
      buy: (_, offer) => {
        asked.push(offer)
        return purchasing.request(wish.cid, wish.manifest, offer)
      },
    }
  })
  const { corner, files } = node
  await files.list(closing)
  const [file, ...more] = ownFiles(files.listing.value?.entries ?? [])
  expect([file, more]).toMatchObject([{ cid: String(FILE.manifestCid), name: 'mine.bin' }, []])
  if (file === undefined) return
  const wanted = {
    ...{ duration: 3600, expiry: 600, nodes: 3, tolerance: 1, proofProbability: 100n },
    ...{ pricePerBytePerSecond: 10n ** 6n, collateralPerByte: 2n },
  }
  const id = await corner.buy([file, wanted, () => undefined], closing)
  expect([id, asked]).toEqual([expect.stringMatching(/^0x[0-9a-f]{64}$/), [wanted]])
  // What is wrong with the terms is said in the node's words.
  await expect(corner.buy([file, { ...wanted, expiry: 3600 }, () => undefined], closing)).rejects.toMatchObject({
    code: 'page/node-refused',
    message: expect.stringContaining('Expiry must be') as string,
  })
  const rows = async () => (await look()).market?.bought
  await rows()
  await world.run(400)
  const states = [0, 1, 2].map((index) => world.state(slotId(id as RequestId, index)))
  const filled = states.filter((state) => state === 'Filled').length
  expect(filled).toBeGreaterThan(0)
  await vi.waitUntil(async () => (await rows())?.[0]?.filled === filled, { timeout: 10_000 })
  expect(await rows()).toMatchObject([{ requestId: id, slots: 3, endsAt: expect.any(Number) as number }])
})

test('what the store has is listed, damaged files as such; what is in use stays, and a file that comes in part is not saved', async () => {
  const { node, closing, datasets } = await served(false)
  const { files } = node
  const damaged = describeUpload(new Uint8Array(9), { filename: 'lost.bin' }).manifestCid
  const error = new CodexError('dataset/manifest-lost', 'lost')
  datasets.list.mockImplementation(async function* () {
    yield* STORED
    yield { cid: damaged, manifest: undefined, error }
  })
  await files.list(closing)
  expect(files.listing.value).toEqual({
    entries: [...STORED, { cid: damaged, manifest: undefined, problem: explain(error) }],
    hasMore: false,
  })
  const [entry] = STORED
  datasets.remove.mockResolvedValue('in use')
  await files.remove(entry, closing)
  expect([datasets.remove.mock.lastCall?.[0], files.problem.value]).toEqual([
    entry.cid,
    'mine.bin is still in use on this node and stays.',
  ])

  const written: Blob[] = []
  const end = vi.fn()
  const writable = { write: async (piece: Blob) => void written.push(piece), close: end, abort: async () => undefined }
  const showSaveFilePicker = async () => ({ createWritable: async () => writable })
  vi.stubGlobal('window', { location: window.location, showSaveFilePicker })
  datasets.manifest.mockResolvedValue(entry.manifest)
  datasets.read.mockImplementation(async function* () {
    yield new Uint8Array(150_000).fill(7)
    yield new Uint8Array(50_000).fill(7)
  })
  await files.save(entry, closing)
  expect([files.problem.value, end.mock.calls.length]).toEqual([undefined, 1])
  expect(new Uint8Array(await new Blob(written).arrayBuffer())).toEqual(new Uint8Array(200_000).fill(7))
  // A server that knows no size beforehand ends an answer in the middle as it ends a whole one.
  const whole = fetch
  vi.stubGlobal('fetch', async (...asked: Parameters<typeof fetch>) => {
    const answer = await whole(...asked)
    return new Response((await answer.arrayBuffer()).slice(0, 150_000))
  })
  await files.save(entry, closing)
  expect([files.problem.value, end.mock.calls.length, files.transfer.value]).toEqual([
    'The node sent 150000 of 200000 bytes: save the file again.',
    1,
    undefined,
  ])
})

test('more files than a page can show are not waited for', async () => {
  const { node, closing, datasets } = await served(false)
  let ended = false
  datasets.list.mockImplementation(async function* () {
    try {
      for (;;) yield STORED[0]
    } finally {
      ended = true
    }
  })
  await node.files.list(closing)
  expect(node.files.listing.value).toMatchObject({ entries: { length: MAX_LISTED }, hasMore: true })
  await vi.waitUntil(() => ended)
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
