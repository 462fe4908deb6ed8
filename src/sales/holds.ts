// Whether a provider may sell: not before a first proof was made, not while proofs are too slow, not with accounts that are wrong, not with nobody to get data
// from, not while the daily cap cannot carry the duties, not while somebody paused it. What was sold goes on.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import { SAFE_SHARE, typicalSeconds } from '../protocol/safeslots.ts'
import { CAP_CODES, type CapTrouble, capAlert, capTrouble } from './captrouble.ts'
import { collateralAtStake } from './collateralatstake.ts'
import type { PauseRecord } from './pauserecord.ts'
import type { Reservations } from './reservations.ts'
import type { Sales } from './sales.ts'
import type { SlotProver } from './slotprover.ts'

/** Why nothing new is taken: `starting` until a first proof was made, `no circuit`: none can be made, `slow prover`: a proof takes more than half a period, `no peers`: nobody connected to ask for data, `no chain`: the endpoint tells nothing of use, `daily cap`: gas for another slot's duties would be more. */
export type Hold =
  | 'paused'
  | 'starting'
  | 'slow prover'
  | 'wrong accounts'
  | 'no peers'
  | 'no chain'
  | 'no circuit'
  | 'data at risk'
  | 'daily cap'

export interface HoldsParts {
  readonly sales: Pick<Sales, 'pause' | 'resume' | 'holdBack'>
  readonly market: Pick<Market, 'terms' | 'spending' | 'endpointStatus'>
  /** The chain's. */
  readonly clock: Clock
  readonly reservations: Pick<Reservations, 'check' | 'reservations'>
  readonly prover: Pick<SlotProver, 'rehearse' | 'meter' | 'isAbsent'>
  /** `hasPeers`: there is, or may soon be, anyone to ask. */
  readonly network: { readonly isConnected: boolean; readonly hasPeers: boolean }
  /** What a person decided outlives the process. */
  readonly record: Pick<PauseRecord, 'isPaused' | 'write'>
  readonly log: Log
  readonly raise: (alert: RaisedAlert) => void
  /** The cause of this alert is over. */
  readonly over: (code: string) => void
}

const CHECK_SECONDS: Seconds = 3600
/** After a first proof that failed; each time twice as long, up to the other. */
export const RETRY_SECONDS: Seconds = 30
export const MAX_RETRY_SECONDS: Seconds = 1800
/** Who is too slow to sell, and proves nothing meanwhile, is measured again so often. */
export const MEASURE_AGAIN_SECONDS: Seconds = 600
/** Between two looks for peers. */
export const LOOK_FOR_PEERS_SECONDS: Seconds = 1
/** Without anybody for so long: a start, or a line that breaks, is no cause for alarm. */
export const LONELY_SECONDS: Seconds = 120
/** Between two looks at the way to the chain. */
export const LOOK_AT_CHAIN_SECONDS: Seconds = 5
/** Between two looks at what the daily cap leaves. */
export const LOOK_AT_CAP_SECONDS: Seconds = 5

const LONELY_CODE = 'network/no-peers'
const NONE_REACHED: RaisedAlert = {
  code: LONELY_CODE,
  cause:
    'None of the peers that this node was given can be reached: nothing new is sold, since nobody could give its data',
  atStake: undefined,
  action: 'Check the addresses of its peers, and this machine’s connection',
}
const NONE_NAMED: RaisedAlert = {
  code: LONELY_CODE,
  cause: 'This node was given no peers, and none has come: nothing new is sold, since nobody could give its data',
  atStake: undefined,
  action: 'Name a peer of the network, or see that others can reach this node',
}

export class Holds {
  readonly #parts: HoldsParts
  readonly #holds = new Set<Hold>(['starting'])

  /** Holds sales back at once, until {@link Holds.rehearseForEver} has made a proof. */
  constructor(parts: HoldsParts) {
    this.#parts = parts
    if (parts.record.isPaused) this.#holds.add('paused')
    if (!parts.network.isConnected) this.#holds.add('no peers')
    this.#obey()
  }

