// Finds providers that could take a slot and do not look at it: nothing wrong is in any account then, and still a sale is lost (field notes T19).

import type { Seconds } from '../../src/lib/units.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { PhaseName } from '../../src/sales/salephase.ts'
import type { Provider } from './provider.ts'
import type { SimWorld } from './simworld.ts'

/** Nothing has troubled the provider for so long: it has looked again at all that failed. */
const CALM_SECONDS: Seconds = 600
/** The slot has been there for it for so long. */
const PATIENCE_SECONDS: Seconds = 550
/** So little is left that it is fair not to begin. */
const TOO_LATE_SECONDS: Seconds = 300
/** From then on, nothing having troubled it, it counts as neglect what a provider does not look at. */
const SETTLED_SECONDS: Seconds = 50
/** So long after its start, or the last trouble, it has heard of all that was asked for before. */
const TOLD_SECONDS: Seconds = 150
const WORKERS = 3
const ASIDE: readonly PhaseName[] = ['filled', 'proving', 'collecting']

export class IdleWatch {
  readonly #world: SimWorld
  /** Since when each pair of provider and slot fits, and nothing came of it. */
  #since = new Map<string, Seconds>()
  readonly #over = new Set<RequestId>()

  constructor(world: SimWorld) {
    this.#world = world
  }

  look(requests: Iterable<RequestId>): (readonly [Provider, string])[] {
    const now = this.#world.now()
    const { records } = this.#world.net.marketplace
    const open: RequestId[] = []
    for (const id of requests) {
      if (this.#over.has(id)) continue
      const record = records.requests.get(id)
      if (record === undefined) continue
      if (record.state !== 'New' || Number(record.expiresAt) < now) this.#over.add(id)
      else if (Number(record.expiresAt) > now + TOO_LATE_SECONDS) open.push(id)
    }
    const before = this.#since
    this.#since = new Map()
    const found: (readonly [Provider, string])[] = []
    for (const provider of this.#world.providers)
      for (const id of open) {
        for (const slotIndex of this.#unheard(provider, id))
          found.push([provider, `slot ${slotIndex} of ${id} was open at the start, and nobody looked for it (S10)`])
        for (const slotIndex of this.#neglected(provider, id)) {
          const name = `${provider.name}/${id}/${slotIndex}`
          const since = before.get(name) ?? now
          this.#since.set(name, since)
          if (now - since >= PATIENCE_SECONDS && provider.calmSeconds >= CALM_SECONDS)
            found.push([provider, `slot ${slotIndex} of ${id} fits, and nobody looks at it (T15, T19, T20)`])
        }
      }
    return found
  }

  /** Of a request that was there before the provider's start: neither in the queue nor looked at since, and it fits. */
  #unheard(provider: Provider, id: RequestId): number[] {
    const { selling, run, calmSeconds, weather } = provider
    if (selling === undefined || run === undefined || calmSeconds < TOLD_SECONDS) return []
    const { request, endsAt } = this.#world.net.marketplace.records.known(id)
    if (Number(endsAt - request.ask.duration) >= run.since || weather.lastLoss >= run.since) return []
    const { sales } = selling
    if (sales.decisions.latest(1, id).some(({ at }) => at >= run.since)) return []
    return this.#reservable(provider, id).filter((slotIndex) => !sales.queue.has(id, slotIndex))
  }

  #neglected(provider: Provider, id: RequestId): number[] {
    const { selling } = provider
    if (selling === undefined || provider.calmSeconds < SETTLED_SECONDS) return []
    const { records } = this.#world.net.marketplace
    const { request, endsAt } = records.known(id)
    const askedAt = Number(endsAt - request.ask.duration)
    if (provider.weather.lastLoss >= askedAt) return []
    const { sales } = selling
    const busy = sales.agents.filter(({ phase }) => phase === undefined || !ASIDE.includes(phase.at)).length
    if (busy >= WORKERS - 1) return []
    return this.#reservable(provider, id).filter((slotIndex) => !this.#isDecided(provider, id, slotIndex))
  }

  /** Those that fit, that it has no sale of, and that the chain would let it reserve. */
  #reservable(provider: Provider, id: RequestId): number[] {
    const { selling } = provider
    const { request, endsAt } = this.#world.net.marketplace.records.known(id)
    if (selling?.reservations.find({ ...request.ask, requestEnd: Number(endsAt) }) === undefined) return []
    const indices = Array.from({ length: Number(request.ask.slots) }, (_, slotIndex) => slotIndex)
    return indices.filter(
      (slotIndex) =>
        selling.sales.agent({ requestId: id, slotIndex }) === undefined &&
        this.#world.net.chain.view(
          () => this.#world.marketplaceLets(provider.address, id, slotIndex),
          this.#world.now(),
        ),
    )
  }

  /** It was tried, and given up for a reason that a change of terms does not mend. */
  #isDecided({ selling }: Provider, id: RequestId, slotIndex: number): boolean {
    const decisions = selling?.sales.decisions.latest(100, id).filter((each) => each.slotIndex === slotIndex) ?? []
    const isGivenUp = (why: string): boolean =>
      GIVEN_UP.includes(why) || why.startsWith(TOO_SLOW) || why.startsWith(NO_DATA)
    return decisions.some(({ verdict, reasons }) => verdict === 'lost' || reasons.some(isGivenUp))
  }
}

const GIVEN_UP = ['slot not free', 'reservations full', 'filled by another host', 'bad terms']
/** How the sentence begins that gives up a download. */
const TOO_SLOW = 'too slow'
/** …and the one that puts off a slot which lacks its data: looks at it are few and short. */
const NO_DATA = 'its data could not be had'
