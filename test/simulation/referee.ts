// Holds a simulated world against the invariants (field notes §5): what must hold after every instant, what must hold at every recount, and
// what must be so when everything has come to its end.

import type { LogRecord } from '../../src/lib/log.ts'
import type { Bytes, Seconds } from '../../src/lib/units.ts'
import type { Address } from '../../src/market/market.ts'
import { Periodicity } from '../../src/market/periodicity.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import type { SalesAgent } from '../../src/sales/agent.ts'
import { checkReservations } from '../../src/sales/checkreservations.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { IdleWatch } from './idlewatch.ts'
import { judgeTheEnd } from './judgetheend.ts'
import type { Provider, Selling } from './provider.ts'
import type { Run, SimNode } from './simnode.ts'
import type { SimWorld } from './simworld.ts'
import { TERMS } from './simworld.ts'
import { deliveryOf } from './terms.ts'

const MAX_BREACHES = 20
/** How long a node that nothing troubles may take for what it owes. */
const PATIENCE_SECONDS: Seconds = 1800
const LIVENESS_SECONDS: Seconds = 300
/** Preparing a sale asks some questions. */
const MAX_PREPARING_LOOKS = 3
/** Within which whatever makes a sale break off happened. */
const BREAKING_SECONDS: Seconds = 1800

export class Referee {
  readonly breaches: string[] = []
  readonly #world: SimWorld
  #heard = 0
  readonly #requests = new Set<RequestId>()
  readonly #slots = new Set<SlotId>()
  #nextLiveness: Seconds = 0
  readonly #idle: IdleWatch
  /** Commits of each store when it was last counted, when its sums were, and when those in memory were. */
  readonly #counted = new WeakMap<Selling, number>()
  readonly #summed = new WeakMap<Selling, number>()
  readonly #glanced = new WeakMap<Selling, number>()
  /** How often each slot was filled since it was last free. */
  readonly #fills = new Map<SlotId, number>()
  /** At how many looks in a row each sale was still being prepared. */
  readonly #preparing = new WeakMap<SalesAgent, number>()

  constructor(world: SimWorld) {
    this.#world = world
    this.#idle = new IdleWatch(world)
  }

  get slots(): ReadonlySet<SlotId> {
    return this.#slots
  }

  get requests(): ReadonlySet<RequestId> {
    return this.#requests
  }

  breach(node: SimNode | undefined, what: string): void {
    const line = `${this.#world.now()} ${node?.name ?? 'world'}: ${what}`
    if (this.breaches.length < MAX_BREACHES && !this.breaches.includes(line)) this.breaches.push(line)
    this.#world.history.note(`breach ${line}`)
  }

