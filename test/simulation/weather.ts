// What goes wrong for one node, and when: spells of bad weather between long calm ones, so that what happens in the calm can be held against
// the node. Everything follows from the random source it is given.

import type { RandomSource } from '../../src/lib/random.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { CallFault, HearFault, MarketFaults, SendFault } from '../fakes/fakemarket.ts'
import type { ProveFault } from '../fakes/fakeslotwork.ts'
import type { History } from './history.ts'

type Random = Pick<RandomSource, 'fraction'>
type Trouble = 'call' | 'send' | 'hear' | 'prove' | 'commit'

const CALM_SECONDS: Seconds = 3 * 3600
const STORM_SECONDS: Seconds = 1200
/** In a storm. */
const [CALL_RATE, SEND_RATE, HEAR_RATE, PROVE_RATE, COMMIT_RATE, OUTAGE_RATE] = [0.06, 0.15, 0.2, 0.1, 0.03, 0.15]
/** A fault is felt for so long at most: a transaction that is late, a proof that takes its time. */
const AFTERMATH_SECONDS: Seconds = 400

export class Weather implements MarketFaults {
  readonly #random: Random
  readonly #history: History
  readonly #now: () => Seconds
  #changesAt: Seconds
  #isStormy = false
  #isOut = false
  #lastTrouble: Seconds = -Infinity
  #lastLoss: Seconds = -Infinity
  readonly #isSpared: (trouble: Trouble) => boolean
  /** No more of it: for the end of a world. */
  isOver = false

  constructor(random: Random, history: History, now: () => Seconds, isSpared: (trouble: Trouble) => boolean) {
    this.#random = random
    this.#isSpared = isSpared
    this.#history = history
    this.#now = now
    this.#changesAt = now() + CALM_SECONDS * random.fraction()
  }

  /** The last instant at which something that goes wrong may be felt. */
  get lastTrouble(): Seconds {
    return this.#lastTrouble
  }

  /** The last instant at which it did not hear of something. */
  get lastLoss(): Seconds {
    return this.#lastLoss
  }

  /** Something befell the node, and is felt for so long. */
  trouble(kind: string, seconds: Seconds = AFTERMATH_SECONDS): void {
    this.#lastTrouble = Math.max(this.#lastTrouble, this.#now() + seconds)
    this.#history.cover(`fault/${kind}`)
  }

  call(): CallFault | undefined {
    if (!this.#isBad('call')) return undefined
    if (this.#isOut) return this.#make('rpc outage', { is: 'fails' })
    if (!this.#happens(CALL_RATE)) return undefined
    const kind = this.#random.fraction()
    if (kind < 0.4) return this.#make('call fails', { is: 'fails' })
    if (kind < 0.7) return this.#make('call stale', { is: 'stale' })
    return this.#make('call late', { is: 'late', seconds: this.#between(1, 60) })
  }

  send(): SendFault | undefined {
    if (!this.#isBad('send') || !this.#happens(SEND_RATE)) return undefined
    const kind = this.#random.fraction()
    if (kind < 0.3) return this.#make('send refused', { is: 'refused' })
    if (kind < 0.65) return this.#make('send lost', { is: 'lost', seconds: this.#between(10, 300) })
    return this.#make('answer lost', { is: 'answer lost' })
  }

  hear(): HearFault | undefined {
    if (!this.#isBad('hear') || !this.#happens(HEAR_RATE)) return undefined
    const kind = this.#random.fraction()
    if (kind < 0.4) {
      this.#lastLoss = this.#now()
      return this.#make('event lost', 'lost')
    }
    return kind < 0.7 ? this.#make('event twice', 'twice') : this.#make('event late', 'late')
  }

  prove(): ProveFault | undefined {
    if (!this.#isBad('prove') || !this.#happens(PROVE_RATE)) return undefined
    if (this.#happens(0.5)) return this.#make('prove fails', { is: 'fails' })
    return this.#make('prove slow', { is: 'takes', seconds: this.#between(30, 300) })
  }

  /** Whether a commit of the node's store fails, with nothing written. */
  commit(): boolean {
    return this.#isBad('commit') && this.#happens(COMMIT_RATE) && this.#make('commit fails', true)
  }

  #make<Fault>(kind: string, fault: Fault): Fault {
    this.trouble(kind)
    return fault
  }

  #isBad(trouble: Trouble): boolean {
    if (this.isOver || this.#isSpared(trouble)) return false
    while (this.#now() >= this.#changesAt) {
      this.#isStormy = !this.#isStormy
      this.#isOut = this.#isStormy && this.#happens(OUTAGE_RATE)
      const spell = this.#isStormy ? STORM_SECONDS : CALM_SECONDS
      this.#changesAt += this.#between(spell / 4, (spell * 7) / 4)
    }
    return this.#isStormy
  }

  #happens(rate: number): boolean {
    return this.#random.fraction() < rate
  }

  #between(from: number, to: number): number {
    return Math.floor(from + this.#random.fraction() * (to - from))
  }
}
