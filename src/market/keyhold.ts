// Keeps everybody else from acting with the same key on the same chain while a market runs: two that send with one key take each other's nonces.
// A type only; what keeps them out is the platform's.

import type { AbortOptions } from '../lib/abort.ts'
import type { Address } from './market.ts'

export interface KeyPlace {
  readonly chainId: number
  readonly address: Address
}

export interface KeyHold {
  /** Lets the next one go on. Never rejects; a second call is a no-op. */
  release(): Promise<void>
}

/** @throws CodexError `market/key-in-use`; or the signal's reason */
export type HoldKey = (place: KeyPlace, options: AbortOptions) => Promise<KeyHold>
