// The accounts and the queue of selling, alone on one core: how many operations a second, how long one may take, how long a start takes.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { CodexError } from '../../src/lib/errors.ts'
import type { Market } from '../../src/market/market.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import type { Availability, AvailabilityId, SlotWanted } from '../../src/sales/availability.ts'
import { AvailabilityIndex } from '../../src/sales/availabilityindex.ts'
import type { Reservation, ReservationId } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { putAvailability, putReservation } from '../../src/sales/salesrecords.ts'
import { Sales } from '../../src/sales/sales.ts'
import { SlotQueue } from '../../src/sales/slotqueue.ts'
import type { SlotQueueItem } from '../../src/sales/slotqueueitem.ts'
import type { SlotWork } from '../../src/sales/slotwork.ts'
import type { RequestId, StorageAsk } from '../../src/protocol/request.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { countersChange } from '../../src/storage/quota.ts'
import { RepoStore } from '../../src/storage/repostore.ts'
import { FakeChainWorld } from '../fakes/fakechainworld.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { TEST_HASHER, seededRandom, testStore } from '../fakes/memorystore.ts'
import { BLOCK, seededSource, terms } from '../fakes/salesparts.ts'
import { type SaleHost, SaleWorld } from '../fakes/saleworld.ts'
import { spoiled } from '../simulation/plants.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { NEVER, quietParts } from './quietparts.ts'

