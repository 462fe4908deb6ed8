// A client in a simulated world: asks for storage now and then, through the real purchasing.

import { Purchasing } from '../../src/purchasing/purchasing.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { Run } from './simnode.ts'
import { SimNode } from './simnode.ts'
import { randomWish } from './terms.ts'

export class Client extends SimNode {
  readonly #datastore = new MemoryDatastore()
  #purchasing: Purchasing | undefined

  get purchasing(): Purchasing | undefined {
    return this.#purchasing
  }

  async wish(): Promise<void> {
    if (this.run === undefined || this.#purchasing === undefined || this.isFrozen || this.isStopping) return
    const { cid, manifest, terms } = randomWish(this.random)
    await this.#purchasing.request(cid, manifest, terms)
  }

  protected async begin({ clock, log, market, ending }: Run): Promise<void> {
    const parts = { market, clock, log, random: this.random, datastore: this.#datastore }
    this.#purchasing = new Purchasing({ ...parts, keepUntil: async () => undefined })
    await this.#purchasing.start({ signal: ending.signal })
  }

  protected async end(): Promise<void> {
    await this.#purchasing?.stop()
  }

  protected lost(): void {
    this.#purchasing = undefined
  }
}
