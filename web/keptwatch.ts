// Whether the browser keeps what this tab stores, and has room for what it has promised to store. Where it has not promised to keep it and money is at stake, or
// where there is no room, nothing new is taken (field-notes §2, Eviction); what is filled goes on being proven.

import { signal } from '@preact/signals'

import type { Bytes } from '../src/lib/units.ts'

/** `at risk`: on a chain of this machine, where it is only told of. `held`, `no room`: nothing new is taken for it. */
export type Keeping = 'kept' | 'at risk' | 'held' | 'no room'

interface Seller {
  putDataAtRisk(isAtRisk: boolean): void
}

/** What the browser says. */
interface Estimate {
  /** All that this origin may store; undefined where the browser does not say. */
  readonly quotaBytes: Bytes | undefined
  /** What of it is in use. */
  readonly usageBytes: Bytes
  readonly persisted: boolean
}

interface Store {
  readonly quotaUsedBytes: Bytes
  /** Still to be stored, for slots that are taken or offered to be. */
  readonly quotaReservedBytes: Bytes
}

export class KeptWatch {
  readonly state = signal<Keeping>('kept')
  readonly #provider: Seller
  readonly #isLocal: boolean

  constructor(provider: Seller, isLocal: boolean) {
    this.#provider = provider
    this.#isLocal = isLocal
  }

  /** @param slabBytes of the file that holds the blocks: what was deleted inside it is in use for the browser, and will be written again */
  see({ quotaBytes, usageBytes, persisted }: Estimate, space: Store, slabBytes: Bytes): void {
    const { quotaUsedBytes: storedBytes, quotaReservedBytes: promised } = space
    const againBytes = Math.max(0, slabBytes - storedBytes)
    const hasRoom = quotaBytes === undefined || quotaBytes - usageBytes + againBytes >= promised
    this.state.value = !hasRoom ? 'no room' : persisted ? 'kept' : this.#isLocal ? 'at risk' : 'held'
    this.#provider.putDataAtRisk(this.state.value === 'held' || this.state.value === 'no room')
  }
}

export const KEEPING_WORDS: Readonly<Record<Exclude<Keeping, 'kept'>, string>> = {
  'at risk':
    'The browser has not promised to keep this data: it may delete it when disk space runs out, and with it what slots have to prove. Here only play money would be lost.',
  held: 'The browser has not promised to keep this data: it may delete it when disk space runs out, and the collateral of every slot would be lost with it. No new slots are taken until it has promised; those that are filled go on being proven.',
  'no room':
    'The browser has less room left than is offered here: free some disk space, or offer less. No new slots are taken until then; those that are filled go on being proven.',
}
