// A provider in a simulated world: the real accounting and the real sales over a store in memory that survives crashes, and an owner who
// changes terms now and then.

import type { Clock } from '../../src/lib/clock.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import type { Address, Market } from '../../src/market/market.ts'
import type { Bytes, Seconds } from '../../src/lib/units.ts'
import type { StorageAsk } from '../../src/protocol/request.ts'
import type { Availability } from '../../src/sales/availability.ts'
import { Earnings } from '../../src/sales/earnings.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import type { PhaseName } from '../../src/sales/salephase.ts'
import { Sales } from '../../src/sales/sales.ts'
import type { SaleEvent } from '../../src/sales/saleteller.ts'
import { SlotMap } from '../../src/sales/slotmap.ts'
import type { SlotWork } from '../../src/sales/slotwork.ts'
import { Datasets } from '../../src/storage/datasets.ts'
import { Maintenance } from '../../src/storage/maintenance.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { RepoStore } from '../../src/storage/repostore.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { FakeSlotWork } from '../fakes/fakeslotwork.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { NEVER, TEST_HASHER } from '../fakes/memorystore.ts'
import { type Plant, spoiled } from './plants.ts'
import { SimNode, type Run } from './simnode.ts'
import type { SimWorld } from './simworld.ts'
import { BLOCK_BYTES, MAX_SLOT_BYTES, collateralPerByteOf, deliveryOf } from './terms.ts'

const QUOTA_SLOTS = 40
const AVAILABILITY_SLOTS = 6
/** What a request must still wait for others, so that an owner changes terms for it. */
const WORTH_IT_SECONDS: Seconds = 900

export interface Selling {
  readonly repo: RepoStore
  readonly reservations: Reservations
  readonly sales: Sales
  readonly earnings: Earnings
  readonly maintenance: Maintenance
  readonly faults: FaultyDatastore
}

export class Provider extends SimNode {
  readonly #records = new MemoryDatastore()
  readonly #plants: readonly Plant[]
  #slab = new CrashingSlabFile()
  #selling: Selling | undefined
  #awaited: { readonly phase: PhaseName; readonly act: () => void } | undefined
  /** What its owner has put at stake in all, as the owner knows. */
  committed = 0n

  constructor(world: SimWorld, name: string, address: Address, seed: number, plants: readonly Plant[]) {
    super(world, name, address, seed)
    this.#plants = plants
  }

  get selling(): Selling | undefined {
    return this.#selling
  }

