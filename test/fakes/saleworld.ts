// A fake chain with hosts that sell, on a clock wound by hand: for tests to tell what happens and to see what the accounts say in the end.

import type { RaisedAlert } from '../../src/lib/alert.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import type { Bytes, Seconds } from '../../src/lib/units.ts'
import type { Address } from '../../src/market/market.ts'
import { Periodicity } from '../../src/market/periodicity.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageAsk, StorageRequest } from '../../src/protocol/request.ts'
import type { NewTerms } from '../../src/sales/availabilityterms.ts'
import { Sales, type SalesParts, type SalesSettings } from '../../src/sales/sales.ts'
import type { SlotWork } from '../../src/sales/slotwork.ts'
import { FakeChainWorld, MARKETPLACE_ADDRESS } from './fakechainworld.ts'
import { FakeMarket, type MarketFaults } from './fakemarket.ts'
import { FakeSlotWork, type FakeSlotWorkSettings, verifies } from './fakeslotwork.ts'
import { TEST_HASHER } from './memorystore.ts'
import { type Around, MARKET_STREAMS, MARKET_VERBS, wired } from './tripwire.ts'
import {
  BLOCK,
  COLLATERAL_PER_BYTE,
  PRICE,
  type SalesParts as Accounts,
  restarted,
  salesParts,
  seededSource,
  terms,
} from './salesparts.ts'

export const START = 1_000_000
export const BLOCK_SECONDS = 10
export const RICH = 10n ** 24n
export const CLIENT: Address = `0x${'c'.repeat(40)}`
export const SLOT_BYTES = 4 * BLOCK
/** Of one slot of {@link SaleWorld.request}. */
export const COLLATERAL = BigInt(SLOT_BYTES) * COLLATERAL_PER_BYTE

const CONFIGURATION = {
  collateral: { repairRewardPercentage: 10, maxNumberOfSlashes: 2, slashPercentage: 20, validatorRewardPercentage: 20 },
  proofs: { period: 120, timeout: 30, downtime: 64, downtimeProduct: 67, zkeyHash: 'none' },
  reservations: { maxReservations: 3 },
  requestDurationLimit: 30 * 24 * 3600,
} as const

export interface SaleHost {
  readonly address: Address
  readonly parts: Accounts
  readonly market: FakeMarket
  readonly work: FakeSlotWork
  readonly sales: Sales
  readonly clock: ManualClock
  readonly logged: LogRecord[]
  /** What a person was told. */
  readonly alerts: RaisedAlert[]
}

export interface HostSettings extends SalesSettings {
  readonly faults?: MarketFaults | undefined
  readonly work?: Partial<FakeSlotWorkSettings> | undefined
  /** As `SaleSeams`. */
  readonly failEveryProofs?: number | undefined
  /** As `SalesParts`. */
  readonly recordsOf?: SalesParts['recordsOf']
  readonly hasEnded?: SalesParts['hasEnded']
  readonly capacity?: SalesParts['capacity']
  /** Stands between every call of a port and what it does: chain, datastore, slab, download, prover. */
  readonly around?: Around | undefined
  /** What the sales are given in the place of `SaleHost.work`. */
  readonly workOf?: ((parts: Accounts) => SlotWork) | undefined
}

/** Of the work on slots, what is asked once and answered once. */
const WORK_VERBS = [
  'look',
  'prove',
  'keepUntil',
  'letGo',
  'letGoOfEnded',
] as const satisfies readonly (keyof SlotWork)[]
/** …and what answers bit by bit. */
const WORK_STREAMS = ['fetch'] as const satisfies readonly (keyof SlotWork)[]

export class SaleWorld {
  readonly clock = new ManualClock(START)
  readonly net: FakeChainWorld
  readonly client: FakeMarket
  readonly never = { signal: new AbortController().signal }
  /** No blocks come while false. */
  isMining = true
  #nextBlock = START + BLOCK_SECONDS
  #requests = 0

  constructor() {
    this.net = new FakeChainWorld({ clock: this.clock, configuration: CONFIGURATION, verify: verifies })
    this.net.mint(CLIENT, RICH)
    this.client = new FakeMarket(this.net, CLIENT, this.clock)
  }

  /** A host with tokens and room for `slots` slots, not selling yet. */
  async host(name: string, slots = 4, settings: HostSettings = {}, changes: Partial<NewTerms> = {}): Promise<SaleHost> {
    const address = addressOf(name)
    this.net.mint(address, RICH)
    // The store's clock is another one, so that nothing of it is counted as left over.
    const parts = await salesParts({ quotaBytes: 64 * SLOT_BYTES, around: settings.around })
    if (slots > 0) await parts.reservations.create(terms(slots, changes))
    return this.#host(address, parts, settings)
  }

  /** The power went: the same address and disk, in a node started anew. What ran before must have been left to itself or stopped. */
  async restart(
    host: SaleHost,
    settings: HostSettings & { readonly quotaBytes?: Bytes | undefined } = {},
  ): Promise<SaleHost> {
    const { around, quotaBytes, ...others } = settings
    return this.#host(host.address, await restarted(host.parts, { around, quotaBytes }), { around, ...others })
  }

  /** For somebody else in this world; moves with it. */
  clockOfAnother(): ManualClock {
    const clock = new ManualClock(this.clock.now())
    this.#clocks.add(clock)
    return clock
  }

  /** As if the machine were gone: its time stands still and nothing answers it any more. What it has sent goes on. */
  cutOff({ clock }: SaleHost): void {
    this.#clocks.delete(clock)
  }