  get all(): readonly Hold[] {
    return [...this.#holds]
  }

  /** As a person decided; settles once it is on record. What was sold goes on. Rejects as the Datastore does. */
  async pause(): Promise<void> {
    this.add('paused')
    await this.#parts.record.write(true)
  }

  /** As {@link Holds.pause}. Other reasons to take nothing stay. */
  async resume(): Promise<void> {
    this.release('paused')
    await this.#parts.record.write(false)
  }

  /** Makes a first proof, and others while it is too slow and proves nothing else. Ends at once where there is no circuit; else rejects, with the signal's reason only. */
  async rehearseForEver({ signal }: AbortOptions): Promise<void> {
    const { prover, clock } = this.#parts
    if (prover.isAbsent) return this.#tellAbsence()
    await this.#rehearse({ signal })
    for (;;) {
      const { proofs } = prover.meter
      await clock.until(clock.now() + MEASURE_AGAIN_SECONDS, { signal })
      if (this.#holds.has('slow prover') && prover.meter.proofs === proofs) await this.#rehearse({ signal })
    }
  }

  /** Another proof was timed. */
  measured(): void {
    const { prover, market, log, raise, over } = this.#parts
    const periodSeconds = market.terms.proofs.period
    const seconds = typicalSeconds(prover.meter.recentSeconds)
    const isSlow = seconds !== undefined && seconds > periodSeconds * SAFE_SHARE
    if (isSlow === this.#holds.has('slow prover')) return
    if (!isSlow) {
      log.info('proofs are fast enough again', { seconds, periodSeconds })
      over('sales/prover-too-slow')
      this.release('slow prover')
      return
    }
    log.error('proofs are too slow: nothing more is sold, what was sold is proven', { seconds, periodSeconds })
    this.add('slow prover')
    raise({
      code: 'sales/prover-too-slow',
      cause: `A proof takes ${seconds.toFixed(1)} s here, more than half of the period of ${periodSeconds} s: proofs would be missed`,
      atStake: this.#atStake,
      action: 'Use a faster machine, or close other programs',
    })
  }

  /** Looks at the accounts every hour. Rejects with the signal's reason only. */
  async checkForEver({ signal }: AbortOptions): Promise<never> {
    const { reservations, clock, log, raise, over } = this.#parts
    for (;;) {
      try {
        const problems = await reservations.check({ signal })
        if (problems.length > 0 && !this.#holds.has('wrong accounts')) {
          log.error('the accounts are wrong: nothing more is sold, what was sold is proven', { problems })
          this.add('wrong accounts')
          raise({
            code: 'sales/wrong-accounts',
            cause: `The accounts are wrong: ${problems[0]}`,
            atStake: this.#atStake,
            action:
              'Check the storage (`codex-light space --check`, in a tab the button for it) and report what it says',
          })
        }
        if (problems.length === 0 && this.release('wrong accounts')) over('sales/wrong-accounts')
      } catch (error) {
        signal.throwIfAborted()
        log.error('the accounts could not be checked', { error })
      }
      await clock.until(clock.now() + CHECK_SECONDS, { signal })
    }
  }

  /** To reserve a slot costs gas: not while nobody could give its data. Rejects with the signal's reason only. */
  async watchPeers({ signal }: AbortOptions): Promise<never> {
    const { network, clock, log, raise, over } = this.#parts
    let since: Seconds | undefined
    let isTold = false
    for (;;) {
      const now = clock.now()
      if (network.isConnected) {
        this.release('no peers')
        since = undefined
        if (isTold) over(LONELY_CODE)
        isTold = false
      } else {
        this.add('no peers')
        since ??= now
        if (!isTold && now - since >= LONELY_SECONDS) {
          log.warn('no peer is connected: nothing more is sold, what was sold is proven', { seconds: now - since })
          raise(network.hasPeers ? NONE_REACHED : NONE_NAMED)
          isTold = true
        }
      }
      await clock.until(now + LOOK_FOR_PEERS_SECONDS, { signal })
    }
  }

  /** What is taken while the chain is out of sight could not be proven. Rejects with the signal's reason only. */
  async watchChain({ signal }: AbortOptions): Promise<never> {
    const { market, clock } = this.#parts
    for (;;) {
      if (market.endpointStatus().state === 'connected') this.release('no chain')
      else this.add('no chain')
      await clock.until(clock.now() + LOOK_AT_CHAIN_SECONDS, { signal })
    }
  }

  /** What is sold must be proven from the same cap. Rejects with the signal's reason only. */
  async watchCap({ signal }: AbortOptions): Promise<never> {
    const { market, clock, reservations, raise, over } = this.#parts
    let told: CapTrouble | undefined
    for (;;) {
      const isHeld = this.#holds.has('daily cap')
      const look = { spending: market.spending(), held: reservations.reservations(), now: clock.now(), isHeld }
      const trouble = capTrouble(look)
      if (trouble === undefined) this.release('daily cap')
      else this.add('daily cap')
      if (trouble !== told) {
        if (told !== undefined) over(CAP_CODES[told])
        if (trouble !== undefined) raise(capAlert(trouble, look))
      }
      told = trouble
      await clock.until(clock.now() + LOOK_AT_CAP_SECONDS, { signal })
    }
  }

  add(hold: Hold): void {
    this.#holds.add(hold)
    this.#obey()
  }

  /** @returns whether there was such a hold */
  release(hold: Hold): boolean {
    if (!this.#holds.delete(hold)) return false
    this.#obey()
    return true
  }

  #tellAbsence(): void {
    this.add('no circuit')
    this.release('starting')
    this.#parts.raise({
      code: 'sales/no-circuit',
      cause:
        'This node has no circuit to prove with: it keeps its terms and takes no slots, and proofs of slots that it holds will be missed',
      atStake: this.#atStake,
      action: 'Start it with a circuit: --circuit FOLDER|ARCHIVE|URL',
    })
  }

  async #rehearse({ signal }: AbortOptions): Promise<void> {
    const { prover, market, clock, log, raise, over } = this.#parts
    let told: string | undefined
    for (let pause = RETRY_SECONDS; ; pause = Math.min(2 * pause, MAX_RETRY_SECONDS))
      try {
        const seconds = await prover.rehearse({ signal })
        log.info('a proof for measuring was made and verified', { seconds, periodSeconds: market.terms.proofs.period })
        this.measured()
        over('sales/prover-fails')
        this.release('starting')
        return
      } catch (error) {
        signal.throwIfAborted()
        const cause = `No proof could be made: ${error instanceof Error ? error.message : String(error)}`
        log.error('a proof for measuring failed; trying again', { error, seconds: pause })
        if (cause !== told)
          raise({ code: 'sales/prover-fails', cause, atStake: this.#atStake, action: 'Check the circuit files' })
        told = cause
        await clock.until(clock.now() + pause, { signal })
      }
  }

  /** Undefined where no slot is held. */
  get #atStake(): bigint | undefined {
    return collateralAtStake(this.#parts.reservations.reservations()) || undefined
  }

  #obey(): void {
    const { sales } = this.#parts
    // Somebody who pauses means new slots; all else goes for whatever puts more at stake.
    sales.holdBack([...this.#holds].some((hold) => hold !== 'paused'))
    if (this.#holds.size > 0) sales.pause()
    else sales.resume()
  }
}
