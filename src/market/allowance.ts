// How much the marketplace may take of our tokens: raised by what each act needs, never set to it, because acts run side by side.

import type { AbortOptions } from '../lib/abort.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Address } from './market.ts'
import type { ChainReader } from './chainreader.ts'
import type { Transactor } from './transactor.ts'

export interface AllowanceParts {
  readonly reader: ChainReader
  readonly transactor: Transactor
  readonly token: Address
  readonly marketplace: Address
  readonly host: Address
}

export class Allowance {
  readonly #parts: AllowanceParts
  readonly #line = new Mutex()
  /** Granted for acts that then took nothing: the next act may use it. */
  #spare = 0n

  constructor(parts: AllowanceParts) {
    this.#parts = parts
  }

  current(options: AbortOptions): Promise<bigint> {
    const { reader, token, host, marketplace } = this.#parts
    return reader.token(token, 'allowance', [host, marketplace], options)
  }

  /** Settles as `act` does, which may take up to `amount` once the allowance has been raised by it. */
  async during<T>(
    amount: bigint,
    options: AbortOptions,
    act: () => Promise<T>,
    hasTaken: (result: T) => boolean,
  ): Promise<T> {
    await this.#line.run(() => this.#raise(amount, options), options)
    let taken = false
    try {
      const result = await act()
      taken = hasTaken(result)
      return result
    } finally {
      if (!taken) this.#spare += amount
    }
  }

  async #raise(amount: bigint, options: AbortOptions): Promise<void> {
    const current = await this.current(options)
    // A spare of which the chain knows nothing any more is none.
    const spare = this.#spare < current ? this.#spare : current
    if (spare >= amount) {
      this.#spare = spare - amount
      return
    }
    const raised = current + amount - spare
    await this.#parts.transactor.send({ intent: { verb: 'approve', amount: raised }, gasPercent: 125 }, options)
    this.#spare = 0n
  }
}
