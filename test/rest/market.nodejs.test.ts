// The marketplace's rows over the real accounting and purchasing and a fake chain, driven by the public SDK and by requests that nobody should send.

import { Codex } from '@codex-storage/sdk-js'
import { afterEach, describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { Scope } from '../../src/lib/scope.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { TypedEvents } from '../../src/lib/typedevents.ts'
import type { NodejsNode } from '../../src/nodejs.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { requestFor } from '../../src/purchasing/purchaseterms.ts'
import { Purchasing } from '../../src/purchasing/purchasing.ts'
import type { RestServer } from '../../src/rest/listen.ts'
import { tellNews } from '../../src/rest/marketplaceof.ts'
import type { MarketplaceParts, Selling } from '../../src/rest/marketparts.ts'
import { OPERATIONS, type Parameter, PLACES } from '../../src/rest/operations.ts'
import { NewsHub } from '../../src/rest/newshub.ts'
import { openApi } from '../../src/rest/openapi.ts'
import { restApp } from '../../src/rest/restapp.ts'
import type { RestParts } from '../../src/rest/restparts.ts'
import type { Shape } from '../../src/rest/shape.ts'
import { startRest } from '../../src/rest/startrest.ts'
import type { AvailabilityId } from '../../src/sales/availability.ts'
import type { NodeEvents } from '../../src/trade.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { CLIENT, type SaleHost, SaleWorld, SLOT_BYTES, START } from '../fakes/saleworld.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { expectListed } from './expectlisted.ts'
import { fakeSurface, PURCHASE } from './fakesurface.ts'
import { randomWish } from '../simulation/terms.ts'

const TOKEN = 'a-token-for-tests'
const ID = `0x${'ab'.repeat(32)}`
const AVAILABILITY = {
  totalSize: SLOT_BYTES,
  duration: 3600,
  minPricePerBytePerSecond: '10',
  totalCollateral: '9000000',
}

/** None is a number of any field. */
const WRONG = [-1, 1.5, 'much', [1], {}, 1e300]
const MUCH = String(2n ** 256n)

interface Surface extends RestServer {
  readonly world: SaleWorld
  readonly sdk: Codex
  readonly hub: NewsHub
  /** `GET /api/v1/health`, as hono has them. */
  readonly routes: readonly string[]
  /** The rows of /api/codex/v1: status and text. */
  codex(method: string, path: string, body?: unknown): Promise<[number, string]>
  /** The rows of /api/v1: status and document. */
  own(method: string, path: string, body?: unknown): Promise<[number, unknown]>
}

const open: RestServer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

async function surface(slots = 0): Promise<Surface> {
  const world = new SaleWorld()
  const host = await world.host('host', slots)
  const wish = randomWish(seededSource(5))
  const buying = new Purchasing({
    market: new FakeMarket(world.net, CLIENT, world.clock),
    clock: world.clock,
    random: seededSource(1),
    datastore: new MemoryDatastore(),
    log: host.parts.repo.parts.log,
    keepUntil: async () => undefined,
  })
  await buying.start(world.never)
  await host.sales.start(world.never)
  const hub = new NewsHub()
  const clock = new SystemClock()
  const levels = new LogLevels('info')
  const log = new Log({ clock, levels, sinks: [hub.sink] })
  const marketplace: MarketplaceParts = {
    market: host.market,
    clock: world.clock,
    selling: sellingOf(host),
    buying: { purchasing: buying, buy: (_, offer) => buying.request(wish.cid, wish.manifest, offer) },
    validating: undefined,
    alerts: [],
  }
  const parts: Omit<RestParts, 'background'> = {
    // Of the node only these are asked here; what protecting does, its own tests say.
    node: {
      repo: host.parts.repo,
      datasets: host.parts.datasets,
    } as unknown as RestParts['node'],
    network: {
      hasPeers: false,
      peerId: '16Uiu2HAm3x1w6YhDkVkKxBWBMGdVpXo1FqNqiYMSgPTnbJkKmxWQ',
      spr: () => 'spr:record',
      peers: () => [],
      addresses: () => [],
      manifest: async () => ({ kind: 'plain', blockSize: 65_536, datasetSize: 300_000, treeCid: wish.cid }),
      fetch: async () => undefined,
    } as unknown as RestParts['network'],
    log,
    levels,
    hub,
    clock,
    startedAt: clock.now(),
    ...{ version: '0', revision: '' },
    dataDir: '/data',
    marketplace: { isWanted: true, parts: () => marketplace, waiting: () => undefined, unproven: () => undefined },
  }
  const server = await startRest(parts, { address: '127.0.0.1', port: 0, token: TOKEN })
  open.push(server)
  const send = async (url: string, method: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, {
      method,
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    expectListed(method, new URL(url).pathname, answer.status)
    return answer
  }
  return {
    ...server,
    world,
    hub,
    routes: routesOf(parts),
    sdk: new Codex(server.url.replace(/\/$/, '')),
    async codex(method, path, body) {
      const answer = await send(`${server.url}api/codex/v1/${path}`, method, body)
      return [answer.status, await answer.text()]
    },
    async own(method, path, body) {
      const answer = await send(`${server.url}api/v1/${path}`, method, body, { Authorization: `Bearer ${TOKEN}` })
      const found = await answer.text()
      return [answer.status, found === '' ? undefined : (JSON.parse(found) as unknown)]
    },
  }
}

function routesOf(parts: Omit<RestParts, 'background'>): string[] {
  const background = new Scope({ report: () => undefined })
  const { routes } = restApp({ ...parts, background }, [])
  // A path that ends with a slash is that of a row with an empty CID.
  return routes.flatMap(({ method, path }) =>
    /^(GET|POST|PATCH|DELETE)$/.test(method) && !path.endsWith('/') ? `${method} ${path}` : [],
  )
}

/** The accounts and sales of a host as a provider shows them. */
function sellingOf({ parts: { reservations }, sales }: SaleHost): Selling {
  return {
    reservations,
    sales,
    createAvailability: (terms) => reservations.create(terms),
    changeAvailability: (id, changes) => reservations.change(id as AvailabilityId, changes),
    list: () =>
      sales.agents.map(({ slot, state, phase, reservation }) => ({
        ...slot,
        slotId: slotId(slot.requestId, slot.slotIndex),
        state,
        since: START,
        phase,
        proven: 0,
        missed: 0,
        reservation,
        why: undefined,
      })),
    ended: () => [],
    decisions: (count, id) => sales.decisions.latest(count, id as RequestId | undefined),
    earnings: [0, 1].map((slotIndex) => ({
      ...{ at: START, requestId: ID, slotIndex, end: 'paid' },
      ...{ reward: 5n * 10n ** 19n, lostCollateral: 2n },
    })),
    earningTotals: { reward: 10n ** 20n, lostCollateral: 5n },
    proofs: { submitted: 7, missed: 2 },
    meter: { lastSeconds: 1.5, developmentMark: 'for development only' },
    get holds() {
      return sales.isPaused ? ['paused'] : []
    },
    pause: async () => sales.pause(),
    resume: async () => sales.resume(),
    drain: (options) => sales.drain(options),
  }
}

interface Answer {
  readonly error: boolean
  readonly data: unknown
}

async function good<A extends Answer>(answer: Promise<A>): Promise<Extract<A, { error: false }>['data']> {
  const { error, data } = await answer
  if (error) throw data
  return data
}

describe('availabilities', () => {
  it('are made, listed and changed field by field through the SDK', async () => {
    const { sdk } = await surface()
    const { marketplace } = sdk
    const made = await good(
      marketplace.createAvailability({
        totalSize: SLOT_BYTES,
        duration: 3600,
        minPricePerBytePerSecond: 10,
        totalCollateral: 9_000_000,
      }),
    )
    expect(made).toMatchObject({ freeSize: SLOT_BYTES, enabled: true, until: 0 })
    const listed = async () => (await good(marketplace.availabilities())).find(({ id }) => id === made.id)
    expect(await listed()).toMatchObject({
      totalSize: SLOT_BYTES,
      totalCollateral: 9_000_000n,
      totalRemainingCollateral: 9_000_000n,
      minPricePerBytePerSecond: 10n,
    })
    for (const change of [
      { totalSize: 2 * SLOT_BYTES },
      { duration: 7200 },
      { minPricePerBytePerSecond: 11 },
      { totalCollateral: 9_000_001 },
      { enabled: false },
      { until: 4_000_000_000 },
    ])
      await good(marketplace.updateAvailability({ id: made.id, ...change }))
    expect(await listed()).toMatchObject({
      totalSize: 2 * SLOT_BYTES,
      freeSize: 2 * SLOT_BYTES,
      duration: 7200,
      minPricePerBytePerSecond: 11n,
      totalRemainingCollateral: 9_000_001n,
      enabled: false,
      until: 4_000_000_000,
    })
    expect(await good(marketplace.reservations(made.id))).toEqual([])
  })

  it('are refused in the order and the words that others compare, never with 500', async () => {
    const { codex } = await surface()
    const refused = (change: object) => codex('POST', 'sales/availability', { ...AVAILABILITY, ...change })
    const zero = { totalSize: 0, duration: 0, minPricePerBytePerSecond: 0, totalCollateral: 0, until: -1 }
    expect(await refused(zero)).toEqual([422, 'Total size must be larger then zero'])
    expect(await refused({ ...zero, totalSize: 1 })).toEqual([422, 'duration must be larger then zero'])
    expect((await refused({ minPricePerBytePerSecond: '', totalCollateral: '0' }))[1]).toBe(
      'minPricePerBytePerSecond must be larger then zero',
    )
    expect((await refused({ totalCollateral: '0x0' }))[1]).toBe('totalCollateral must be larger then zero')
    for (const totalSize of ['-1', -1, '18446744073709551616'])
      expect(await refused({ totalSize })).toEqual([400, 'Parsed integer outside of valid range'])
    const exact = JSON.stringify({ ...AVAILABILITY, totalSize: 0 })
    expect(
      await codex('POST', 'sales/availability', exact.replace('"totalSize":0', '"totalSize":9007199254740993')),
    ).toEqual([422, 'Not enough storage quota'])
    expect(await refused({ totalSize: 2 ** 50, until: -1 })).toEqual([422, 'Not enough storage quota'])
    expect(await refused({ until: -1 })).toEqual([422, 'Cannot set until to a negative value'])
    expect(await codex('POST', 'sales/availability', {})).toEqual([422, 'Total size must be larger then zero'])
    for (const unparsable of [
      { totalSize: -1 },
      { totalSize: 1.5 },
      { totalSize: 'much' },
      { totalCollateral: String(2n ** 256n) },
      { totalCollateral: 1e30 },
      { enabled: 'yes' },
      { duration: [1] },
    ])
      expect([unparsable, (await refused(unparsable))[0]]).toEqual([unparsable, 400])
    for (const body of ['', '{', '[]', 'null', '"x"', '{"totalSize":'.repeat(100)])
      expect([body, (await codex('POST', 'sales/availability', body))[0]]).toEqual([body, 400])
    expect((await codex('POST', 'sales/availability', 'x'.repeat(70_000)))[0]).toBe(413)
    expect(JSON.parse((await codex('GET', 'sales/availability'))[1])).toEqual([])
  })

  it('take numbers that JavaScript cannot say: as digits in quotes or without, and in hex', async () => {
    const { codex } = await surface()
    const most = Number.MAX_SAFE_INTEGER
    const made = JSON.stringify({ ...AVAILABILITY, totalCollateral: '0xFF', duration: 0 })
    const [status, text] = await codex(
      'POST',
      'sales/availability',
      made.replace('"duration":0', '"duration":18446744073709551615'),
    )
    expect([status, JSON.parse(text)]).toMatchObject([201, { duration: most, totalCollateral: '255' }])
    const { id } = JSON.parse(text) as { id: string }
    const path = `sales/availability/${id}`
    expect(await codex('PATCH', path, { minPricePerBytePerSecond: String(2n ** 256n - 1n) })).toEqual([204, ''])
    expect(await codex('PATCH', path, '{"totalSize":9007199254740993}')).toEqual([422, 'Not enough storage quota'])
    expect(await codex('PATCH', path, '{"until":9223372036854775807}')).toEqual([204, ''])
    expect(JSON.parse((await codex('GET', 'sales/availability'))[1])).toMatchObject([{ until: most }])
  })

  it('keep what is taken and keep to rules on until when they are changed', async () => {
    const { codex, world } = await surface(2)
    await world.ask()
    await world.run(60)
    const [{ id, freeSize }] = JSON.parse((await codex('GET', 'sales/availability'))[1]) as [
      { id: string; freeSize: number },
    ]
    expect(freeSize).toBe(SLOT_BYTES)
    const patch = (change: object, name = id) => codex('PATCH', `sales/availability/${name}`, change)
    expect(await patch({ totalSize: SLOT_BYTES - 1 })).toEqual([
      422,
      `New totalSize must be larger then current totalSize - freeSize, which is currently: ${SLOT_BYTES}`,
    ])
    expect(await patch({ totalSize: 0 })).toEqual([422, 'Total size must be larger then zero'])
    expect((await patch({ freeSize: 1 }))[0]).toBe(422)
    expect(await patch({ until: -1 })).toEqual([422, 'Cannot set until to a negative value'])
    expect(await patch({ until: START })).toEqual([
      422,
      'Until parameter must be greater or equal to the longest currently hosted slot',
    ])
    expect(await patch({ totalSize: 2 ** 50 })).toEqual([422, 'Not enough storage quota'])
    expect((await patch({ totalCollateral: '1' }))[0]).toBe(422)
    expect(await patch({ totalSize: SLOT_BYTES })).toEqual([204, ''])
    for (const zero of [{ duration: 0 }, { minPricePerBytePerSecond: '0' }, { totalCollateral: '0' }])
      expect(await patch(zero)).toEqual([204, ''])
    expect(JSON.parse((await codex('GET', 'sales/availability'))[1])).toMatchObject([
      { duration: 0, minPricePerBytePerSecond: '0', totalRemainingCollateral: '0' },
    ])
    expect((await codex('PATCH', `sales/availability/${ID}`, '{'))[0]).toBe(400)
    expect((await patch({ totalSize: 0 }, ID))[0]).toBe(404)
    for (const wrong of ['0x12', 'x', `${ID}00`, '..%2f']) expect((await patch({}, wrong))[0]).toBe(400)
    const reservations = JSON.parse(
      (await codex('GET', `sales/availability/${id.slice(2)}/reservations`))[1],
    ) as object[]
    expect(reservations).toMatchObject([{ availabilityId: id, slotIndex: 0 }])
    expect((await codex('GET', `sales/availability/${ID}/reservations`))[0]).toBe(404)
  })
})

describe('slots', () => {
  it('are those of the chain, each with its request, and the agent of one tells its state', async () => {
    const { sdk, world, codex } = await surface(2)
    expect(await good(sdk.marketplace.activeSlots())).toEqual([])
    const { id, slot, request } = await world.ask({ duration: 3000n })
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(1)
    const [active] = (await good(sdk.marketplace.activeSlots())) as unknown[]
    expect(active).toMatchObject({
      id: slot(0),
      slotIndex: 0,
      request: { id, client: CLIENT, ask: { duration: 3000, slots: 1, proofProbability: '1' }, nonce: request.nonce },
    })
    const agent = await good(sdk.marketplace.activeSlot(slot(0)))
    expect(agent).toMatchObject({ requestId: id, slotIndex: 0, request: { id }, reservation: { requestId: id } })
    expect(agent.state).toMatch(/^Sale(Filled|Proving)$/)
    expect((await codex('GET', `sales/slots/${ID}`))[0]).toBe(404)
    expect((await codex('GET', 'sales/slots/nonsense'))[0]).toBe(400)
  })

  it.each([
    ['market/bad-answer', 200],
    ['market/answer-too-long', 200],
    ['market/unreachable', 500],
  ])(
    'are told without one whose answer makes no sense, and not where there is none: %s is %i',
    async (code, status) => {
      const terms = { duration: 3600, pricePerBytePerSecond: 10n, collateralPerByte: 2n, expiry: 600 }
      const request = requestFor(randomWish(seededSource(5)), terms, { client: CLIENT, random: seededSource(6) })
      const ids = [`0x${'01'.repeat(32)}`, ID]
      const market = {
        mySlots: async () => ids,
        activeSlot: async (slotId: string) => {
          if (slotId === ID) throw new CodexError(code, 'as the test asked for')
          return { slotId, requestId: requestId(request), request, slotIndex: 0 }
        },
      }
      const parts = () => ({ market, selling: {} }) as never
      const marketplace = { isWanted: true, parts, waiting: () => undefined, unproven: () => undefined }
      const answer = await fakeSurface({ node: {}, network: {}, marketplace })('codex/v1/sales/slots', {})
      expect(answer.status).toBe(status)
      if (status === 200)
        expect(await answer.json()).toMatchObject([{ id: ids[0], slotIndex: 0, request: { id: requestId(request) } }])
    },
  )
})

describe('purchases', () => {
  const cid = String(randomWish(seededSource(5)).cid)

  it('are asked for and followed through the SDK', async () => {
    const { sdk, own, world } = await surface()
    const id = await good(
      sdk.marketplace.createStorageRequest({
        cid,
        duration: 3600,
        proofProbability: 3,
        pricePerBytePerSecond: 10,
        collateralPerByte: 2,
        expiry: 600,
        nodes: 3,
        tolerance: 1,
      }),
    )
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    await world.run(30)
    expect(await good(sdk.marketplace.purchaseIds())).toEqual([`0x${id}`])
    const purchase = await good(sdk.marketplace.purchaseDetail(id))
    expect(purchase).toMatchObject({ requestId: `0x${id}`, state: 'submitted' })
    expect(purchase.request?.ask).toMatchObject({ duration: 3600, proofProbability: 3 })
    const slots = Number(purchase.request?.ask.slots)
    // Where a host has filled the first of them, the client sees it.
    expect(await own('GET', `purchases/0x${id}/slots`)).toMatchObject([200, { slots, filled: 0 }])
    const host = await world.host('another', 2 * slots, {}, { duration: 7200 })
    await host.sales.start(world.never)
    await world.runUntil(() => host.sales.agents.some(({ state }) => state === 'SaleFilled' || state === 'SaleProving'))
    const [status, seen] = await own('GET', `purchases/0x${id}/slots`)
    expect(status).toBe(200)
    expect(seen).toMatchObject({ slots, endsAt: expect.any(Number) as number })
    expect((seen as { readonly filled: number }).filled).toBeGreaterThan(0)
    expect((await own('GET', `purchases/${ID}/slots`))[0]).toBe(404)
  })

  it('that are over leave what is left to who asks for it, on record or not, and say why nothing is', async () => {
    const { own, world } = await surface()
    const [over, running] = [await world.ask({}, 600n), await world.ask({}, 3000n)]
    const withdraw = async (id: string) => {
      let answer: [number, unknown] | undefined
      const asked = own('POST', `purchases/${id}/withdraw`).then((found) => (answer = found))
      await world.runUntil(() => answer !== undefined)
      return asked
    }
    await world.run(700)
    expect(await withdraw(running.id)).toMatchObject([409, { code: 'purchase/not-over' }])
    const before = await world.client.tokenBalance(world.never)
    expect(await withdraw(over.id.slice(2))).toMatchObject([200, { requestId: over.id, state: 'cancelled' }])
    const { slotSize, pricePerBytePerSecond, duration } = over.request.ask
    expect((await world.client.tokenBalance(world.never)) - before).toBe(slotSize * pricePerBytePerSecond * duration)
    expect(await own('GET', `purchases/${over.id}`)).toMatchObject([200, { state: 'cancelled' }])
    expect(await withdraw(over.id)).toMatchObject([409, { code: 'purchase/nothing-to-withdraw' }])
    expect(await withdraw(ID)).toMatchObject([404, { code: 'purchase/not-found' }])
    // The one that was not over was taken up by it.
    await world.run(3000)
    expect(await own('GET', `purchases/${running.id}`)).toMatchObject([200, { state: 'cancelled' }])
  })

  it('of more slots than a dataset has are not counted: the endpoint is asked for none of them', async () => {
    const { own, world } = await surface()
    const asked = world.request()
    const id = world.tell({ ...asked, ask: { ...asked.ask, slots: 200_000n } })
    await world.run(30)
    expect(await own('POST', `purchases/${id}/withdraw`)).toMatchObject([409, { code: 'purchase/not-over' }])
    expect(await own('GET', `purchases/${id}/slots`)).toMatchObject([200, { slots: 200_000, filled: null }])
  })

  it('are refused in the order and the words that others compare, never with 500', async () => {
    const { codex } = await surface()
    const refused = (change: object, name = cid) => codex('POST', `storage/request/${name}`, { ...PURCHASE, ...change })
    const expiry = "Expiry must be greater than zero and less than the request's duration"
    for (const change of [{ expiry: 0, tolerance: 0 }, { expiry: 3600 }, { duration: 0 }])
      expect(await refused(change)).toEqual([422, expiry])
    expect((await refused({ proofProbability: '0', tolerance: 0 }))[1]).toContain('probability')
    expect((await refused({ collateralPerByte: 0, pricePerBytePerSecond: 0 }))[1]).toContain('Collateral')
    expect((await refused({ pricePerBytePerSecond: 0, tolerance: 0 }))[1]).toContain('Price')
    expect((await refused({ duration: 31 * 24 * 3600, tolerance: 0 }))[1]).toContain('limit')
    expect(await refused({ tolerance: 0 })).toEqual([422, 'Tolerance needs to be bigger then zero'])
    expect(await refused({ tolerance: 4 })).toEqual([
      422,
      'Invalid parameters: `tolerance` cannot be greater than `nodes`',
    ])
    const satify = 'Invalid parameters: parameters must satify `1 < (nodes - tolerance) ≥ tolerance`'
    for (const [nodes, tolerance] of [
      [1, 1],
      [2, 1],
      [5, 3],
    ])
      expect(await refused({ nodes, tolerance })).toEqual([422, satify])
    expect(await refused({ nodes: 9, tolerance: 1 })).toEqual([
      422,
      `Dataset too small for erasure parameters, need at least ${8 * 65_536} bytes`,
    ])
    // More than 256 bits hold: of itself, with the duration, and with the size of the dataset.
    const most = 2n ** 256n - 1n
    for (const [name, value] of [
      ['pricePerBytePerSecond', most],
      ['pricePerBytePerSecond', most / 3600n],
      ['pricePerBytePerSecond', most / (3600n * 3n * 131_072n * 2n) + 1n],
      ['collateralPerByte', most],
      ['collateralPerByte', most / (3n * 262_144n) + 1n],
    ] as const)
      expect(await refused({ [name]: String(value) })).toEqual([
        422,
        expect.stringContaining(`${name} must be at most`),
      ])
    for (const name of ['nonsense', '']) expect(await refused({}, name)).toEqual([400, 'Incorrect Cid'])
    expect((await refused({ nodes: -1 }))[0]).toBe(400)
    expect((await refused({ nodes: '99999999999999999999', tolerance: 1 }))[0]).toBe(400)
    expect(await codex('GET', 'storage/purchases')).toEqual([200, '[]'])
    expect((await codex('GET', `storage/purchases/${ID}`))[0]).toBe(404)
    expect((await codex('GET', 'storage/purchases/0x'))[0]).toBe(400)
  })
})

describe('our own rows', () => {
  it('name the field that is wrong, whatever is wrong with it (T37)', async () => {
    const { own } = await surface()
    const fields = ['totalSize', 'duration', 'minPricePerBytePerSecond', 'totalCollateral'] as const
    for (const field of fields)
      for (const wrong of [undefined, null, 0, -1, 1.5, '', 'much', [1], {}, true, 2n ** 256n, 1e300]) {
        const value = typeof wrong === 'bigint' ? String(wrong) : wrong
        const [status, problem] = await own('POST', 'availability', { ...AVAILABILITY, [field]: value })
        expect([field, wrong, [400, 422].includes(status)]).toEqual([field, wrong, true])
        expect([field, wrong, problem]).toMatchObject([field, wrong, { status, fields: { field } }])
      }
    expect(await own('GET', 'availability')).toEqual([200, []])
  })

  it('name the field that is wrong of a change, which changes nothing then (T37)', async () => {
    const { own, world } = await surface(2)
    const { slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(1)
    const before = await own('GET', 'availability')
    const [{ id, totalSize, freeSize }] = before[1] as [{ id: string; totalSize: number; freeSize: number }]
    const refused = async (field: string, change: object) => {
      const [status, problem] = await own('PATCH', `availability/${id}`, change)
      expect([change, status >= 400 && status < 500, problem]).toMatchObject([change, true, { fields: { field } }])
    }
    for (const field of ['totalSize', 'freeSize', 'duration', 'minPricePerBytePerSecond', 'totalCollateral', 'until'])
      for (const wrong of [...WRONG, true, MUCH]) await refused(field, { [field]: wrong })
    for (const wrong of [...WRONG, 0, 1, 'yes']) await refused('enabled', { enabled: wrong })
    // Each is sound by itself, and not beside what slots have taken, or what the space is made of.
    expect(freeSize).toBeLessThan(totalSize)
    for (const [field, change] of [
      ['totalSize', { totalSize: 0 }],
      ['totalSize', { totalSize: totalSize - freeSize - 1 }],
      ['totalSize', { duration: 7200, totalSize: 1 }],
      ['totalSize', { totalSize: 2 ** 45 }],
      ['freeSize', { freeSize }],
      ['freeSize', { freeSize: 0 }],
      ['until', { until: 1 }],
    ] as const)
      await refused(field, change)
    expect(await own('GET', 'availability')).toEqual(before)
  })

  it('name the field that is wrong of a purchase, and ask for none then (T37)', async () => {
    const { own } = await surface()
    const cid = String(randomWish(seededSource(5)).cid)
    const refused = async (field: string, change: object) => {
      const [status, problem] = await own('POST', `purchases/${cid}`, { ...PURCHASE, ...change })
      expect([change, status >= 400 && status < 500, problem]).toMatchObject([change, true, { fields: { field } }])
    }
    for (const field of Object.keys(PURCHASE))
      for (const wrong of [...WRONG, true, MUCH]) await refused(field, { [field]: wrong })
    for (const field of ['expiry', 'proofProbability', 'pricePerBytePerSecond', 'collateralPerByte'])
      for (const absent of [undefined, null, '', 0]) await refused(field, { [field]: absent })
    // Each is sound by itself; a request that lasts for no time is over before it expires.
    for (const [field, change] of [
      ...[undefined, null, '', 0, 600, 599].map((duration) => ['expiry', { duration }] as const),
      ...[3600, 3601].map((expiry) => ['expiry', { expiry }] as const),
      ['tolerance', { tolerance: 0 }],
      ['tolerance', { nodes: 0 }],
      ['tolerance', { tolerance: 4 }],
      ['nodes', { nodes: 1 }],
      ['nodes', { nodes: 2 }],
      ['nodes', { nodes: 5, tolerance: 3 }],
      ['nodes', { tolerance: 3 }],
    ] as const)
      await refused(field, change)
    expect(await own('GET', 'purchases')).toEqual([200, []])
  })

  it('name the field that is wrong in a problem document', async () => {
    const { own } = await surface()
    expect(await own('POST', 'availability', { ...AVAILABILITY, duration: 0 })).toEqual([
      422,
      {
        type: 'about:blank',
        status: 422,
        title: 'duration must be larger then zero',
        code: 'rest/bad-terms',
        fields: { field: 'duration' },
      },
    ])
    expect((await own('POST', 'availability', { ...AVAILABILITY, totalSize: -1 }))[1]).toMatchObject({
      status: 400,
      code: 'rest/bad-field',
      fields: { field: 'totalSize' },
    })
    // RFC 9457 has a text of that name.
    expect((await own('POST', 'availability', { totalSize: -1 }))[1]).not.toHaveProperty('detail')
    const [, made] = await own('POST', 'availability', { ...AVAILABILITY, until: 4_000_000_000 })
    const { id } = made as { readonly id: string }
    const cid = String(randomWish(seededSource(5)).cid)
    const tooMuch = String(2n ** 256n - 1n)
    for (const [method, path, field, body] of [
      ['GET', 'decisions?count=0', 'count'],
      ['GET', 'decisions?request=x', 'request'],
      ['GET', 'purchases/0x1', 'id'],
      ['GET', 'datasets/nonsense/slots', 'cid'],
      ['POST', `datasets/${cid}/protect?tolerance=1`, 'nodes'],
      ['POST', `datasets/${cid}/protect?nodes=3&tolerance=x`, 'tolerance'],
      ['POST', `datasets/${cid}/slots/build?index=-1`, 'index'],
      ['GET', `datasets/${cid}/content?offset=x`, 'offset'],
      ['GET', `datasets/${cid}/slots/x/proof-input`, 'index'],
      ['POST', 'availability', 'body', '{'],
      ['POST', 'availability', 'until', { ...AVAILABILITY, until: -1 }],
      ['POST', 'availability', 'totalSize', { ...AVAILABILITY, totalSize: 2 ** 45 }],
      ['PATCH', `availability/${id}`, 'totalSize', { totalSize: 2 ** 45 }],
      ['PATCH', `availability/${id}`, 'until', { until: -1 }],
      ['POST', 'purchases/nonsense', 'cid', PURCHASE],
      ['POST', `purchases/${cid}`, 'tolerance', { ...PURCHASE, tolerance: 0 }],
      ['POST', `purchases/${cid}`, 'pricePerBytePerSecond', { ...PURCHASE, pricePerBytePerSecond: tooMuch }],
    ] as const) {
      const [status, problem] = await own(method, path, body)
      expect([path, status >= 400 && status < 500, problem]).toMatchObject([path, true, { fields: { field } }])
    }
    expect((await own('DELETE', `availability/${ID}`))[0]).toBe(404)
    expect((await own('GET', 'decisions?count=0'))[0]).toBe(400)
    expect((await own('GET', 'decisions?request=x'))[0]).toBe(400)
  })

  it('delete what is empty, tell why slots were ignored, pause, and say what is earned and at risk', async () => {
    const { own, world, url } = await surface()
    const [, made] = await own('POST', 'availability', AVAILABILITY)
    const { id } = made as { id: string }
    expect(await own('DELETE', `availability/${id}`)).toEqual([204, undefined])
    expect(await own('GET', 'availability')).toEqual([200, []])
    const asked = await world.ask()
    await world.run(30)
    const [, decisions] = await own('GET', `decisions?request=${asked.id}`)
    expect(decisions).toContainEqual(expect.objectContaining({ verdict: 'ignored', requestId: asked.id }))
    expect(await own('POST', 'pause')).toEqual([200, { holds: ['paused'], running: 0 }])
    expect((await own('GET', 'alerts'))[1]).toMatchObject({ alerts: [{ code: 'sales/paused' }] })
    expect(await own('POST', 'resume')).toEqual([200, { holds: [], running: 0 }])
    expect((await own('GET', 'earnings'))[1]).toMatchObject({ total: String(10n ** 20n), lost: '5', committed: '0' })
    expect((await own('GET', 'earnings'))[1]).toMatchObject({ slots: [{ slotIndex: 0 }, { slotIndex: 1 }] })
    const latest = (await own('GET', 'earnings?count=1'))[1]
    expect(latest).toMatchObject({ total: String(10n ** 20n), slots: [{ slotIndex: 1 }] })
    expect((await own('GET', 'sales/ended?count=0'))[0]).toBe(400)
    const headers = { Authorization: `Bearer ${TOKEN}` }
    const checked = await fetch(`${url}api/v1/space/check`, { method: 'POST', headers })
    expect(await checked.text()).toMatch(/^\{"works":1\}\n\{"answer":\{"problems":\[\]\}\}\n$/)
    expect((await own('GET', 'readiness'))[1]).toEqual({ ready: true, reasons: [] })
  })

  it('send what is logged and how it stands as events', async () => {
    const { url, hub } = await surface()
    const gone = new AbortController()
    const answer = await fetch(`${url}api/v1/events`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
      signal: gone.signal,
    })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    hub.sink({ level: 'warn', time: 1, topic: 'test', message: 'something', fields: {} })
    const events = new TypedEvents<NodeEvents>()
    tellNews({ events } as NodejsNode, hub, gone.signal)
    events.emit('alertOver', { code: 'market/unreachable', at: 3, over: 9, cause: 'c', atStake: 7n, action: 'a' })
    let found = ''
    for await (const part of answer.body ?? []) {
      found += Buffer.from(part).toString()
      if (found.includes('event: alertOver')) break
    }
    expect(found).toMatch(/event: alertOver\ndata: \{"code":"market\/unreachable","at":3,"over":9,.*"atStake":"7"/)
    expect(found).toMatch(/^event: status\ndata: \{"ready":true/)
    expect(found).toContain('"message":"something"')
    expect(found).toContain('"developmentMark":"for development only"')
    gone.abort()
  })

  it('give numbers to Prometheus in its own form', async () => {
    const { url } = await surface(1)
    const answer = await fetch(`${url}api/v1/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } })
    const text = await answer.text()
    expect(text).toContain(`codex_provider_availability_total_bytes ${SLOT_BYTES}\n`)
    expect(text).toContain('codex_light_chain_endpoint_up 1\n')
    expect(text).toContain('codex_light_chain_clock_drift_seconds 0\n')
    expect(text).toContain('# TYPE codex_provider_proofs_missed_total counter\ncodex_provider_proofs_missed_total 2\n')
    expect(text).toContain('codex_provider_proofs_submitted_total 7\n')
    expect(text).toContain(`codex_provider_rewards_base_units_total ${10n ** 20n}\n`)
    expect(text).toContain('codex_provider_collateral_lost_base_units_total 5\n')
    expect(text).toMatch(/^codex_light_key_coins_wei \d+$/m)
    expect(text).toContain('# TYPE codex_light_alerts gauge\n')
    // As a known board has them.
    expect(text).toMatch(/^codex_repostore_bytes_used \d+$/m)
    expect(text).toContain(`codex_repostore_bytes_reserved ${SLOT_BYTES}\n`)
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+]+)$/)
  })
})

describe('the OpenAPI document', () => {
  it('has no two paths that differ in the names of their parameters only', () => {
    const paths = Object.keys(openApi('0').paths)
    expect(new Set(paths.map((path) => path.replace(/\{\w+\}/g, '{}'))).size).toBe(paths.length)
  })

  it('says of every parameter what is read: what it leaves out is refused by name, as is one that is wanted and missing', async () => {
    const { own } = await surface()
    const cid = String(randomWish(seededSource(5)).cid)
    /** Read by what is no part of this surface, or only where there are peers. */
    const elsewhere = ['challenge', 'stall', 'address']
    const tried: string[] = []
    for (const { method, path, query = {} } of OPERATIONS.filter(({ path }) => path.startsWith('/api/v1/'))) {
      const place = path.slice('/api/v1/'.length).replace(':cid', cid).replace(':index', '0').replace(':id', ID)
      const names = Object.keys(query).filter((name) => !elsewhere.includes(name))
      const good = Object.fromEntries(names.map((name) => [name, goodOf(query[name]?.schema)]))
      for (const name of names)
        for (const value of badOf(query[name])) {
          const { [name]: _, ...others } = good
          const asked = new URLSearchParams({ ...others, ...(value !== undefined && { [name]: value }) })
          const [status, problem] = await own(method.toUpperCase(), `${place}?${asked}`)
          expect([place, name, value, status, problem]).toMatchObject([
            place,
            name,
            value,
            400,
            { fields: { field: name } },
          ])
          tried.push(name)
        }
      for (const edge of ['minimum', 'maximum'])
        if (names.includes('count')) {
          const asked = `${place}?count=${String(query['count']?.schema[edge])}`
          expect([asked, (await own('GET', asked))[0]]).toEqual([asked, 200])
        }
    }
    expect([...new Set(tried)].sort()).toEqual(['count', 'index', 'length', 'nodes', 'offset', 'request', 'tolerance'])
  })

  it('says of what varies in paths what is read', async () => {
    const { own, codex } = await surface()
    const cid = String(randomWish(seededSource(5)).cid)
    let asked = 0
    for (const { method, path, places = {} } of OPERATIONS) {
      const [name = ''] = /(?<=:)(?:id|index|peerId)/.exec(path) ?? []
      if (name === '' || name in places) continue
      const { type, pattern } = PLACES[name] ?? {}
      expect([name, type === 'integer' || (typeof pattern === 'string' && !new RegExp(pattern).test('x'))]).toEqual([
        name,
        true,
      ])
      const [, room = '', place = ''] = /^\/api\/(codex\/)?v1\/(.*)/.exec(path) ?? []
      const wrong = place.replace(':cid', cid).replace(`:${name}`, 'x')
      const ask = room === '' ? own : codex
      const [status] = await ask(method.toUpperCase(), wrong, method === 'get' ? undefined : '{}')
      expect([method, wrong, status]).toEqual([method, wrong, 400])
      asked++
    }
    expect(asked).toBeGreaterThan(9)
  })

  it('tells the kind of every parameter, and that every path may be asked for its methods', () => {
    type Told = Readonly<Record<string, { readonly parameters: { in: string; required: boolean; schema?: object }[] }>>
    for (const [path, methods] of Object.entries(openApi('0').paths as Readonly<Record<string, Told>>)) {
      expect([path, Object.keys(methods)]).toEqual([path, expect.arrayContaining(['options'])])
      for (const { parameters } of Object.values(methods))
        for (const parameter of parameters)
          expect([path, parameter]).toMatchObject([
            path,
            {
              required: parameter.in === 'path' ? true : expect.any(Boolean),
              schema: { type: expect.stringMatching(/^(string|integer|array)$/) },
            },
          ])
    }
    const { paths } = openApi('0') as unknown as { readonly paths: Readonly<Record<string, Told>> }
    const level = paths['/api/codex/v1/debug/chronicles/loglevel']?.['post']?.parameters
    expect(level).toMatchObject([{ name: 'level', in: 'query', required: true }])
    const addrs = paths['/api/codex/v1/connect/{peerId}']?.['get']?.parameters
    expect(addrs).toContainEqual(
      expect.objectContaining({ name: 'addrs', schema: expect.objectContaining({ type: 'array' }) }),
    )
  })

  it('has every row that is served, and answers have the shapes it names', async () => {
    const { own, codex, world, routes } = await surface(2)
    expect([...routes].sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort())
    const { id, slot } = await world.ask()
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(1)
    const [, document] = await own('GET', 'openapi.json')
    const { paths } = document as { paths: Record<string, Record<string, unknown>> }
    for (const { method, path } of OPERATIONS)
      expect(Object.keys(paths[path.replace(/:(\w+)/g, '{$1}')] ?? {})).toContain(method)
    const [, all] = await own('GET', 'availability')
    const names = { availability: (all as [{ id: string }])[0].id, sales: slot(0) }
    let compared = 0
    for (const { method, path, answers } of OPERATIONS) {
      const answer = answers[200]
      // Of those that can be had as text too, the document.
      const shape = Array.isArray(answer) ? (answer as readonly unknown[])[0] : answer
      if (method !== 'get' || typeof shape !== 'object' || /connect|data|blocks/.test(path)) continue
      const room = path.includes('availability/') ? 'availability' : /\/(sales|purchases)\//.exec(path)?.[1]
      if (room === 'purchases') continue
      const asked = path.replace(':id', names[room as keyof typeof names] ?? id)
      const [status, found] = asked.startsWith('/api/v1/')
        ? await own('GET', asked.slice('/api/v1/'.length))
        : await codex('GET', asked.slice('/api/codex/v1/'.length)).then(([code, body]) => [
            code,
            JSON.parse(body) as unknown,
          ])
      expect([asked, status]).toEqual([asked, 200])
      ;(shape as Shape<unknown>).read(found, asked)
      compared++
    }
    expect(compared).toBeGreaterThan(15)
  })
})

/** A text that a parameter of this schema takes. */
function goodOf(schema: Parameter['schema'] = {}): string {
  if (schema['type'] === 'integer') return '1'
  return 'pattern' in schema ? ID : 'x'
}

/** Texts beside what its schema says; undefined where it is wanted. */
function badOf(parameter: Parameter | undefined): (string | undefined)[] {
  const { schema = {}, isRequired = false } = parameter ?? {}
  const missing = isRequired ? [undefined] : []
  if (schema['type'] === 'integer')
    return [
      ...missing,
      'x',
      '1.5',
      String(Number(schema['minimum']) - 1),
      String(BigInt(Number(schema['maximum'])) + 1n),
    ]
  return 'pattern' in schema ? [...missing, 'x'] : missing
}
