// Whether the browser promised to keep what this tab stores. Where money is at stake nothing new is taken until it has (field-notes §2, Eviction); what is
// filled goes on being proven.

import { signal } from '@preact/signals'

/** `at risk`: on a chain of this machine, where it is only told of. `held`: nothing new is taken for it. */
export type Keeping = 'kept' | 'at risk' | 'held'

interface Seller {
  putDataAtRisk(isAtRisk: boolean): void
}

export class KeptWatch {
  readonly state = signal<Keeping>('kept')
  readonly #provider: Seller
  readonly #isLocal: boolean

  constructor(provider: Seller, isLocal: boolean) {
    this.#provider = provider
    this.#isLocal = isLocal
  }

  see(isPersisted: boolean): void {
    this.state.value = isPersisted ? 'kept' : this.#isLocal ? 'at risk' : 'held'
    this.#provider.putDataAtRisk(this.state.value === 'held')
  }
}

export const KEEPING_WORDS: Readonly<Record<Exclude<Keeping, 'kept'>, string>> = {
  'at risk':
    'The browser has not promised to keep this data: it may delete it when disk space runs out, and with it what slots have to prove. Here only play money would be lost.',
  held: 'The browser has not promised to keep this data: it may delete it when disk space runs out, and the collateral of every slot would be lost with it. No new slots are taken until it has promised; those that are filled go on being proven.',
}
