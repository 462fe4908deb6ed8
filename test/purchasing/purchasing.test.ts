// The client's side over the fake chain: how each purchase ends, and that its money comes back. Names in brackets are the lines of the checklist
// (marketplace reference §7.1).

import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { Purchase, PurchaseState } from '../../src/purchasing/purchase.ts'
import { PURCHASES_PREFIX, purchaseChange, readPurchase } from '../../src/purchasing/purchaserecord.ts'
import type { PurchaseTerms } from '../../src/purchasing/purchaseterms.ts'
import { DEFAULT_PROOF_PROBABILITY, totalPrice } from '../../src/purchasing/purchaseterms.ts'
import { Purchasing } from '../../src/purchasing/purchasing.ts'
import { slotId } from '../../src/protocol/ids.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { FakeChainWorld } from '../fakes/fakechainworld.ts'
import { FakeMarket, type MarketFaults } from '../fakes/fakemarket.ts'
import { CLIENT, RICH, START, addressOf } from '../fakes/saleworld.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { randomWish } from '../simulation/terms.ts'

const BLOCK_SECONDS = 10
const HOST = addressOf('host')
const TERMS: PurchaseTerms = { duration: 3600, expiry: 600, pricePerBytePerSecond: 2n, collateralPerByte: 3n }
const ZERO = { real: 0n, imag: 0n }
const PROOF = { a: { x: 1n, y: 0n }, b: { x: ZERO, y: ZERO }, c: { x: 0n, y: 0n } }
const never = { signal: new AbortController().signal }

class World {
  readonly clock = new ManualClock(START)
  readonly net = new FakeChainWorld({ clock: this.clock })
  readonly datastore = new MemoryDatastore()
  readonly host = new FakeMarket(this.net, HOST, this.clock)
  readonly wish = randomWish(seededSource(5))
  readonly kept: Seconds[] = []
  readonly logged: LogRecord[] = []
  #next = START + BLOCK_SECONDS

  constructor() {
    for (const holder of [CLIENT, HOST]) this.net.mint(holder, RICH)
  }