  requestEnds(): number[] {
    const { records } = this.#world.net.marketplace
    return [...this.#requests].map((id) => Number(records.requests.get(id)?.endsAt ?? 0))
  }

  /** After every step that a provider handled: what its books say of each other (I2 to I4). */
  glance(provider: Provider): void {
    const { selling } = provider
    if (selling === undefined || !isNews(this.#glanced, selling)) return
    const availabilities = selling.reservations.availabilities()
    const reservations = selling.reservations.reservations()
    const sum = (sizes: readonly Bytes[]): Bytes => sizes.reduce((all, bytes) => all + bytes, 0)
    const reserved = sum(availabilities.map((each) => each.freeSize)) + sum(reservations.map(({ size }) => size))
    const books = { counters: { used: 0, reserved }, quotaBytes: Infinity, availabilities, reservations }
    for (const problem of checkReservations(books)) this.breach(provider, `after a step: ${problem}`)
  }

  /** After every instant. */
  async look(): Promise<void> {
    this.#hearTheChain()
    for (const provider of this.#world.providers) await this.#sum(provider)
    if (this.#world.now() >= this.#nextLiveness) {
      this.#nextLiveness = this.#world.now() + LIVENESS_SECONDS
      for (const provider of this.#world.providers) this.#lookAfter(provider)
      for (const [provider, what] of this.#idle.look(this.#requests)) this.breach(provider, what)
    }
  }

  /** Nothing is under way now: books and counters agree (I1 to I4). */
  async #sum(provider: Provider): Promise<void> {
    const { selling } = provider
    if (selling === undefined || !isNews(this.#summed, selling)) return
    const { quotaMaxBytes: quotaBytes, quotaUsedBytes: used, quotaReservedBytes: reserved } = await selling.repo.space()
    const { reservations } = selling
    const books = { availabilities: reservations.availabilities(), reservations: reservations.reservations() }
    for (const problem of checkReservations({ counters: { used, reserved }, quotaBytes, ...books }))
      this.breach(provider, `in memory: ${problem}`)
  }

  /** Counts everything. */
  async recount(): Promise<void> {
    for (const provider of this.#world.providers) {
      const { selling } = provider
      if (selling === undefined || !isNews(this.#counted, selling)) continue
      for (const problem of await selling.reservations.check({ signal: NEVER })) this.breach(provider, problem)
      const { problems } = await selling.repo.recount({ signal: NEVER })
      for (const problem of problems) this.breach(provider, problem)
    }
  }

  judgeTheEnd(): Promise<void> {
    return judgeTheEnd(this.#world)
  }

  /** A stopped node has left nothing running. */
  stopped(node: SimNode, { clock }: Run): void {
    if (clock.waiting > 0) this.breach(node, `${clock.waiting} waits are left behind by a stop`)
  }

  /** A missing proof was marked. */
  marked(host: Address, id: SlotId, period: number): void {
    const provider = this.#world.providers.find(({ address }) => address === host)
    if (provider === undefined) return
    this.#world.history.cover('chain/slash')
    const start = new Periodicity(TERMS.proofs.period).startOf(period)
    if (provider.run !== undefined && provider.calmSeconds >= this.#world.now() - start)
      this.breach(provider, `missed the proof of ${id} in period ${period} without any trouble (I9)`)
  }

  told(provider: Provider, { message, fields }: LogRecord): void {
    const { requestId, error } = fields
    const { requests } = this.#world.net.marketplace.records
    const request = typeof requestId === 'string' ? requests.get(requestId)?.request : undefined
    if (message === 'a sale broke off' && request !== undefined && deliveryOf(request) === 'good')
      if (Math.min(provider.calmSeconds, this.#world.now() - provider.weather.lastNetTrouble) >= BREAKING_SECONDS)
        this.breach(provider, `a sale broke off without any trouble: ${JSON.stringify(error)}`)
    if (message.startsWith('collateral was lost') || message.startsWith('an availability shrank'))
      this.#world.history.note(`${provider.name} ${JSON.stringify(fields)}`)
  }

  #hearTheChain(): void {
    const { told } = this.#world.net
    for (; this.#heard < told.length; this.#heard++) {
      const event = told[this.#heard]
      if (event === undefined) continue
      const happened = event.type === 'undone' ? event.event : event
      this.#world.history.cover(`chain/${event.type === 'undone' ? 'undone ' : ''}${happened.type}`)
      if (happened.type === 'StorageRequested') this.#requests.add(happened.requestId)
      if (happened.type === 'SlotFilled') this.#slots.add(happened.slotId)
      if (happened.type === 'SlotFilled' || happened.type === 'SlotFreed')
        this.#countFill(happened.slotId, (happened.type === 'SlotFilled') === (event.type !== 'undone'))
    }
  }

  #countFill(id: SlotId, isFilled: boolean): void {
    const fills = (this.#fills.get(id) ?? 0) + (isFilled ? 1 : -1)
    this.#fills.set(id, fills)
    if (fills < 0 || fills > 1) this.breach(undefined, `slot ${id} was filled ${fills} times since it was free (I6)`)
  }

  /** What a node that nothing troubles owes the chain and its own accounts. */
  #lookAfter(provider: Provider): void {
    const { selling } = provider
    if (selling === undefined || provider.calmSeconds < PATIENCE_SECONDS) return
    const now = this.#world.now()
    const { records } = this.#world.net.marketplace
    const view = <T>(call: () => T) => this.#world.net.chain.view(call, now)
    for (const id of records.mySlots(provider.address) as readonly SlotId[]) {
      const slot = records.filledOnce(id)
      const name = { requestId: slot.requestId, slotIndex: Number(slot.slotIndex) }
      const agent = selling.sales.agent(name)
      if (agent === undefined) this.breach(provider, `slot ${id} is ours and no sale looks after it (I5)`)
      if (selling.reservations.reservationOf(name.requestId, name.slotIndex) === undefined)
        this.breach(provider, `slot ${id} is ours and has no reservation (I4)`)
      const state = view(() => records.slotState(id))
      const { endsAt, expiresAt } = records.known(slot.requestId)
      const over = Number(state === 'Cancelled' ? expiresAt : endsAt)
      if (state !== 'Filled' && now > over + PATIENCE_SECONDS)
        this.breach(provider, `slot ${id} reads ${state} since ${over} and was not collected (I8)`)
    }
    for (const agent of selling.sales.agents) {
      const looks = agent.phase?.at === 'preparing' ? (this.#preparing.get(agent) ?? 0) + 1 : 0
      this.#preparing.set(agent, looks)
      if (looks > MAX_PREPARING_LOOKS)
        this.breach(
          provider,
          `slot ${agent.slot.slotIndex} of ${agent.slot.requestId} holds a worker for nothing (T15)`,
        )
    }
    for (const { requestId, slotIndex, validUntil } of selling.reservations.reservations()) {
      if (selling.sales.agent({ requestId, slotIndex }) === undefined)
        this.breach(provider, `the reservation of slot ${slotIndex} of ${requestId} has no sale (I4)`)
      if (now > validUntil + 2 * PATIENCE_SECONDS)
        this.breach(provider, `the reservation of ${slotId(requestId, slotIndex)} outlives its request`)
    }
  }
}

/** Whether its store has committed something since: what has committed nothing counts the same. */
function isNews(seen: WeakMap<Selling, number>, selling: Selling): boolean {
  if (seen.get(selling) === selling.faults.commits) return false
  seen.set(selling, selling.faults.commits)
  return true
}