const random = seededRandom(1)
const below = (limit: number): number => Math.floor(random() * limit)
const SOURCE = seededSource(1)
const TERMS = terms(1)
const CONTENT = { cid: Uint8Array.of(1), merkleRoot: `0x${'0'.repeat(64)}` }
const idOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`

export const bench: Bench = {
  name: 'sales',
  title: 'Selling, Node',
  rounds: 3,
  figures: [
    { key: 'queueMega', unit: 'M/s', title: 'queue, push + pop + delete', goal: { of: 'ours', atLeast: 1 } },
    {
      key: 'floodDelayMs',
      unit: 'ms',
      title: 'p99 loop delay under 10^5 hostile requests',
      goal: { of: 'ours', atMost: 50 },
    },
    {
      key: 'matchingFloodDelayMs',
      unit: 'ms',
      title: 'the same where each of them matches and its data cannot be had',
      goal: { of: 'ours', atMost: 50 },
    },
    { key: 'findMedian', unit: 'µs', title: 'find among 10^5, median', goal: { of: 'ours', atMost: 20 } },
    { key: 'findMatchMedian', unit: 'µs', title: 'find among 10^5, median of those that match' },
    { key: 'findMissMedian', unit: 'µs', title: 'find among 10^5, median of those that do not' },
    { key: 'findWorst', unit: 'µs', title: 'find among 10^5, worst' },
    {
      key: 'openMs',
      unit: 'ms',
      title: 'recovery with 10^4 reservations, LevelDB',
      goal: { of: 'ours', atMost: 2000 },
    },
    { key: 'checkMs', unit: 'ms', title: 'full recount of 10^4 reservations, LevelDB' },
    { key: 'saleKb', unit: 'kB', title: 'memory of a running sale', goal: { of: 'ours', atMost: 50 } },
  ],
  sides: {
    ours: async (place) => ({
      ...queueSpeed(place),
      ...(await saleMemory(place)),
      floodDelayMs: await flood(place, 'none matches'),
      matchingFloodDelayMs: await flood(place, 'all match'),
      ...findTimes(place),
      ...(await recovery(place)),
    }),
  },
}

/** In turn: two pushes of new items, a delete of one pushed a while ago, the best taken; the queue is full to begin with. */
function queueSpeed({ quick }: Place): Sample {
  const queue = new SlotQueue({ fraction: random })
  const operations = quick ? 300_000 : 3_000_000
  const items: SlotQueueItem[] = Array.from({ length: 4096 }, (_, number) => ({
    requestId: idOf(number) as RequestId,
    slotIndex: 0,
    profit: BigInt(below(1_000_000)) * 1_000_000_000n,
    collateral: BigInt(below(1000)),
    expiry: below(1000),
    client: `client ${below(40)}`,
  }))
  for (let at = 0; at < 128; at++) queue.push(items[at] as SlotQueueItem)
  const itemAt = (at: number): SlotQueueItem => items[at % 4096] as SlotQueueItem
  // Time of the processor, because the figure is one of a core.
  const begin = process.cpuUsage()
  for (let at = 128; at < operations / 2; at += 2) {
    queue.push(itemAt(at))
    queue.push(itemAt(at + 1))
    const { requestId, slotIndex } = itemAt(at - 64)
    queue.remove(requestId, slotIndex)
    const best = queue.tryTake()
    if (best !== undefined) queue.finish(best, false)
  }
  const { user, system } = process.cpuUsage(begin)
  return { queueMega: operations / (user + system) }
}

/**
 * Every request richer than all before and of as many slots as there can be, so that each slot evicts another; heard by the real thing from an
 * endpoint that has them all at once. Where all match, the workers take, try and give back one after the other meanwhile.
 * @returns how long the event loop is held up, ms at the 99th percentile
 */
async function flood({ quick }: Place, what: 'none matches' | 'all match'): Promise<number> {
  const isMatching = what === 'all match'
  const count = quick ? 10_000 : 100_000
  const parts = quietParts()
  const now = parts.clock.now()
  const askOf = (number: number): StorageAsk => ({
    proofProbability: 1n,
    slots: 65_535n,
    slotSize: BigInt(BLOCK),
    duration: 1000n,
    pricePerBytePerSecond: BigInt(number + 1),
    collateralPerByte: 1n,
    maxSlotLoss: 1n,
  })
  let heard: () => void = () => undefined
  const allHeard = new Promise<void>((resolve) => (heard = resolve))
  const answered = async <T>(value: T): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve))
    return value
  }
  const world = new FakeChainWorld({ clock: parts.clock })
  const market: Market = spoiled(new FakeMarket(world, `0x${'1'.repeat(40)}`, parts.clock), {
    blockAt: async () => 0,
    mySlots: async () => [],
    request: (id) =>
      answered({ client: id, ask: askOf(Number(BigInt(id))), content: CONTENT, expiry: 900n, nonce: id }),
    requestEnd: () => answered(now + 1000),
    requestState: () => answered('New' as const),
    requestExpiry: () => answered(now + 900),
    slotState: () => answered('Free' as const),
    canReserveSlot: () => answered(true),
    tokenBalance: () => answered(2n ** 100n),
    coinBalance: () => answered(2n ** 100n),
    async *events() {
      for (let number = 0; number < count; number++)
        yield {
          type: 'StorageRequested',
          ...{ requestId: idOf(number) as RequestId, ask: askOf(number), expiry: now + 90_000 },
          ...{ block: number, blockHash: idOf(number), logIndex: 0 },
        }
      heard()
    },
  })
  const store = testStore({ datastore: new MemoryDatastore(), slab: new MemorySlabFile() })
  const open = { repo: store.repo, random: SOURCE, log: parts.log }
  const { reservations } = await Reservations.open(open, { signal: NEVER })
  await reservations.create({ ...TERMS, minPricePerBytePerSecond: isMatching ? 1n : 2n ** 100n })
  let tried = 0
  const look = async (): Promise<never> => {
    tried++
    throw new CodexError('exchange/stalled', 'nobody gives it')
  }
  const work = spoiled(idleWork(), { look })
  const sales = new Sales({ ...parts, market, reservations, work, random: SOURCE })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sales.start({ signal: NEVER })
  await allHeard
  delay.disable()
  await sales.stop()
  if (tried > 0 !== isMatching) throw new Error(`${tried} slots were tried where ${what}`)
  return delay.percentile(99) / 1e6
}

function idleWork(): SlotWork {
  return {
    look: async () => undefined,
    fetch: () => (async function* () {})(),
    keepUntil: async () => undefined,
    letGo: async () => undefined,
    letGoOfEnded: async () => undefined,
    prove: () => Promise.reject(new Error('nothing is sold here')),
  }
}

/**
 * Of slots that are filled and proven every period: what is gone when the sales are, while chain, store and accounts, all of them in memory here,
 * stay.
 */
async function saleMemory({ quick }: Place): Promise<Sample> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return (heapUsed + external) / 1000
  }
  const slots = quick ? 50 : 1000
  const world = new SaleWorld()
  const { sales: selling, kept } = await seller(world)
  let sales = selling
  await sales?.start(world.never)
  await world.run(120)
  for (let left = slots; left > 0; left -= 250)
    await world.ask({ slots: BigInt(Math.min(left, 250)), slotSize: 256n, duration: 30_000n }, 20_000n)
  const proving = (): number => sales?.agents.filter(({ state }) => state === 'SaleProving').length ?? 0
  await world.runUntil(() => proving() >= slots)
  const running = used()
  await sales?.stop()
  sales = undefined
  const saleKb = (running - used()) / slots
  if (kept.parts.reservations.countHeld() !== slots) throw new Error('the accounts of the sales are gone')
  return { saleKb }
}

/** Its sales, and apart from them what stays when they are gone. */
async function seller(world: SaleWorld): Promise<{ sales: Sales | undefined; kept: Omit<SaleHost, 'sales'> }> {
  const settings = { queueSize: 4096, workers: 100, work: { blockBytes: 64 } }
  const { sales, ...kept } = await world.host('host', 60, settings, { duration: 30_000 })
  return { sales, kept }
}

/** All terms drawn alike and independently; queries too, so that about as many find something as not. */
function findTimes({ quick }: Place): Sample {
  const index = new AvailabilityIndex()
  const count = quick ? 10_000 : 100_000
  for (let number = 0; number < count; number++) index.set(anyAvailability(number))
  const timed = (wanted: SlotWanted): { micros: number; found: boolean; wanted: SlotWanted } => {
    const begin = performance.now()
    const found = index.find(wanted) !== undefined
    return { micros: (performance.now() - begin) * 1000, found, wanted }
  }
  // Compilation is over by then.
  const warm = Array.from({ length: 20_000 }, () => timed(anySlot())).slice(2000)
  const micros = (of: typeof warm): number[] => of.map((each) => each.micros).sort((a, b) => a - b)
  // Again and again, so that the worst is the index's own and not that of a process that was put aside.
  const slowest = warm.toSorted((a, b) => b.micros - a.micros).slice(0, 200)
  const worst = slowest.map(({ wanted }) => Math.min(...Array.from({ length: 5 }, () => timed(wanted).micros)))
  const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0
  return {
    findMedian: median(micros(warm)),
    findMatchMedian: median(micros(warm.filter(({ found }) => found))),
    findMissMedian: median(micros(warm.filter(({ found }) => !found))),
    findWorst: Math.max(...worst),
  }
}

function anyAvailability(number: number): Availability {
  const freeSize = 1 + below(2 ** 40)
  return {
    id: idOf(number) as AvailabilityId,
    totalSize: freeSize,
    freeSize,
    duration: 1 + below(10_000),
    minPricePerBytePerSecond: BigInt(1 + below(10_000)),
    totalCollateral: BigInt(freeSize) * 10_000n,
    totalRemainingCollateral: BigInt(freeSize) * BigInt(below(10_000)),
    enabled: true,
    until: random() < 0.5 ? 0 : below(10_000),
  }
}

/** Half of them like what is offered, half so hard to please that hardly any or none will do. */
function anySlot(): SlotWanted {
  const [low, high] = random() < 0.5 ? [0, 10_000] : [9500, 10_200]
  const hard = (): number => low + below(high - low)
  return {
    slotSize: BigInt(1 + below(2 ** 40)),
    duration: BigInt(1 + hard()),
    pricePerBytePerSecond: BigInt(10_200 - hard()),
    collateralPerByte: BigInt(hard()),
    requestEnd: hard(),
  }
}

async function recovery({ folder, quick }: Place): Promise<Sample> {
  const datastore = await LevelDatastore.open(join(folder, `level-${below(2 ** 40)}`))
  const slots = quick ? 1000 : 10_000
  const slotBytes = 2 ** 20
  const availability = {
    ...anyAvailability(1),
    totalSize: slots * slotBytes,
    freeSize: 0,
    totalCollateral: BigInt(slots),
  }
  const reservations = Array.from({ length: slots }, (_, number): Reservation => ({
    id: idOf(number) as ReservationId,
    availabilityId: availability.id,
    requestId: idOf(number) as RequestId,
    slotIndex: 0,
    slotBytes,
    size: slotBytes,
    collateral: 1n,
    validUntil: 2_000_000_000,
    listId: number + 1,
    fill: 'landed',
  }))
  await datastore.commit([
    putAvailability({ ...availability, totalRemainingCollateral: 0n }),
    ...reservations.map(putReservation),
    countersChange({ blocks: 0, used: 0, reserved: slots * slotBytes }),
  ])
  const parts = { datastore, slab: new MemorySlabFile(), hasher: TEST_HASHER, ...quietParts() }
  const repo = new RepoStore(parts, { quotaBytes: slots * slotBytes })
  const begin = performance.now()
  const opened = await Reservations.open(
    { repo, random: { bytes: (n) => new Uint8Array(n) }, log: parts.log },
    { signal: NEVER },
  )
  const address = `0x${'1'.repeat(40)}`
  let isTakenUp: () => void = () => undefined
  const takenUp = new Promise<void>((resolve) => (isTakenUp = resolve))
  // All are ours on chain, and are proven from then on. The endpoint answers at once: how long it takes is not ours.
  const market: Market = spoiled(new FakeMarket(new FakeChainWorld({ clock: parts.clock }), address, parts.clock), {
    blockAt: async () => 0,
    mySlots: async () => [],
    slotState: async () => 'Filled',
    hostOf: async () => address,
    currentCollateral: async () => 1n,
    request: async () => undefined,
    requestEnd: async () => undefined,
    // Heard once every slot was looked up.
    async *events() {
      isTakenUp()
    },
  })
  const openedMs = performance.now() - begin
  const problems = await opened.reservations.check({ signal: NEVER })
  const checkMs = performance.now() - begin - openedMs
  const { reservations: accounts } = opened
  const sales = new Sales({ ...parts, market, reservations: accounts, work: idleWork(), random: SOURCE })
  await sales.start({ signal: NEVER })
  await takenUp
  const openMs = performance.now() - begin - checkMs
  if (sales.agents.length !== slots) throw new Error(`${sales.agents.length} of ${slots} were taken up`)
  await sales.stop()
  if (opened.alerts.length + problems.length > 0) throw new Error([...opened.alerts, ...problems].join('\n'))
  await repo.close()
  await datastore.close()
  return { openMs, checkMs }
}
