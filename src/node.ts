// CodexNode: the parts of a node, born in the order of their needs and ended in reverse. What runs where is decided by nodejs.ts and browser.ts.

import type { NetworkSettings, NodeNetwork, NodeNetworkParts } from './exchange/nodenetwork.ts'
import type { AbortOptions } from './lib/abort.ts'
import { raceAbort } from './lib/abort.ts'
import type { Alert } from './lib/alert.ts'
import type { Clock } from './lib/clock.ts'
import { CodexError } from './lib/errors.ts'
import type { Log } from './lib/log.ts'
import type { RandomSource } from './lib/random.ts'
import { TypedEvents } from './lib/typedevents.ts'
import type { Seconds } from './lib/units.ts'
import type { EntryProblem } from './market/entrywatch.ts'
import { EntryWatch } from './market/entrywatch.ts'
import { Slots } from './slots/slots.ts'
import type { Compute } from './slots/slotsparts.ts'
import { Datasets } from './storage/datasets.ts'
import type { Datastore } from './storage/datastore.ts'
import type { Hasher } from './storage/hasher.ts'
import type { MaintenanceSettings } from './storage/maintenance.ts'
import { Maintenance } from './storage/maintenance.ts'
import type { RepoStoreSettings } from './storage/repostore.ts'
import { RepoStore } from './storage/repostore.ts'
import type { SlabFile } from './storage/slabfile.ts'
import { textKey } from './storage/storagekey.ts'
import type { NodeEvents, NodeStatus, Trade, TradeNeeds, TradePlatform, TradeSettings } from './trade.ts'

/** What a platform hands over; all of it belongs to the node from then on. */
export interface NodeParts {
  readonly datastore: Datastore
  readonly slab: SlabFile
  readonly hasher: Hasher
  /** Brings up whoever computes on threads; called when that is first needed, if ever. */
  readonly compute: () => Promise<Compute>
  /** What the network is spoken over; called when the node joins it, if ever. */
  readonly transports: NodeNetworkParts['transports']
  /** Who knows who has what; the peers that the settings name, without it. */
  readonly discovery?: NodeNetworkParts['discovery']
  /** What the marketplace is reached and proven with; called when the node enters it, if ever. */
  readonly trading: () => Promise<TradePlatform>
  readonly clock: Clock
  readonly log: Log
  readonly random: RandomSource
  /** Lets go of what keeps others out of this node's data; called last. */
  readonly release: () => Promise<void>
}

/** What the store of a node may hold, and how it lets go of what expires. */
export type NodeSettings = RepoStoreSettings & MaintenanceSettings

/** What selling wrote down lies below. */
const SALES_RECORDS = textKey('meta/sales/')
/** And what buying did. */
const PURCHASE_RECORDS = textKey('meta/purchases/')

/** A node: its store, and once it has joined and entered, its network and its part in the marketplace. `createNode` makes one. */
export class CodexNode {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly slots: Slots
  /** What goes on, for onlookers outside. */
  readonly events = new TypedEvents<NodeEvents>()
  readonly #maintenance: Maintenance
  readonly #parts: NodeParts
  #joining: Promise<NodeNetwork> | undefined
  #network: NodeNetwork | undefined
  #entering: Promise<Trade> | undefined
  #trade: Trade | undefined
  readonly #entry: EntryWatch
  #enteredNow: () => void = () => undefined
  /** Settles once the chain's time is known. */
  readonly #entered = new Promise<void>((resolve) => (this.#enteredNow = resolve))
  readonly #ending = new AbortController()
  #holdsSlots = false
  #unproven: Alert | undefined
  #stopped: Promise<void> | undefined

