// How much the marketplace may take of our tokens: raised by what each act needs, never set to it, because acts run side by side.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { Mutex } from '../lib/mutex.ts'
import { GAS_PERCENT } from './gaspercent.ts'
import type { Address } from './market.ts'
import type { Seconds } from '../lib/units.ts'
import { revertError, revertName } from './reverts.ts'
import type { ChainReader } from './chainreader.ts'
import type { SendJournal } from './sendjournal.ts'
import type { Transactor } from './transactor.ts'

export interface AllowanceParts {
  readonly reader: Pick<ChainReader, 'token'>
  readonly transactor: Pick<Transactor, 'send' | 'earlierEnded'>
  readonly clock: Clock
  readonly token: Address
  readonly marketplace: Address
  readonly host: Address
  readonly journal: Pick<SendJournal, 'grantedBefore' | 'writeGrantedBefore'>
}

/** Acts that grant, or take what was granted. */
const GRANT_VERBS = ['approve', 'fillSlot', 'requestStorage'] as const

/** The largest word of a contract: wallets grant it for "without limit". */
const MAX_AMOUNT = 2n ** 256n - 1n
/** More than any token has: what is granted beyond it is never used up. */
const ENOUGH_FOR_ALL = 2n ** 255n
/** How long, and how often, an act is tried again that an endpoint refuses though the allowance was raised for it: one of its replicas lags behind. */
const [LAG_SECONDS, RETRY_SECONDS]: readonly [Seconds, Seconds] = [30, 3]
/** What the contract reverts with where a sum does not fit: `Panic(0x11)`. */
const OVERFLOW = `0x4e487b71${'11'.padStart(64, '0')}`

export class Allowance {
  readonly #parts: AllowanceParts
  readonly #line = new Mutex()
  /** Granted for acts whose end is not known: theirs, whether they have taken it already or not. */
  #underWay = 0n
  /** What was granted before the first run of ours, perhaps for somebody else's purpose: left alone. */
  #foreign: bigint | undefined

  constructor(parts: AllowanceParts) {
    this.#parts = parts
  }

  current(options: AbortOptions): Promise<bigint> {
    const { reader, token, host, marketplace } = this.#parts
    return reader.token(token, 'allowance', [host, marketplace], options)
  }

  /**
   * Settles as `act` does, which may take up to `amount` once the allowance has been raised by it.
   * @throws CodexError `market/contract-panic` for more than a contract can count, as {@link Transactor.send}, or as `act`
   */
  async during<T>(amount: bigint, options: AbortOptions, act: () => Promise<T>): Promise<T> {
    if (amount > MAX_AMOUNT) throw revertError('approve', OVERFLOW, `${amount} tokens`)
    const isRaised = await this.#line.run(() => this.#raise(amount, options), options)
    try {
      return await (isRaised ? this.#onceSeen(options, act) : act())
    } finally {
      this.#underWay -= amount
    }
  }

  async #onceSeen<T>({ signal }: AbortOptions, act: () => Promise<T>): Promise<T> {
    const { clock } = this.#parts
    const end = clock.now() + LAG_SECONDS
    for (;;)
      try {
        return await act()
      } catch (error) {
        if (revertName(error) !== 'ERC20InsufficientAllowance' || clock.now() >= end) throw error
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }

  /** By `amount`, less what acts that took nothing have left, those of earlier runs included. @returns whether that took a transaction */
  async #raise(amount: bigint, options: AbortOptions): Promise<boolean> {
    // Whose nonces come before ours anyway. What they were granted is theirs until then.
    if (this.#foreign === undefined) await this.#parts.transactor.earlierEnded(GRANT_VERBS, options)
    const current = await this.current(options)
    if (current >= ENOUGH_FOR_ALL) {
      this.#underWay += amount
      return false
    }
    this.#foreign ??= await this.#grantedBefore(current)
    const left = current - this.#underWay - this.#foreign
    const missing = left > 0n ? amount - left : amount
    if (missing > 0n) {
      const sum = current + missing
      const intent = { verb: 'approve', amount: sum < MAX_AMOUNT ? sum : MAX_AMOUNT } as const
      await this.#parts.transactor.send({ intent, gasPercent: GAS_PERCENT.approve }, options)
    }
    this.#underWay += amount
    return missing > 0n
  }

  /** @param current what is granted now, which is what was before us when this is the first run */
  async #grantedBefore(current: bigint): Promise<bigint> {
    const { journal } = this.#parts
    const before = await journal.grantedBefore()
    if (before === undefined) await journal.writeGrantedBefore(current)
    return before ?? current
  }
}
