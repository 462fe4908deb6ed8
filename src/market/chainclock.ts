// The chain's time as a Clock: block times carried on by the machine's clock. It asks no endpoint; headwatch.ts tells it of blocks.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { assert } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'

export interface ChainClockParts {
  readonly wall: Clock
  readonly log: Log
  /** For so long the chain's time is carried on by the machine's clock when nothing is heard of the chain. Silent: for ever. */
  readonly maxUnheardSeconds?: Seconds
}

/** What a poll of the newest block found. */
export interface HeadSighting {
  readonly timestamp: Seconds
  /** Seen at the first poll after it was made, with polls running: its time is the chain's time of now. */
  readonly isFresh: boolean
  /** Nothing was heard for so long that the machine may have slept, or its clock may have been set: the chain's time decides. */
  readonly isAfterGap?: boolean
}

/** A difference to the machine's clock above this is told. */
export const DRIFT_ALERT_SECONDS: Seconds = 5
/** A block this far from where the chain's time should be is believed only when the next one agrees. */
export const JUMP_SECONDS: Seconds = 60
/** Fresh blocks whose times count. Polls see a block late, never early: of these the one that puts the chain's time furthest on is right. */
const SAMPLES = 8

/**
 * Whole seconds, never decreasing, but for one case: a time that two blocks in a row show to be more than {@link JUMP_SECONDS} too late is put
 * right, because a clock that one bogus block set years ahead would otherwise stand still for years.
 */
export class ChainClock implements Clock {
  readonly #wall: Clock
  readonly #log: Log
  readonly #maxUnheardSeconds: Seconds
  /** When the chain was last heard of, by the machine's clock. */
  #heardAt: Seconds = -Infinity
  /** Chain time less wall time, by the newest fresh blocks. */
  #samples: Seconds[] = []
  #offset: Seconds | undefined
  #latest: Seconds = -Infinity
  /** The jump that waits to be believed, as an offset. */
  #jump: Seconds | undefined
  #isDrifting = false
  readonly #lookers = new Set<() => void>()
  /**
   * Goes on by the machine's clock however long nothing is heard of the chain, for who has to speak up then. Never behind the chain's time; it goes back
   * where the chain says that this machine's clock was set.
   */
  readonly running: Clock = {
    now: () => Math.max(this.now(), this.#wall.now() + this.drift),
    until: (instant, options) => this.#untilBy(this.running, instant, options),
  }

  constructor({ wall, log, maxUnheardSeconds = Infinity }: ChainClockParts) {
    this.#wall = wall
    this.#log = log
    this.#maxUnheardSeconds = maxUnheardSeconds
  }

  /** Whether a block has been seen: before that there is no time. */
  get isSet(): boolean {
    return this.#offset !== undefined
  }

  /** How far the chain is ahead of the machine's clock; negative when behind. */
  get drift(): Seconds {
    return this.#offset ?? 0
  }

  /** {@link ChainClock.drift} by blocks just made, while it is more than {@link DRIFT_ALERT_SECONDS} either way. */
  get wideDrift(): Seconds | undefined {
    return this.#isDrifting ? this.drift : undefined
  }

  now(): Seconds {
    assert(this.#offset !== undefined, 'the chain has a time once a block was seen: start the market first')
    const wall = Math.min(this.#wall.now(), this.#heardAt + this.#maxUnheardSeconds)
    this.#latest = Math.max(this.#latest, wall + this.#offset)
    return this.#latest
  }

  /** A wait that began while the time was too late, and is put right meanwhile, lasts no longer than it would have. */
  until(instant: Seconds, options: AbortOptions): Promise<void> {
    return this.#untilBy(this, instant, options)
  }

  #untilBy(clock: Pick<Clock, 'now'>, instant: Seconds, { signal }: AbortOptions): Promise<void> {
    assert(!Number.isNaN(instant), 'a wait ends at an instant, not at NaN')
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      let [time, since] = [instant, clock.now()]
      let timer = new AbortController()
      const abort = () => {
        release()
        reject(signal.reason as Error)
      }
      const release = () => {
        timer.abort()
        this.#lookers.delete(look)
        signal.removeEventListener('abort', abort)
      }
      const look = () => {
        timer.abort()
        const now = clock.now()
        if (now < since) [time, since] = [now + time - since, now]
        if (now >= time) {
          release()
          return resolve()
        }
        timer = new AbortController()
        this.#wall.until(this.#wall.now() + time - now, timer).then(look, () => undefined)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#lookers.add(look)
      look()
    })
  }

  /** Takes in what a poll found. A block that is not fresh tells only that the chain's time is not before its own. */
  adopt(sighting: HeadSighting): void {
    this.#take(sighting)
    for (const look of [...this.#lookers]) look()
  }

  #take({ timestamp, isFresh, isAfterGap = false }: HeadSighting): void {
    const sample = timestamp - this.#wall.now()
    this.#heardAt = this.#wall.now()
    if (this.#offset === undefined) return this.#set(sample, [])
    const ahead = sample - this.#offset
    if (isAfterGap && ahead < -JUMP_SECONDS) {
      this.#log.warn("this machine's clock went on and the chain's time did not; the chain's counts", {
        seconds: -ahead,
      })
      return this.#set(sample, [])
    }
    if (ahead > JUMP_SECONDS || (isFresh && ahead < -JUMP_SECONDS)) return this.#consider(sample, ahead)
    if (isFresh) {
      this.#jump = undefined
      const samples = [...this.#samples, sample].slice(-SAMPLES)
      this.#set(Math.max(...samples), samples)
      this.#watchDrift()
    } else if (ahead > 0) this.#set(sample, this.#samples)
  }

  /** One block may say anything; two that agree are believed. */
  #consider(sample: Seconds, ahead: Seconds): void {
    const isConfirmed = this.#jump !== undefined && Math.abs(sample - this.#jump) <= JUMP_SECONDS
    this.#jump = isConfirmed ? undefined : sample
    if (!isConfirmed) return
    this.#log.warn("the chain's time made a jump", { seconds: ahead })
    if (ahead < 0) this.#latest = -Infinity
    this.#set(sample, [sample])
    this.#watchDrift()
  }

  #set(offset: Seconds, samples: Seconds[]): void {
    this.#samples = samples
    this.#offset = offset
  }

  #watchDrift(): void {
    const isDrifting = Math.abs(this.drift) > DRIFT_ALERT_SECONDS
    if (isDrifting === this.#isDrifting) return
    this.#isDrifting = isDrifting
    if (isDrifting)
      this.#log.warn("this machine's clock and the chain's time differ; set the clock, or proofs may come too late", {
        seconds: this.drift,
      })
    else this.#log.info("this machine's clock and the chain's time agree again", { seconds: this.drift })
  }
}
