// What goes wrong for one node, and when: spells of bad weather between long calm ones, so that what happens in the calm can be held against
// the node. Everything follows from the random source it is given.

import { CodexError } from '../../src/lib/errors.ts'
import type { RandomSource } from '../../src/lib/random.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { CallFault, HearFault, MarketFaults, SendFault } from '../fakes/fakemarket.ts'
import type { Asked, NetFault, ProveFault } from '../fakes/fakeslotwork.ts'
import type { History } from './history.ts'

type Random = Pick<RandomSource, 'fraction'>
type Trouble = 'call' | 'send' | 'hear' | 'prove' | 'commit' | 'net'

const CALM_SECONDS: Seconds = 3 * 3600
const STORM_SECONDS: Seconds = 1200
/** In a storm. */
const [CALL_RATE, SEND_RATE, HEAR_RATE, PROVE_RATE, COMMIT_RATE, OUTAGE_RATE] = [0.06, 0.15, 0.2, 0.1, 0.03, 0.15]
/** Of what is asked of other peers: something is always lost on the way. */
const [CALM_NET_RATE, STORM_NET_RATE] = [0.04, 0.4]
/** Until what nobody answers is asked again. */
const ASK_AGAIN_SECONDS: Seconds = 20
/** Beyond what a download is given up at. */
const MAX_LATE_SECONDS: Seconds = 240
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
  #lastNetTrouble: Seconds = -Infinity
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

  /** The last instant at which peers did not give what it asked them for. */
  get lastNetTrouble(): Seconds {
    return this.#lastNetTrouble
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

  /**
   * What becomes of a question to other peers. It troubles nothing but the sale that asks.
   * @param isThere whether there is somebody to answer: the client, or for a repair enough hosts of other slots
   */
  net(what: Asked, isThere: boolean): NetFault | undefined {
    if (this.#isSpared('net')) return undefined
    if (isThere && (this.isOver || !this.#happens(this.#isBad('net') ? STORM_NET_RATE : CALM_NET_RATE)))
      return undefined
    const again = { is: 'lost', seconds: ASK_AGAIN_SECONDS } as const
    const kind = this.#random.fraction()
    if (what === 'rows' && kind < 0.5) return this.#loses('net rows lacking', again)
    if (what === 'rows') return this.#loses('net rows fail', fails('erasure/too-few-rows'))
    if (!isThere) return this.#loses('net down', again)
    if (kind < 0.5) return this.#loses('net lost', again)
    if (kind < 0.85) return this.#loses('net late', { is: 'late', seconds: this.#between(5, MAX_LATE_SECONDS) })
    return this.#loses('net fails', fails('exchange/stalled'))
  }

  /** Whether a commit of the node's store fails, with nothing written. */
  commit(): boolean {
    return this.#isBad('commit') && this.#happens(COMMIT_RATE) && this.#make('commit fails', true)
  }

  #loses(kind: string, fault: NetFault): NetFault {
    this.#lastNetTrouble = this.#now()
    this.#history.cover(`fault/${kind}`)
    return fault
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

function fails(code: string): NetFault {
  return { is: 'fails', error: new CodexError(code, 'peers do not give it, as the weather has it') }
}
