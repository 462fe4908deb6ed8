// Finds providers that could take a slot and do not look at it: nothing wrong is in any account then, and still a sale is lost (field notes T19).

import type { Seconds } from '../../src/lib/units.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { PhaseName } from '../../src/sales/salephase.ts'
import type { Provider } from './provider.ts'
import type { SimWorld } from './simworld.ts'

/** Nothing has troubled the provider for so long. */
const CALM_SECONDS: Seconds = 600
/** The slot has been there for it for so long. */
const PATIENCE_SECONDS: Seconds = 550
/** So little is left that it is fair not to begin. */
const TOO_LATE_SECONDS: Seconds = 300
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
      for (const id of open)
        for (const slotIndex of this.#neglected(provider, id)) {
          const name = `${provider.name}/${id}/${slotIndex}`
          const since = before.get(name) ?? now
          this.#since.set(name, since)
          if (now - since >= PATIENCE_SECONDS)
            found.push([provider, `slot ${slotIndex} of ${id} fits, and nobody looks at it (T15, T19, T20, S10)`])
        }
    return found
  }

  #neglected(provider: Provider, id: RequestId): number[] {
    const { selling } = provider
    if (selling === undefined || provider.calmSeconds < CALM_SECONDS) return []
    const { records } = this.#world.net.marketplace
    const { request, endsAt } = records.known(id)
    const askedAt = Number(endsAt - request.ask.duration)
    if (provider.weather.lastLoss >= askedAt) return []
    const { sales, reservations } = selling
    const busy = sales.agents.filter(({ phase }) => phase === undefined || !ASIDE.includes(phase.at)).length
    if (busy >= WORKERS - 1) return []
    if (reservations.find({ ...request.ask, requestEnd: Number(endsAt) }) === undefined) return []
    const neglected: number[] = []
    for (let slotIndex = 0; slotIndex < Number(request.ask.slots); slotIndex++) {
      if (sales.agent({ requestId: id, slotIndex }) !== undefined) continue
      const canReserve = this.#world.net.chain.view(
        () => this.#world.marketplaceLets(provider.address, id, slotIndex),
        this.#world.now(),
      )
      if (canReserve && !this.#isDecided(provider, id, slotIndex)) neglected.push(slotIndex)
    }
    return neglected
  }

  /** It was tried, and given up for a reason that a change of terms does not mend. */
  #isDecided({ selling }: Provider, id: RequestId, slotIndex: number): boolean {
    const decisions = selling?.sales.decisions.latest(100, id).filter((each) => each.slotIndex === slotIndex) ?? []
    const isGivenUp = (why: string): boolean => GIVEN_UP.includes(why) || why.startsWith(TOO_SLOW)
    return decisions.some(({ verdict, reasons }) => verdict === 'lost' || reasons.some(isGivenUp))
  }
}

const GIVEN_UP = ['slot not free', 'reservations full', 'filled by another host', 'bad terms']
/** How the sentence begins that gives up a download. */
const TOO_SLOW = 'too slow'