  constructor(parts: NodeParts, settings: NodeSettings = {}) {
    const { clock } = parts
    this.#parts = parts
    this.#entry = new EntryWatch({
      wall: clock,
      atStake: () => this.#stakedOnRecord(),
      raise: (alert) => this.events.emit('alert', alert),
      over: (alert) => this.events.emit('alertOver', alert),
    })
    // A machine's clock that is set ahead must not let go of what the chain still wants proven.
    const now = (): Seconds => Math.min(clock.now(), this.#trade?.now ?? Infinity)
    this.repo = new RepoStore({ ...parts, clock: { now }, log: parts.log.topic('repostore') }, settings)
    // Reading needs the slots only where blocks are lost, and they need the datasets: by then both are there.
    this.datasets = new Datasets(
      this.repo,
      parts.log.topic('datasets'),
      (manifest, indices, options) => this.slots.recoverBlocks(manifest, indices, options),
      async (dataset, options) => {
        const [{ whySold }, { whyBought }] = await Promise.all([
          import('./sales/soldslots.ts'),
          import('./purchasing/boughtdata.ts'),
        ])
        const sold = await whySold(parts.datastore, dataset, options)
        return sold ?? whyBought(parts.datastore, { cid: dataset.cid, now: now() }, options)
      },
    )
    this.slots = new Slots({ repo: this.repo, datasets: this.datasets, compute: parts.compute })
    this.#maintenance = new Maintenance(
      { repo: this.repo, datasets: this.datasets, clock, log: parts.log.topic('maintenance') },
      settings,
    )
  }

  /** Puts right what a crash left, then looks after expiry in the background until {@link CodexNode.stop}. */
  async start(options: AbortOptions): Promise<void> {
    await this.datasets.recover(options)
    this.#holdsSlots = await this.#findSlots(options)
    const isGuarded = this.#holdsSlots || (await this.#findPurchases(options))
    // Nothing of a slot, or of what is bought for, goes by the machine's clock alone: the chain may take as long as it likes to tell its time.
    const ready = ({ signal }: AbortOptions) => raceAbort(this.#entered, signal)
    this.#maintenance.start({ ...options, ...(isGuarded && { ready }) })
  }

  async #findSlots(options: AbortOptions): Promise<boolean> {
    const { datastore } = this.#parts
    for await (const _ of datastore.entries(SALES_RECORDS, options)) {
      const { hasSlots } = await import('./sales/soldslots.ts')
      return hasSlots(datastore, options)
    }
    return false
  }

  async #findPurchases(options: AbortOptions): Promise<boolean> {
    const { datastore } = this.#parts
    for await (const _ of datastore.entries(PURCHASE_RECORDS, options)) {
      const { hasPurchases } = await import('./purchasing/boughtdata.ts')
      return hasPurchases(datastore, options)
    }
    return false
  }

  /** Undefined until {@link CodexNode.join} has settled. */
  get network(): NodeNetwork | undefined {
    return this.#network
  }

  /**
   * Joins the network of peers, until {@link CodexNode.stop}. Later calls answer the same network, whatever their settings, unless the first failed.
   * All of it is loaded by the first call.
   * @throws CodexError as `NodeNetwork.open`, `node/stopped`
   */
  join(settings: NetworkSettings, options: AbortOptions): Promise<NodeNetwork> {
    this.#joining ??= this.#join(settings, options).catch((error: unknown) => {
      this.#joining = undefined
      throw error
    })
    return this.#joining
  }

  async #join(settings: NetworkSettings, options: AbortOptions): Promise<NodeNetwork> {
    this.#assertRunning()
    const { NodeNetwork } = await import('./exchange/nodenetwork.ts')
    const parts = { ...this.#parts, repo: this.repo, datasets: this.datasets }
    const signal = AbortSignal.any([options.signal, this.#ending.signal])
    this.#network = await NodeNetwork.open(parts, settings, { signal })
    return this.#network
  }

  /** Undefined until {@link CodexNode.enter} has settled: this node takes no part in the marketplace. */
  get trade(): Trade | undefined {
    return this.#trade
  }

  /** Why it waits to enter the marketplace; undefined while it does not wait. */
  get waiting(): EntryProblem | undefined {
    return this.#entry.waiting
  }

  /** For callers that ask the chain before they enter, too. @param problem undefined once nothing stands in the way */
  tellWaiting(problem: string | undefined): void {
    void this.#entry.hear(problem)
  }

  /** Raised by {@link CodexNode.tellUnproven}. */
  get unproven(): Alert | undefined {
    return this.#unproven
  }

  /**
   * For a node that was started and is not to sell: where it holds slots of an earlier run, an alert says that nobody proves them.
   * Rejects as the Datastore does, and with the signal's reason.
   */
  async tellUnproven(options: AbortOptions): Promise<Alert | undefined> {
    if (!this.#holdsSlots || this.#unproven !== undefined) return this.#unproven
    const { datastore, clock, log } = this.#parts
    const { unprovenAlert } = await import('./sales/salesplace.ts')
    const raised = await unprovenAlert(datastore, options)
    if (raised === undefined) return undefined
    this.#unproven = { ...raised, at: clock.now() }
    log.error(`${raised.cause}. ${raised.action}`, { atStake: raised.atStake })
    this.events.emit('alert', this.#unproven)
    return this.#unproven
  }

  async #stakedOnRecord(): Promise<bigint> {
    const { readSalesRecords } = await import('./sales/readsalesrecords.ts')
    const { reservations } = await readSalesRecords(this.#parts.datastore, { signal: this.#ending.signal })
    return reservations.reduce((sum, { collateral }) => sum + collateral, 0n)
  }

  /**
   * Enters the marketplace in the roles asked for, until {@link CodexNode.stop}; the node has started and joined the network by then. Waits for the
   * endpoint. Later calls answer the same, whatever their settings, unless the first failed. All of it is loaded by the first call.
   * @throws CodexError as `Trade.open`, `node/not-joined`, `node/stopped`; the signal's reason
   */
  enter(settings: TradeSettings, { signal }: AbortOptions): Promise<Trade> {
    const either = AbortSignal.any([signal, this.#ending.signal])
    this.#entering ??= this.#enter(settings, { signal: either }).catch((error: unknown) => {
      this.#entering = undefined
      throw error
    })
    return this.#entering
  }

  async #enter(settings: TradeSettings, options: AbortOptions): Promise<Trade> {
    this.#assertRunning()
    const network = this.#network
    if (network === undefined)
      throw new CodexError('node/not-joined', 'the marketplace needs the network of peers: join it first')
    const [{ Trade }, platform] = await Promise.all([import('./trade.ts'), this.#parts.trading()])
    const { repo, datasets, slots, events } = this
    const waits = (problem: string | undefined): void => this.tellWaiting(problem)
    const needs: TradeNeeds = { ...this.#parts, ...platform, repo, datasets, slots, network, events, waits }
    try {
      this.#trade = await Trade.open(needs, settings, options)
      this.#enteredNow()
      return this.#trade
    } finally {
      waits(undefined)
    }
  }

  /** All there is to see, as plain data. */
  async status(): Promise<NodeStatus> {
    const network = this.#network
    return {
      time: this.#parts.clock.now(),
      space: await this.repo.space(),
      network:
        network === undefined
          ? undefined
          : { peerId: network.peerId, addresses: network.addresses(), peers: network.peers() },
      trade: this.#trade?.status(),
    }
  }

  /** Nothing of this node runs or holds its data once settled. A second call waits for the first. Never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#ending.abort(stoppedError())
    this.datasets.trees.leaveSweeps()
    await (await this.#entering?.catch(() => undefined))?.stop()
    const network = await this.#joining?.catch(() => undefined)
    await network?.stop()
    await this.#maintenance.stop()
    const { slab, datastore, release, log } = this.#parts
    for (const close of [
      () => this.slots.close(),
      () => this.datasets.close(),
      () => this.repo.close(),
      () => slab.close(),
      () => datastore.close(),
      release,
    ])
      // One part that fails to close must not keep the next from closing.
      await close().catch((error: unknown) => log.error('a part of the node failed to stop', { error }))
  }

  #assertRunning(): void {
    if (this.#stopped !== undefined) throw stoppedError()
  }
}

function stoppedError(): CodexError<'node/stopped'> {
  return new CodexError('node/stopped', 'the node was stopped; open it again')
}
