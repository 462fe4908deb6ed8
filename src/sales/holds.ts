// Whether a provider may sell: not before a first proof was made, not with accounts that are wrong, not while somebody paused it. What was sold goes on.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import type { Reservations } from './reservations.ts'
import type { Sales } from './sales.ts'
import type { SlotProver } from './slotprover.ts'

/** Why nothing new is taken: `starting` until a first proof was made, `slow prover`: a proof takes more than half a period. */
export type Hold = 'paused' | 'starting' | 'slow prover' | 'wrong accounts'

export interface HoldsParts {
  readonly sales: Pick<Sales, 'pause' | 'resume'>
  readonly market: Pick<Market, 'terms'>
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Pick<Reservations, 'check'>
  readonly prover: Pick<SlotProver, 'rehearse'>
  readonly log: Log
  readonly raise: (alert: RaisedAlert) => void
}

const CHECK_SECONDS: Seconds = 3600
const RETRY_SECONDS: Seconds = 30

export class Holds {
  readonly #parts: HoldsParts
  readonly #holds = new Set<Hold>(['starting'])

  /** Holds sales back at once, until {@link Holds.rehearse} has settled. */
  constructor(parts: HoldsParts) {
    this.#parts = parts
    this.#obey()
  }

  get all(): readonly Hold[] {
    return [...this.#holds]
  }

  /** Until a first proof was made. Rejects with the signal's reason only. */
  async rehearse({ signal }: AbortOptions): Promise<void> {
    const { prover, market, clock, log, raise } = this.#parts
    for (;;)
      try {
        const seconds = await prover.rehearse({ signal })
        const limit = market.terms.proofs.period / 2
        log.info('a first proof was made and verified', { seconds, periodSeconds: market.terms.proofs.period })
        if (seconds > limit) {
          this.add('slow prover')
          raise({
            code: 'sales/prover-too-slow',
            cause: `A proof takes ${seconds.toFixed(1)} s here, more than half of the period of ${market.terms.proofs.period} s: proofs would be missed`,
            atStake: undefined,
            action: 'Use a faster machine, or close other programs and start again',
          })
        }
        return this.release('starting')
      } catch (error) {
        signal.throwIfAborted()
        log.error('the first proof failed: nothing is sold until one was made', { error })
        raise({
          code: 'sales/prover-fails',
          cause: `No proof could be made: ${error instanceof Error ? error.message : String(error)}`,
          atStake: undefined,
          action: 'Check the circuit files',
        })
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }

  /** Looks at the accounts every hour. Rejects with the signal's reason only. */
  async checkForEver({ signal }: AbortOptions): Promise<void> {
    const { reservations, clock, log, raise } = this.#parts
    for (;;) {
      try {
        const problems = await reservations.check({ signal })
        if (problems.length > 0 && !this.#holds.has('wrong accounts')) {
          log.error('the accounts are wrong: nothing more is sold, what was sold is proven', { problems })
          this.add('wrong accounts')
          raise({
            code: 'sales/wrong-accounts',
            cause: `The accounts are wrong: ${problems[0]}`,
            atStake: undefined,
            action: 'Run `codex-light space --check` and report what it says',
          })
        }
        if (problems.length === 0) this.release('wrong accounts')
      } catch (error) {
        signal.throwIfAborted()
        log.error('the accounts could not be checked', { error })
      }
      await clock.until(clock.now() + CHECK_SECONDS, { signal })
    }
  }

  add(hold: Hold): void {
    this.#holds.add(hold)
    this.#obey()
  }

  release(hold: Hold): void {
    if (this.#holds.delete(hold)) this.#obey()
  }

  #obey(): void {
    const { sales } = this.#parts
    if (this.#holds.size > 0) sales.pause()
    else sales.resume()
  }
}
