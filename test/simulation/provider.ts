// A provider in a simulated world: the real accounting and the real sales over a store in memory that survives crashes, and an owner who
// changes terms now and then.

import type { Address } from '../../src/market/market.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import type { Bytes } from '../../src/lib/units.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { Sales } from '../../src/sales/sales.ts'
import { Datasets } from '../../src/storage/datasets.ts'
import { Maintenance } from '../../src/storage/maintenance.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { RepoStore } from '../../src/storage/repostore.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { FakeSlotWork } from '../fakes/fakeslotwork.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import { NEVER, TEST_HASHER } from '../fakes/memorystore.ts'
import { type Plant, planted } from './plants.ts'
import { SimNode, type Run } from './simnode.ts'
import type { SimWorld } from './simworld.ts'
import { BLOCK_BYTES, MAX_SLOT_BYTES, collateralPerByteOf, deliveryOf } from './terms.ts'

const QUOTA_SLOTS = 40
const AVAILABILITY_SLOTS = 6

export interface Selling {
  readonly repo: RepoStore
  readonly reservations: Reservations
  readonly sales: Sales
  readonly maintenance: Maintenance
  readonly faults: FaultyDatastore
}

export class Provider extends SimNode {
  readonly #records = new MemoryDatastore()
  readonly #plants: readonly Plant[]
  #slab = new CrashingSlabFile()
  #selling: Selling | undefined
  /** What its owner has put at stake in all, as the owner knows. */
  committed = 0n

  constructor(world: SimWorld, name: string, address: Address, seed: number, plants: readonly Plant[]) {
    super(world, name, address, seed)
    this.#plants = plants
  }

  get selling(): Selling | undefined {
    return this.#selling
  }

  protected async begin(run: Run): Promise<void> {
    const { clock, log } = run
    const faults = new FaultyDatastore(this.#records)
    const slab = this.#slab
    const repo = new RepoStore(
      { datastore: faults, slab, hasher: TEST_HASHER, clock, log },
      { quotaBytes: QUOTA_SLOTS * MAX_SLOT_BYTES },
    )
    const datasets = new Datasets(repo, log)
    const maintenance = new Maintenance({ repo, datasets, clock, log }, { intervalSeconds: 3600 })
    const { reservations, alerts } = await Reservations.open({ repo, random: this.random, log }, { signal: NEVER })
    for (const alert of alerts) this.world.referee.breach(this, alert)
    const work = new FakeSlotWork(
      { repo, reservations, hasher: TEST_HASHER, clock },
      {
        blockBytes: BLOCK_BYTES,
        pieceSeconds: 5,
        deliveryOf,
        proveSeconds: 3,
        proveFault: () => this.weather.prove(),
      },
    )
    const seams = planted(this.#plants, { market: run.market, clock, reservations, work, random: this.random, log })
    const sales = new Sales(seams)
    this.#selling = { repo, reservations, sales, maintenance, faults }
    maintenance.start({ signal: run.ending.signal })
    if (reservations.availabilities().length === 0) await this.#offer(reservations)
    await sales.start({ signal: run.ending.signal })
  }

  protected async end(): Promise<void> {
    await this.#selling?.sales.stop()
    await this.#selling?.maintenance.stop()
    await this.#selling?.repo.close()
    this.#slab = this.#slab.reopen()
  }

  protected lost(): void {
    this.#selling = undefined
    this.#slab = this.#slab.crash(() => this.random.fraction())
  }

  protected override heard(record: LogRecord): void {
    super.heard(record)
    const { end, phase } = record.fields
    if (typeof end === 'string') this.world.history.cover(`end/${end}`)
    if (typeof phase === 'string') this.world.history.cover(`phase/${phase}`)
    this.world.referee.told(this, record)
  }

  /** Something its owner does. */
  async ownerActs(): Promise<void> {
    const reservations = this.#selling?.reservations
    if (reservations === undefined || this.isFrozen || this.isStopping) return
    const all = reservations.availabilities()
    const one = all[Math.floor(this.random.fraction() * all.length)]
    const kind = Math.floor(this.random.fraction() * 6)
    this.world.history.cover(`owner/${kind}`)
    try {
      if (kind === 0 && all.length < 4) await this.#offer(reservations)
      else if (one === undefined) return
      else if (kind === 1) await reservations.change(one.id, { enabled: !one.enabled })
      else if (kind === 2) await reservations.change(one.id, { enabled: true, minPricePerBytePerSecond: 1n })
      else if (kind === 3) await reservations.change(one.id, { minPricePerBytePerSecond: 4n })
      else if (kind === 4) await reservations.change(one.id, { totalSize: one.totalSize + MAX_SLOT_BYTES })
      else if (kind === 5) await reservations.change(one.id, { duration: 40_000 })
    } catch (error) {
      this.world.history.note(`${this.name} could not change its terms: ${String(error)}`)
    }
  }

  async #offer(reservations: Reservations): Promise<void> {
    const slots = 1 + Math.floor(this.random.fraction() * AVAILABILITY_SLOTS)
    const totalSize: Bytes = slots * MAX_SLOT_BYTES
    const totalCollateral = BigInt(totalSize) * collateralPerByteOf(3)
    await reservations.create({
      totalSize,
      duration: 20_000 + Math.floor(this.random.fraction() * 30_000),
      minPricePerBytePerSecond: BigInt(1 + Math.floor(this.random.fraction() * 3)),
      totalCollateral,
    })
    this.committed += totalCollateral
  }
}
