// A simulated world: one chain, its nodes, and the order in which everything happens. One seed, one world: nothing in it depends on the
// machine that runs it.

import type { RandomSource } from '../../src/lib/random.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { Address } from '../../src/market/market.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { type PhaseName, PHASE_NAMES } from '../../src/sales/salephase.ts'
import type { SlotContent } from '../../src/sales/slotwork.ts'
import { FakeChainWorld } from '../fakes/fakechainworld.ts'
import { type Asked, type SlotBlocksMemory, verifies } from '../fakes/fakeslotwork.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { Client } from './client.ts'
import { History } from './history.ts'
import { PLANTS } from './plants.ts'
import { Provider } from './provider.ts'
import { Referee } from './referee.ts'
import type { SimNode } from './simnode.ts'
import { Watchman } from './watchman.ts'

export interface SimOptions {
  readonly seed: number
  readonly hosts: number
  readonly clients: number
  readonly days: number
  /** Names of {@link PLANTS}. */
  readonly plants?: readonly string[]
  /** Goes no further than this. */
  readonly maxSteps?: number | undefined
  /** Kinds of {@link TROUBLES} that this world is spared. */
  readonly without?: readonly string[] | undefined
  /** Ends with the first breach. With a plant it does anyway. */
  readonly untilBreach?: boolean | undefined
}

/** What makes a world a hard one. */
export const TROUBLES = [
  ...(['call', 'send', 'hear', 'prove', 'commit', 'net', 'reorg', 'crash', 'freeze', 'stop', 'owner', 'jump'] as const),
] as const

export const GENESIS: Seconds = 1_700_000_000
export const BLOCK_SECONDS: Seconds = 12
export const INITIAL_TOKENS = 10n ** 20n
const RECOUNT_STEPS = 1000
/** Between two of its kind, on average. */
const [WISH_SECONDS, REORG_SECONDS, OUTAGE_SECONDS, OWNER_SECONDS] = [9000, 4000, 9000, 6000]
const JUMP_SECONDS: Seconds = 12_000
/** Of one node, on average; and for how long at most. */
const [CUT_SECONDS, MAX_CUT_SECONDS] = [4000, 1200]
const MAX_REORG_BLOCKS = 12
/** Once in the chain they count as done: what is lost in a reorganisation is sent again by the journal of whoever sent it, or found at the next start. */
const PAYOUTS: ReadonlySet<string> = new Set(['collect', 'withdrawFunds'])
const PHASES = Object.keys(PHASE_NAMES) as PhaseName[]
const LATE_SECONDS: Seconds = 600
/** A stop waits for what was sent. */
const SLOWEST_STOP_SECONDS: Seconds = 900
const HOUR: Seconds = 3600

export const TERMS = {
  collateral: { repairRewardPercentage: 10, maxNumberOfSlashes: 2, slashPercentage: 20, validatorRewardPercentage: 20 },
  proofs: { period: 120, timeout: 30, downtime: 64, downtimeProduct: 67, zkeyHash: 'none' },
  reservations: { maxReservations: 3 },
  requestDurationLimit: 30 * 24 * HOUR,
} as const

/** Settles when everything that is due has been done, down to the last promise. */
export type Settle = () => Promise<void>

export class SimWorld {
  readonly history = new History()
  readonly net: FakeChainWorld
  readonly referee: Referee
  readonly providers: readonly Provider[]
  readonly clients: readonly Client[]
  readonly watchmen: readonly Watchman[]
  /** The same content is the same for every host. */
  readonly slotBlocks: SlotBlocksMemory = new Map()
  readonly #cutUntil = new Map<SimNode, Seconds>()
  readonly #random: RandomSource
  readonly #settle: Settle
  readonly #options: SimOptions
  /** Acts to come, by their times. */
  readonly #agenda: { readonly at: Seconds; readonly order: number; readonly act: () => void | Promise<void> }[] = []
  /** Number of the block that everyone has their first tokens in: no reorganisation reaches so far. */
  readonly #foundedAt: number
  #now: Seconds = GENESIS
  #nextBlock: Seconds = GENESIS + BLOCK_SECONDS
  #nextRecount = RECOUNT_STEPS
  #acts = 0
  #isQuiet = false

