// A validator in a simulated world. The steady one is never troubled: what it marks was really missed.

import { Validator } from '../../src/validation/validator.ts'
import type { Run } from './simnode.ts'
import { SimNode } from './simnode.ts'

export class Watchman extends SimNode {
  #validator: Validator | undefined

  get validator(): Validator | undefined {
    return this.#validator
  }

  protected async begin({ clock, log, market, ending }: Run): Promise<void> {
    const mark = market.markProofAsMissing.bind(market)
    market.markProofAsMissing = async (id, period, options) => {
      const host = this.world.net.marketplace.records.getHost(id)
      const outcome = await mark(id, period, options)
      if (outcome.done) this.world.referee.marked(host, id, period)
      return outcome
    }
    this.#validator = new Validator({ market, clock, log }, { maxSlots: 0 })
    await this.#validator.start({ signal: ending.signal })
  }

  protected async end(): Promise<void> {
    await this.#validator?.stop()
  }

  protected lost(): void {
    this.#validator = undefined
  }
}