  client(
    faults: MarketFaults = {},
    address = CLIENT,
    market = new FakeMarket(this.net, address, this.clock, { faults }),
  ): Purchasing {
    return new Purchasing({
      market,
      clock: this.clock,
      random: seededSource(this.#next),
      datastore: this.datastore,
      log: new Log({ clock: this.clock, levels: new LogLevels('info'), sinks: [(record) => this.logged.push(record)] }),
      keepUntil: async (_, until) => {
        this.kept.push(until)
        return undefined
      },
    })
  }

  buy(client: Purchasing, terms: Partial<PurchaseTerms> = {}): Promise<Purchase> {
    return client.request(this.wish.cid, this.wish.manifest, { ...TERMS, ...terms })
  }

  async run(seconds: Seconds): Promise<void> {
    const end = this.clock.now() + seconds
    for (;;) {
      await nextTask()
      const at = Math.min(this.clock.nextDue ?? Infinity, this.#next)
      if (at > end) break
      this.clock.set(Math.max(at, this.clock.now()))
      if (at >= this.#next) {
        this.net.mine()
        this.#next += BLOCK_SECONDS
      }
    }
    this.clock.set(end)
    await nextTask()
  }

  async fill({ id, request }: Purchase): Promise<void> {
    for (let slotIndex = 0; slotIndex < Number(request.ask.slots); slotIndex++) {
      const slot = { requestId: id, slotIndex }
      // One that its block finds in the next period is withdrawn.
      for (let isFilled = false; !isFilled;) {
        const filling = this.host.reserveSlot(slot, never).then(() => this.host.fillSlot(slot, PROOF, never))
        await this.run(2 * BLOCK_SECONDS + 1)
        const outcome = await filling
        if (!outcome.done && outcome.why !== 'period over') throw new Error(`it cannot be filled: ${outcome.why}`)
        isFilled = outcome.done
      }
    }
  }

  /** Its host gives up all of its slots. */
  async lose({ id, request }: Purchase): Promise<void> {
    for (let index = 0; index < Number(request.ask.slots); index++) {
      const leaving = this.host.abandon(slotId(id, index), never).catch(() => undefined)
      await this.run(BLOCK_SECONDS)
      await leaving
    }
  }

  /** What its hosts have earned when it is over. */
  earned({ id, request }: Purchase): bigint {
    const { slots, slotSize, pricePerBytePerSecond } = request.ask
    const { records } = this.net.marketplace
    let seconds = 0n
    for (let index = 0; index < Number(slots); index++)
      seconds += records.known(id).endsAt - records.filledOnce(slotId(id, index)).filledAt
    return seconds * slotSize * pricePerBytePerSecond
  }

  get balance(): bigint {
    return this.net.token.balanceOf(CLIENT)
  }
}

async function started(faults?: MarketFaults) {
  const world = new World()
  const client = world.client(faults)
  await client.start(never)
  return { world, client }
}

describe('a request', () => {
  it('is submitted as it was given, of us, with a nonce and a proof probability of its own (submits ask; default probability; random nonce; sets client; remembers)', async () => {
    const { world, client } = await started()
    const first = await world.buy(client)
    const second = await world.buy(client, { proofProbability: 3n })
    expect(first.state).toBe('pending')
    await world.run(30)
    const { records } = world.net.marketplace
    expect(records.getRequest(first.id)).toEqual(first.request)
    expect(first.request).toMatchObject({ client: CLIENT, expiry: 600n })
    expect(first.request.ask).toMatchObject({ duration: 3600n, proofProbability: DEFAULT_PROOF_PROBABILITY })
    expect(second.request.ask.proofProbability).toBe(3n)
    expect(first.request.nonce).not.toBe(second.request.nonce)
    expect(client.purchases).toEqual([first, second])
    expect([first.state, second.state]).toEqual(['submitted', 'submitted'])
    await client.stop()
    expect(world.clock.waiting).toBe(0)
  })

  it('whose nonce is all zeros gets one of its own: asked for twice it is two requests', async () => {
    const { world, client } = await started()
    const nonce = `0x${'0'.repeat(64)}`
    const first = await world.buy(client, { nonce })
    const second = await world.buy(client, { nonce })
    expect(first.id).not.toBe(second.id)
    expect(first.request.nonce).not.toBe(nonce)
    await world.run(30)
    await client.stop()
  })

  it('starts when all slots are filled, finishes by time, and what is left comes back (succeeds after finish; withdraws in finished)', async () => {
    const { world, client } = await started()
    const before = world.balance
    const purchase = await world.buy(client)
    await world.run(30)
    expect(world.balance).toBe(before - totalPrice(purchase.request))
    await world.fill(purchase)
    await world.run(5)
    expect(purchase.state).toBe('started')
    await world.run(3700)
    expect(purchase.state).toBe('finished')
    expect(await client.ended(purchase, never)).toEqual({ end: 'finished' })
    expect(world.balance).toBe(before - world.earned(purchase))
    await client.stop()
  })

  it('is cancelled when it is not filled in time, and all comes back (times out and withdraws)', async () => {
    const { world, client } = await started()
    const before = world.balance
    const purchase = await world.buy(client)
    await world.run(700)
    expect(purchase.state).toBe('cancelled')
    expect(purchase.problem).toMatch(/timeout/)
    expect(world.balance).toBe(before)
    await client.stop()
  })

  it('fails when too many slots are lost, and all comes back (failed on event; withdraws in failed)', async () => {
    const { world, client } = await started()
    const before = world.balance
    const purchase = await world.buy(client)
    await world.run(30)
    await world.fill(purchase)
    await world.lose(purchase)
    await world.run(30)
    expect(purchase.outcome).toBeUndefined()
    await world.run(200)
    expect(purchase.outcome).toEqual({ end: 'failed' })
    expect(purchase.state).toBe('errored')
    expect(world.balance).toBe(before)
    await client.stop()
  })

  it('does not end with a failure that a reorganisation takes back (races closed)', async () => {
    const world = new World()
    const market = new FakeMarket(world.net, CLIENT, world.clock)
    const client = world.client({}, CLIENT, market)
    await client.start(never)
    const purchase = await world.buy(client)
    await world.run(30)
    await world.fill(purchase)
    const real = market.requestState.bind(market)
    let lie = 5
    market.requestState = async (id, options) => (lie-- > 0 ? 'Failed' : real(id, options))
    purchase.poke()
    await world.run(300)
    expect(lie).toBeLessThan(0)
    expect(purchase.state).toBe('started')
    await world.run(3700)
    expect(purchase.outcome).toEqual({ end: 'finished' })
    await client.stop()
  })

  it('that the chain refuses is an error, and nothing is paid (pending: error)', async () => {
    const world = new World()
    const poor = world.client({}, addressOf('poor'))
    await poor.start(never)
    const purchase = await world.buy(poor)
    await world.run(30)
    expect(purchase.state).toBe('errored')
    expect(purchase.problem).toMatch(/tokens/)
    await poor.stop()
  })

  it.each([
    ['is lost for a while', { is: 'lost', seconds: 120 }],
    ['lands unheard', { is: 'answer lost' }],
  ] as const)('whose transaction %s is no error: the chain decides', async (_, fault) => {
    let left = 1
    const { world, client } = await started({ send: () => (left-- > 0 ? fault : undefined) })
    const purchase = await world.buy(client)
    await world.run(200)
    expect(purchase.state).toBe('submitted')
    await world.run(700)
    expect(purchase.state).toBe('cancelled')
    await client.stop()
  })

  it.each<[keyof PurchaseTerms, number | bigint]>([
    ['duration', 0],
    ['duration', 31 * 24 * 3600],
    ['expiry', 0],
    ['expiry', 3600],
    ['pricePerBytePerSecond', 0n],
    ['collateralPerByte', 0n],
    ['proofProbability', 0n],
  ])('with a %s of %s is refused before anything is sent', async (term, value) => {
    const { world, client } = await started()
    await expect(world.buy(client, { [term]: value })).rejects.toMatchObject({
      code: 'purchase/bad-terms',
      detail: { term },
    })
    expect(client.purchases).toEqual([])
    await client.stop()
  })

  it('keeps the data at least until the request ends', async () => {
    const { world, client } = await started()
    const purchase = await world.buy(client)
    await world.run(30)
    await world.fill(purchase)
    await world.run(10)
    expect(world.kept.at(-1)).toBe(Number(world.net.marketplace.records.known(purchase.id).endsAt))
    await client.stop()
  })

  it('cannot be made before the start, nor after the stop', async () => {
    const world = new World()
    const client = world.client()
    await expect(world.buy(client)).rejects.toMatchObject({ code: 'purchase/stopped' })
    await client.start(never)
    await client.stop()
    await expect(world.buy(client)).rejects.toMatchObject({ code: 'purchase/stopped' })
  })
})

const fillAndRun =
  (seconds: Seconds) =>
  async (world: World, purchase: Purchase): Promise<void> => {
    await world.fill(purchase)
    await world.run(seconds)
  }
const fillAndLose = async (world: World, purchase: Purchase): Promise<void> => {
  await world.fill(purchase)
  await world.lose(purchase)
}

interface Restart {
  /** Until the node is there again. */
  readonly down: (world: World, purchase: Purchase) => Promise<void>
  /** Its state half a minute later, and at its end. */
  readonly state: PurchaseState
  readonly end: PurchaseState
  readonly problem?: RegExp
}

const RESTARTS: Readonly<Record<string, Restart>> = {
  'while it is new': { down: (world) => world.run(100), state: 'submitted', end: 'cancelled', problem: /timeout/ },
  'after it expired': { down: (world) => world.run(700), state: 'cancelled', end: 'cancelled', problem: /timeout/ },
  'after it started': { down: fillAndRun(100), state: 'started', end: 'finished' },
  'after it finished': { down: fillAndRun(4000), state: 'finished', end: 'finished' },
  'after it failed': { down: fillAndLose, state: 'failed', end: 'errored', problem: /^purchase failed/ },
}

describe('after a restart', () => {
  it.each(Object.entries(RESTARTS))(
    '%s it goes on from its record, and what is left comes back (restored; unknown → each state)',
    async (_, { down, state, end, problem }) => {
      const { world, client } = await started()
      const before = world.balance
      const purchase = await world.buy(client)
      await world.run(30)
      await client.stop()
      await down(world, purchase)
      expect(world.balance).toBe(before - totalPrice(purchase.request))
      const again = world.client()
      await again.start(never)
      const restored = again.purchase(purchase.id) as Purchase
      expect(restored.state).toBe('unknown')
      await world.run(30)
      expect(restored.request).toEqual(purchase.request)
      expect(restored.state).toBe(state)
      await world.run(4000)
      expect([restored.state, restored.problem]).toEqual([
        end,
        problem === undefined ? undefined : expect.stringMatching(problem),
      ])
      expect(world.balance).toBe(before - (end === 'finished' ? world.earned(purchase) : 0n))
      await again.stop()
      const third = world.client()
      await third.start(never)
      expect(third.purchase(purchase.id)?.state).toBe(end)
      await third.stop()
      expect(world.logged.filter(({ level }) => level === 'error')).toEqual([])
    },
  )

  it('a request that only the chain remembers is taken up, another client’s is not (loads only own active ones)', async () => {
    const { world, client } = await started()
    const purchase = await world.buy(client)
    await world.run(30)
    await client.stop()
    await world.datastore.commit([{ drop: await firstKey(world) }])
    const again = world.client()
    await again.start(never)
    await world.run(30)
    expect(again.purchase(purchase.id)?.state).toBe('submitted')
    await again.stop()
    const other = world.client({}, HOST)
    await other.start(never)
    await world.run(30)
    expect(other.purchases).toEqual([])
    await other.stop()
  })

  it('one that was never sent ends as an error, but not at the first answer of an endpoint that lags', async () => {
    const elsewhere = await started()
    const { request, id } = await elsewhere.world.buy(elsewhere.client)
    await elsewhere.world.run(30)
    await elsewhere.client.stop()
    const fresh = new World()
    await fresh.datastore.commit([purchaseChange(id, { request, outcome: undefined })])
    const again = fresh.client()
    await again.start(never)
    await fresh.run(300)
    expect(again.purchase(id)?.outcome).toBeUndefined()
    await fresh.run(400)
    expect(again.purchase(id)?.state).toBe('errored')
    await again.stop()
  })

  it.each(['the next start', 'the next event'])(
    'one that was given up on the word of an endpoint that lagged is looked after again from %s on, and its money taken back (T40)',
    async (when) => {
      const { world, client } = await started()
      const had = world.balance
      const purchase = await world.buy(client)
      const { request, id } = purchase
      await world.run(30)
      await client.stop()
      const error = new CodexError('purchase/not-submitted', 'an endpoint that lagged did not know it')
      await world.datastore.commit([purchaseChange(id, { request, outcome: { end: 'errored', error } })])
      const market = new FakeMarket(world.net, CLIENT, world.clock)
      const { request: known } = market
      let lags = when === 'the next event'
      market.request = async (...args) => (lags ? undefined : known.apply(market, args))
      const again = world.client({}, CLIENT, market)
      await again.start(never)
      await world.run(30)
      expect(again.purchase(id)?.state).toBe(lags ? 'errored' : 'submitted')
      lags = false
      if (when === 'the next event') await world.fill(purchase)
      await world.run(4000)
      expect(again.purchase(id)?.state).toBe(when === 'the next event' ? 'finished' : 'cancelled')
      expect(world.net.marketplace.records.known(id).fundsToReturn).toBe(0n)
      expect(world.balance).toBe(when === 'the next event' ? had - world.earned(purchase) : had)
      await again.stop()
    },
  )

  it('one that an endpoint cannot take now is sent when it can, and given up after some minutes', async () => {
    for (const [refusals, state] of [
      [3, 'submitted'],
      [Infinity, 'errored'],
    ] as const) {
      const world = new World()
      let left: number = refusals
      const send = (verb: string) =>
        verb === 'requestStorage' && left-- > 0 ? ({ is: 'refused' } as const) : undefined
      const client = world.client({ send })
      await client.start(never)
      const purchase = await world.buy(client)
      await world.run(400)
      expect(purchase.state).toBe(state)
      await client.stop()
    }
  })

  it.each(['a damaged record', 'no record', 'another key'])(
    'money that is left of one that is over is taken back, with %s of it',
    async (what) => {
      const { world, client } = await started()
      const had = world.balance
      const { id } = await world.buy(client)
      await world.run(30)
      await client.stop()
      const key = await firstKey(world)
      await world.datastore.commit([
        what === 'a damaged record' ? { put: key, value: new Uint8Array(40) } : { drop: key },
      ])
      const again = world.client({}, what === 'another key' ? HOST : CLIENT)
      const withdraw = async () => {
        const withdrawing = again.withdraw(id, never).catch((error: unknown) => error)
        await world.run(30)
        return withdrawing
      }
      await expect(again.withdraw(id, never)).rejects.toMatchObject({ code: 'purchase/stopped' })
      // What the chain's list of our requests leaves out once they are over.
      world.net.marketplace.records.myRequests = () => []
      await world.run(1000)
      expect(world.balance).toBeLessThan(had)
      await again.start(never)
      await world.run(60)
      const nobodys = again.withdraw(slotId(id, 0) as string as typeof id, never)
      await expect(nobodys).rejects.toMatchObject({ code: 'purchase/not-found' })
      if (what === 'another key') expect(await withdraw()).toMatchObject({ code: 'purchase/not-ours' })
      else {
        if (what === 'no record') {
          expect(world.balance).toBeLessThan(had)
          expect(await withdraw()).toMatchObject({ id, state: 'cancelled' })
        }
        expect(again.purchase(id)?.state).toBe('cancelled')
        expect(world.balance).toBe(had)
        expect(await withdraw()).toMatchObject({ code: 'purchase/nothing-to-withdraw' })
        const running = await world.buy(again)
        await world.run(30)
        await expect(again.withdraw(running.id, never)).rejects.toMatchObject({ code: 'purchase/not-over' })
      }
      await again.stop()
    },
  )

  it('one that a stop overtakes while it is put on record is told as stopped, and not begun', async () => {
    const world = new World()
    const client = world.client()
    await client.start(never)
    const commit = world.datastore.commit.bind(world.datastore)
    let stopping: Promise<void> | undefined
    world.datastore.commit = async (changes) => {
      await commit(changes)
      stopping ??= client.stop()
    }
    await expect(world.buy(client)).rejects.toMatchObject({ code: 'purchase/stopped' })
    await stopping
    await world.run(60)
    expect(world.net.marketplace.records.myRequests(CLIENT)).toEqual([])
    for await (const _ of world.datastore.entries(PURCHASES_PREFIX, never)) throw new Error('it stays on record')
    expect(client.purchases).toEqual([])
  })

  it('starts and stops as often as one likes, with the same object (T29)', async () => {
    const { world, client } = await started()
    const purchase = await world.buy(client)
    await world.run(30)
    for (let times = 0; times < 20; times++) {
      await client.stop()
      expect(world.clock.waiting).toBe(0)
      await client.start(never)
    }
    await world.run(700)
    expect(client.purchase(purchase.id)?.state).toBe('cancelled')
    await client.stop()
  })
})

it('a question that fails, again and again, changes no end (T28)', async () => {
  let calls = 0
  const { world, client } = await started({ call: () => (++calls % 2 === 0 ? { is: 'fails' } : undefined) })
  const purchase = await world.buy(client)
  await world.run(900)
  expect(purchase.state).toBe('cancelled')
  await client.stop()
})

it('a record reads back as it was written, whatever its end', async () => {
  const world = new World()
  const client = world.client()
  await client.start(never)
  const { id, request } = await world.buy(client)
  await client.stop()
  for (const outcome of [undefined, { end: 'finished' }, { end: 'failed' }] as const) {
    const change = purchaseChange(id, { request, outcome })
    if (!('put' in change)) throw new Error('it is written')
    expect(readPurchase(change.put, change.value)).toEqual({ request, outcome })
  }
})

async function firstKey(world: World) {
  for await (const [key] of world.datastore.entries(PURCHASES_PREFIX, never)) return key
  throw new Error('there is a record')
}