  constructor(options: SimOptions, settle: Settle) {
    this.#options = options
    this.#settle = settle
    this.#random = seededSource(options.seed * 7919 + 1)
    this.net = new FakeChainWorld({
      clock: { now: () => this.#now },
      seed: String(options.seed),
      configuration: TERMS,
      verify: verifies,
    })
    this.referee = new Referee(this)
    const plants = (options.plants ?? []).map((name) => {
      const plant = PLANTS[name]
      if (plant === undefined) throw new Error(`there is no plant ${name}: ${Object.keys(PLANTS).join(', ')}`)
      return plant
    })
    const seedOf = (number: number) => options.seed * 104_729 + number * 31 + 17
    const made = <Node>(count: number, from: number, make: (name: string, address: Address, seed: number) => Node) =>
      Array.from({ length: count }, (_, i) => {
        const address: Address = `0x${(from + i).toString(16).padStart(40, '0')}`
        this.net.mint(address, INITIAL_TOKENS)
        return make(`${from + i}`, address, seedOf(from + i))
      })
    this.providers = made(options.hosts, 1000, (name, at, seed) => new Provider(this, `host${name}`, at, seed, plants))
    this.clients = made(options.clients, 2000, (name, at, seed) => new Client(this, `client${name}`, at, seed))
    this.watchmen = made(2, 3000, (name, at, seed) => new Watchman(this, `watchman${name}`, at, seed))
    const [steady] = this.watchmen
    if (steady !== undefined) steady.weather.isOver = true
    this.#foundedAt = this.net.chain.latest.number
  }

  now(): Seconds {
    return this.#now
  }

  get nodes(): readonly SimNode[] {
    return [...this.providers, ...this.clients, ...this.watchmen]
  }

  get isQuiet(): boolean {
    return this.#isQuiet
  }

  /** Whether a host may reserve a slot, as the block that is asked sees it. */
  marketplaceLets(host: Address, id: RequestId, slotIndex: number): boolean {
    return this.net.marketplace.canReserveSlot(host, id, BigInt(slotIndex))
  }

  /**
   * Whether enough of those that have what is asked for can be reached. A client keeps its data until the request has started; whoever has a slot has
   * the manifest too.
   */
  isThere({ request }: SlotContent, what: Asked): boolean {
    const { records } = this.net.marketplace
    const id = requestId(request)
    const { client, ask } = request
    const isKept = records.requests.get(id)?.state === 'New'
    if (isKept && this.#isReached(this.clients.find(({ address }) => address === client))) return true
    if (what === 'blocks') return false
    const slots = Array.from({ length: Number(ask.slots) }, (_, index) => records.slots.get(slotId(id, index)))
    const hosts = slots.flatMap((slot) => (slot?.state === 'Filled' ? [slot.host] : []))
    const reached = hosts.filter((host) => this.#isReached(this.providers.find(({ address }) => address === host)))
    return BigInt(reached.length) >= (what === 'rows' ? ask.slots - ask.maxSlotLoss : 1n)
  }

  /** Whether this world is spared such trouble. */
  isSpared(trouble: (typeof TROUBLES)[number]): boolean {
    return this.#options.without?.includes(trouble) === true
  }

  async play(): Promise<void> {
    for (const node of this.nodes) await node.boot()
    this.#plan(WISH_SECONDS / Math.max(1, this.clients.length), () => this.#oneOf(this.clients)?.wish())
    this.#plan(REORG_SECONDS, () => this.#reorganise())
    this.#plan(OUTAGE_SECONDS / Math.max(1, this.providers.length / 4), () => this.#disturb())
    this.#plan(OWNER_SECONDS / Math.max(1, this.providers.length / 4), () => this.#ownerActs())
    this.#plan(JUMP_SECONDS / Math.max(1, this.providers.length / 4), () => this.#pushAClock())
    this.#plan(CUT_SECONDS / Math.max(1, this.clients.length + this.providers.length / 2), () => this.#cutALine())
    const end = GENESIS + this.#options.days * 24 * HOUR
    await this.#until(end)
    await this.#calmDown()
  }

  /** No more faults and no more requests; everything comes to its end. */
  async #calmDown(): Promise<void> {
    this.#isQuiet = true
    for (const node of this.nodes) {
      node.weather.isOver = true
      if (node.isFrozen) node.thaw()
      if (node.run === undefined) await node.boot()
    }
    const ends = () => Math.max(this.#now, ...this.referee.requestEnds())
    await this.#until(this.#now + HOUR)
    await this.#until(ends() + 2 * HOUR)
    if (!this.#isEnough()) await this.referee.judgeTheEnd()
    if (!this.#isEnough()) await this.#stopAll()
  }

  /** Time goes on meanwhile: a stop that does not end is told of, and not waited for. */
  async #stopAll(): Promise<void> {
    for (const node of this.nodes) void node.stop()
    await this.#until(this.#now + SLOWEST_STOP_SECONDS)
    for (const node of this.nodes)
      if (node.isStopping) this.referee.breach(node, 'its stop does not come to an end (T29)')
  }

  #isEnough(): boolean {
    const { maxSteps = Infinity, plants = [], untilBreach = plants.length > 0 } = this.#options
    return this.history.steps >= maxSteps || (untilBreach && this.referee.breaches.length > 0)
  }

  async #until(end: Seconds): Promise<void> {
    for (;;) {
      await this.#settle()
      await this.referee.look()
      if (this.history.steps >= this.#nextRecount) {
        this.#nextRecount = this.history.steps + RECOUNT_STEPS
        await this.referee.recount()
      }
      const next = this.#nextInstant()
      if (next > end || this.#isEnough()) return
      this.#now = next
      for (const node of this.nodes) node.moveTo(next)
      if (next >= this.#nextBlock) this.#mine()
      while ((this.#agenda[0]?.at ?? Infinity) <= next) await this.#agenda.shift()?.act()
    }
  }

  #isReached(node: SimNode | undefined): boolean {
    return node?.run !== undefined && !node.isFrozen && (this.#cutUntil.get(node) ?? -Infinity) <= this.#now
  }

  /** A node has no line to its peers for a while; to the chain it has. */
  #cutALine(): void {
    const node = this.#oneOf([...this.clients, ...this.clients, ...this.providers])
    const seconds = 30 + Math.floor(this.#random.fraction() * MAX_CUT_SECONDS)
    if (node !== undefined && !this.isSpared('net')) this.#cutUntil.set(node, this.#now + seconds)
  }

  #nextInstant(): Seconds {
    let next = Math.min(this.#nextBlock, this.#agenda[0]?.at ?? Infinity)
    for (const { nextDue } of this.nodes) if (nextDue < next) next = nextDue
    return Math.max(next, this.#now)
  }

  #mine(): void {
    // Some slots of time stay empty.
    this.#nextBlock += this.#random.fraction() < 0.05 ? 2 * BLOCK_SECONDS : BLOCK_SECONDS
    const { number } = this.net.mine()
    this.history.deliver(`${this.#now} block ${number}`, this.nodes.filter(({ run }) => run !== undefined).length)
  }

  #reorganise(): void {
    const wanted = 1 + Math.floor(this.#random.fraction() ** 2 * MAX_REORG_BLOCKS)
    const depth = Math.min(wanted, this.net.chain.latest.number - this.#foundedAt)
    const losing = this.#random.fraction() < 0.3 ? 0.2 : 0
    if (this.isSpared('reorg') || depth === 0) return
    for (const node of this.nodes) node.weather.trouble('reorg', depth * BLOCK_SECONDS + 300)
    this.net.reorganise(depth, {
      lost: ({ verb }) => !PAYOUTS.has(verb) && this.#random.fraction() < losing,
      late: ({ verb }) => (PAYOUTS.has(verb) && this.#random.fraction() < losing ? LATE_SECONDS : 0),
    })
    this.history.deliver(`${this.#now} reorganisation of ${depth}`)
  }

  async #ownerActs(): Promise<void> {
    const provider = this.#oneOf(this.providers)
    if (!this.isSpared('owner')) await provider?.ownerActs()
  }

  #pushAClock(): void {
    const node = this.#oneOf(this.#unsteady)
    const seconds = 5 + Math.floor(this.#random.fraction() ** 3 * HOUR)
    if (!this.isSpared('jump')) node?.jump(seconds)
  }

  /** A machine fails, stops or freezes for a while. */
  #disturb(): void {
    const busy = this.#random.fraction() < 0.5 ? this.providers.filter((provider) => provider.isBusy) : []
    const node = this.#oneOf(busy) ?? this.#oneOf(this.#unsteady)
    if (node?.run === undefined || node.isFrozen || node.isStopping) return
    const seconds = 10 + Math.floor(this.#random.fraction() ** 3 * 4 * HOUR)
    const kind = this.#random.fraction()
    if (this.isSpared(kind < 0.4 ? 'crash' : kind < 0.7 ? 'freeze' : 'stop')) return
    if (kind < 0.4) {
      node.crash()
      this.#at(this.#now + seconds, () => (node.run === undefined ? node.boot() : undefined))
    } else if (kind < 0.7) {
      node.freeze()
      this.#at(this.#now + seconds, () => node.thaw())
    } else if (node instanceof Provider && this.#random.fraction() < 0.5) {
      const phase = PHASES[Math.floor(this.#random.fraction() * PHASES.length)]
      if (phase !== undefined) node.when(phase, () => this.#stopForAWhile(node, seconds))
    } else this.#stopForAWhile(node, seconds)
  }

  #stopForAWhile(node: SimNode, seconds: Seconds): void {
    if (node.run === undefined || node.isFrozen || node.isStopping) return
    void node.stop()
    const since = this.#now
    this.#at(this.#now + seconds, () => {
      if (node.isStopping && this.#now - since > SLOWEST_STOP_SECONDS)
        this.referee.breach(node, 'its stop does not come to an end (T29)')
      if (node.isStopping) node.crash()
      return node.run === undefined ? node.boot() : undefined
    })
  }

  /** All but the watchman that keeps the others' proofs marked; each provider twice, because they are what is tested most. */
  get #unsteady(): readonly SimNode[] {
    return [...this.watchmen.slice(1), ...this.clients, ...this.providers, ...this.providers]
  }

  /** Again and again, until the world is to be quiet. */
  #plan(seconds: Seconds, act: () => void | Promise<void> | undefined): void {
    const again = async (): Promise<void> => {
      if (this.#isQuiet) return
      this.#at(this.#now + 1 + Math.floor(this.#random.fraction() * 2 * seconds), again)
      await act()
    }
    this.#at(this.#now + Math.floor(this.#random.fraction() * 2 * seconds), again)
  }

  #at(at: Seconds, act: () => void | Promise<void>): void {
    this.#agenda.push({ at, order: this.#acts++, act })
    this.#agenda.sort((a, b) => a.at - b.at || a.order - b.order)
  }

  #oneOf<Node>(nodes: readonly Node[]): Node | undefined {
    return nodes[Math.floor(this.#random.fraction() * nodes.length)]
  }
}