  /** Whether a sale is in one of the steps that pass quickly, where a fault is rare and tells most. */
  get isBusy(): boolean {
    return (this.#selling?.sales.agents ?? []).some(({ phase }) => phase !== undefined && phase.at !== 'proving')
  }

  protected async begin(run: Run): Promise<void> {
    const { log } = run
    const clock = this.#plants.reduce<Clock>((real, { clock: spoil }) => spoiled(real, spoil?.(real)), run.clock)
    let isUp = false
    // What fails while it starts ends the start, as it should: a start in good order is looked at here.
    const faults = new FaultyDatastore(this.#records, async (name, call) => {
      if (isUp && name === 'datastore.commit' && this.weather.commit())
        throw new CodexError('datastore/failed', 'the disk is full for a moment, as the weather has it')
      return call()
    })
    const slab = this.#slab
    const repo = new RepoStore(
      { datastore: faults, slab, hasher: TEST_HASHER, clock, log },
      { quotaBytes: QUOTA_SLOTS * MAX_SLOT_BYTES },
    )
    const datasets = new Datasets(repo, log)
    const maintenance = new Maintenance({ repo, datasets, clock, log }, { intervalSeconds: 3600 })
    const opened = await Reservations.open({ repo, random: this.random, log }, { signal: NEVER })
    const { alerts, reservations: honest } = opened
    for (const alert of alerts) this.world.referee.breach(this, alert)
    const reservations = this.#plants.reduce(
      (real, { reservations: spoil }) => spoiled(real, spoil?.(real, repo, clock)),
      honest,
    )
    const market = this.#plants.reduce<Market>(
      (real, { market: spoil }) => spoiled(real, spoil?.(real, clock)),
      run.market,
    )
    const honestWork = new FakeSlotWork(
      { repo, reservations, hasher: TEST_HASHER, clock },
      {
        blockBytes: BLOCK_BYTES,
        pieceSeconds: 5,
        deliveryOf,
        proveSeconds: 3,
        proveFault: () => this.weather.prove(),
        netFault: (slot, what) => this.weather.net(what, this.world.isThere(slot, what)),
        blocks: this.world.slotBlocks,
      },
    )
    const work = this.#plants.reduce<SlotWork>((real, { work: spoil }) => spoiled(real, spoil?.(real)), honestWork)
    const earnings = await Earnings.open(faults, log, { signal: NEVER })
    const counted = this.#counting()
    const sales = new Sales({
      ...{ market, clock, reservations, work, random: this.random, log },
      recordsOf: (event) => earnings.recordsOf(event, clock.now()),
      hasEnded: (slot) => earnings.hasEnded(slot),
      tell: (event) => {
        counted(event)
        if (event.type === 'end') earnings.note(event, clock.now())
      },
    })
    this.#selling = { repo, reservations: honest, sales, earnings, maintenance, faults }
    maintenance.start({ signal: run.ending.signal })
    if (honest.availabilities().length === 0) await this.#offer(honest)
    isUp = true
    await sales.start({ signal: run.ending.signal })
  }

  protected async end(): Promise<void> {
    const ended = this.#selling
    await ended?.sales.stop()
    await ended?.maintenance.stop()
    await ended?.repo.close()
    if (ended !== this.#selling) return
    this.#slab = this.#slab.reopen()
  }

  protected override glance(): void {
    this.world.referee.glance(this)
  }

  protected lost(): void {
    this.#selling = undefined
    this.#slab = this.#slab.crash(() => this.random.fraction())
  }

  protected override heard(record: LogRecord): void {
    super.heard(record)
    this.world.referee.told(this, record)
  }

  /** Does something in the very moment in which a sale enters a phase, the next time that one does. */
  when(phase: PhaseName, act: () => void): void {
    this.#awaited = { phase, act }
  }

  /** Counts where sales go. */
  #counting(): (event: SaleEvent) => void {
    const { history } = this.world
    const at = new SlotMap<PhaseName>()
    return (event) => {
      const to = event.type === 'phase' ? event.phase.at : (`end ${event.outcome.end}` as const)
      history.cover(event.type === 'phase' ? `phase/${to}` : `end/${event.outcome.end}`)
      history.cover(`way/${at.get(event) ?? 'start'}>${to}`)
      const awaited = this.#awaited
      if (awaited?.phase === to) {
        this.#awaited = undefined
        awaited.act()
      }
      if (event.type === 'phase') at.set(event, event.phase.at)
      else at.delete(event)
    }
  }

  /** Something its owner does. */
  async ownerActs(): Promise<void> {
    const reservations = this.#selling?.reservations
    if (reservations === undefined || this.run === undefined || this.isFrozen || this.isStopping) return
    const all = reservations.availabilities()
    const one = all[Math.floor(this.random.fraction() * all.length)]
    const wish = this.#unserved(reservations)
    const kind = wish === undefined ? Math.floor(this.random.fraction() * 6) : 6
    this.world.history.cover(`owner/${kind}`)
    try {
      if (wish !== undefined) await this.#oblige(reservations, wish)
      else if (kind === 0 && all.length < 4 && (await this.#leavesRoom(AVAILABILITY_SLOTS * MAX_SLOT_BYTES)))
        await this.#offer(reservations)
      else if (one === undefined) return
      else if (kind === 1) await reservations.change(one.id, { enabled: !one.enabled })
      else if (kind === 2) await reservations.change(one.id, { enabled: true, minPricePerBytePerSecond: 2n })
      else if (kind === 3) await reservations.change(one.id, { minPricePerBytePerSecond: 4n })
      else if (kind === 4 && (await this.#leavesRoom(MAX_SLOT_BYTES)))
        await reservations.change(one.id, { totalSize: one.totalSize + MAX_SLOT_BYTES })
      else if (kind === 5) await this.#renew(reservations, one)
    } catch (error) {
      this.world.history.note(`${this.name} could not change its terms: ${String(error)}`)
    }
  }

  /** Manifests lie beside what is offered: who offers all of the quota sells nothing. */
  async #leavesRoom(bytes: Bytes): Promise<boolean> {
    const space = await this.#selling?.repo.space()
    if (space === undefined) return false
    return space.quotaMaxBytes - space.quotaUsedBytes - space.quotaReservedBytes >= bytes + 2 * MAX_SLOT_BYTES
  }

  /** What a request that waits wants, and no availability of the owner's gives although one has the room. */
  #unserved(reservations: Reservations): StorageAsk | undefined {
    const { records } = this.world.net.marketplace
    for (const id of this.world.referee.requests) {
      const record = records.requests.get(id)
      if (record?.state !== 'New' || Number(record.expiresAt) < this.world.now() + WORTH_IT_SECONDS) continue
      const { ask } = record.request
      const isMatched = reservations.find({ ...ask, requestEnd: Number(record.endsAt) }) !== undefined
      if (!isMatched && this.#roomiest(reservations, ask) !== undefined) return ask
    }
    return undefined
  }

  #roomiest(reservations: Reservations, { slotSize }: StorageAsk): Availability | undefined {
    return reservations.availabilities().find(({ freeSize }) => freeSize >= slotSize)
  }

  /** Owners look at what is asked for, and change their terms to get it. */
  async #oblige(reservations: Reservations, ask: StorageAsk): Promise<void> {
    const one = this.#roomiest(reservations, ask)
    if (one === undefined) return
    const least = one.minPricePerBytePerSecond
    const minPricePerBytePerSecond = least < ask.pricePerBytePerSecond ? least : ask.pricePerBytePerSecond
    const duration = Math.max(one.duration, Number(ask.duration))
    await reservations.change(one.id, { enabled: true, minPricePerBytePerSecond, duration })
  }

  /** What was lost is put in again: without collateral nothing is sold, and after some weeks nobody would. */
  async #renew(reservations: Reservations, { id, totalSize, totalCollateral: before }: Availability): Promise<void> {
    const full = BigInt(totalSize) * collateralPerByteOf(3)
    // Where nothing is taken nothing is lost meanwhile.
    const isEmpty = reservations.reservationsOf(id).length === 0
    const totalCollateral = isEmpty && full > before ? full : before
    await reservations.change(id, { duration: 40_000, ...(totalCollateral > before && { totalCollateral }) })
    this.committed += totalCollateral - before
  }

  async #offer(reservations: Reservations): Promise<void> {
    const slots = 1 + Math.floor(this.random.fraction() * AVAILABILITY_SLOTS)
    const totalSize: Bytes = slots * MAX_SLOT_BYTES
    const totalCollateral = BigInt(totalSize) * collateralPerByteOf(3)
    await reservations.create({
      totalSize,
      duration: 20_000 + Math.floor(this.random.fraction() * 30_000),
      minPricePerBytePerSecond: BigInt(2 + Math.floor(this.random.fraction() * 3)),
      totalCollateral,
    })
    this.committed += totalCollateral
  }
}