  #host(
    address: Address,
    parts: Accounts,
    { faults, work, workOf, around, failEveryProofs, recordsOf, hasEnded, capacity, ...settings }: HostSettings,
  ): SaleHost {
    const logged: LogRecord[] = []
    const alerts: RaisedAlert[] = []
    const clock = new ManualClock(this.clock.now())
    this.#clocks.add(clock)
    const log = new Log({ clock, levels: new LogLevels('trace'), sinks: [(record) => logged.push(record)] })
    const deliver = async <T>(_: string, value: T): Promise<T> =>
      this.#clocks.has(clock) ? value : new Promise<never>(() => undefined)
    const market = new FakeMarket(this.net, address, clock, { faults, deliver })
    const slotWork = new FakeSlotWork(
      { repo: parts.repo, reservations: parts.reservations, hasher: TEST_HASHER, clock },
      { blockBytes: BLOCK, ...work },
    )
    const given = workOf?.(parts) ?? slotWork
    const { reservations } = parts
    const sales = new Sales(
      {
        market: around === undefined ? market : wired(market, 'market', MARKET_VERBS, around, MARKET_STREAMS),
        work: around === undefined ? given : wired<SlotWork>(given, 'work', WORK_VERBS, around, WORK_STREAMS),
        ...{ clock, reservations, random: seededSource(this.#clocks.size), log, failEveryProofs },
        ...{ recordsOf, hasEnded, capacity, raise: (alert) => void alerts.push(alert) },
      },
      settings,
    )
    return { address, parts, market, work: slotWork, sales, clock, logged, alerts }
  }

  readonly #clocks = new Set<ManualClock>()

  /** One that matches the availabilities of this world's hosts. */
  request(ask: Partial<StorageAsk> = {}, expiry = 1200n): StorageRequest {
    const nonce = `0x${(++this.#requests).toString(16).padStart(64, '0')}`
    return {
      client: CLIENT,
      ask: {
        proofProbability: 1n,
        pricePerBytePerSecond: PRICE,
        collateralPerByte: COLLATERAL_PER_BYTE,
        slots: 1n,
        slotSize: BigInt(SLOT_BYTES),
        duration: 3600n,
        maxSlotLoss: 1n,
        ...ask,
      },
      content: { cid: Uint8Array.of(1, 2, 3, this.#requests), merkleRoot: `0x${'42'.repeat(32)}` },
      expiry,
      nonce,
    }
  }

  /** Asks for it on chain, and waits until it is there. */
  async ask(
    ask: Partial<StorageAsk> = {},
    expiry?: bigint,
  ): Promise<{ id: RequestId; request: StorageRequest; slot(index: number): SlotId }> {
    const request = this.request(ask, expiry)
    const asked = this.client.requestStorage(request, this.never)
    await this.runUntil(() => this.net.marketplace.records.requests.get(requestId(request)) !== undefined)
    await asked
    const id = requestId(request)
    return { id, request, slot: (index) => slotId(id, index) }
  }

  /** As an endpoint or a contract of another kind might tell it, in the next block: the chain of this world would refuse such a request. */
  tell(request: StorageRequest, id: RequestId = requestId(request)): RequestId {
    const { records } = this.net.marketplace
    const { ask } = request
    const price = ask.slots * ask.slotSize * ask.pricePerBytePerSecond * ask.duration
    this.net.mint(MARKETPLACE_ADDRESS, price)
    this.act(addressOf('anybody'), () => {
      const { now, chain } = records
      const expiresAt = now + request.expiry
      const record = { request, state: 'New', slotsFilled: 0n, fundsToReturn: price } as const
      records.requests.set(id, { ...record, expiresAt, endsAt: now + ask.duration })
      chain.emit('StorageRequested', id, ask, expiresAt)
    })
    return id
  }

  /** Something that somebody else does on chain, in the next block. */
  act(who: Address, run: () => unknown): void {
    this.net.send({
      host: who,
      verb: 'abandon',
      requestId: undefined,
      slotId: undefined,
      validUntil: undefined,
      run,
      ended: () => undefined,
    })
  }

  /** Moves on, stopping at every instant at which something is due. */
  async run(seconds: Seconds): Promise<void> {
    const end = this.clock.now() + seconds
    await this.runUntil(() => false, end)
  }

  /** Until it is so. @throws when it is not by then */
  async runUntil(isSo: () => boolean, end?: Seconds): Promise<void> {
    const last = end ?? this.clock.now() + 100_000
    await nextTask()
    while (!isSo()) {
      const due = [...this.#clocks].map(({ nextDue = Infinity }) => nextDue)
      const next = Math.max(this.clock.now(), Math.min(...due, this.#nextBlock))
      if (next > last) break
      this.#moveTo(next)
      if (next >= this.#nextBlock) {
        if (this.isMining) this.net.mine()
        this.#nextBlock += BLOCK_SECONDS
      }
      await nextTask()
    }
    if (isSo()) return
    if (end === undefined) throw new Error('what was waited for did not come about')
    this.#moveTo(end)
    await nextTask()
  }

  get periods(): Periodicity {
    return new Periodicity(CONFIGURATION.proofs.period)
  }

  #moveTo(time: Seconds): void {
    this.clock.set(time)
    for (const clock of this.#clocks) if (clock.now() <= time) clock.set(time)
  }

  balance(holder: Address): bigint {
    return this.net.token.balanceOf(holder)
  }

  state(id: SlotId): string {
    return this.net.chain.view(() => this.net.marketplace.records.slotState(id), this.clock.now())
  }
}

export function addressOf(name: string): Address {
  const digits = [...name].map((letter) => letter.charCodeAt(0).toString(16)).join('')
  return `0x${digits.padStart(40, '0')}`
}
