// Whether all our transactions wait for a nonce before theirs: of one that was sent with the key elsewhere, and either waits itself or has gone from the
// pools. Filling the nonce, and telling of it, is senttransactions.ts's work.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { NodeKey } from './nodekey.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { readNumber } from './rpcvalues.ts'

export interface NonceGapParts {
  readonly rpc: Pick<RpcClient, 'callMany'>
  readonly key: Pick<NodeKey, 'address'>
  /** The machine's. */
  readonly clock: Clock
  readonly log: Log
}

export class NonceGap {
  readonly #parts: NonceGapParts
  readonly #stuckSeconds: Seconds
  #found: { readonly nonce: number; readonly since: Seconds; isTold: boolean } | undefined

  /** @param stuckSeconds for which a gap may be somebody's who has only not sent yet */
  constructor(parts: NonceGapParts, stuckSeconds: Seconds) {
    this.#parts = parts
    this.#stuckSeconds = stuckSeconds
  }

  /**
   * @param nextNonce the one behind all that are in the chain
   * @param ours the lowest nonce of ours that waits
   * @returns `gone`: `nextNonce` has to be used for ours to get into the chain; `waits`: another's transaction with it waits, and may yet be mined;
   * undefined while there is nothing before ours, or not for long @throws CodexError as an endpoint may fail
   */
  async look(
    nextNonce: number,
    ours: number | undefined,
    options: AbortOptions,
  ): Promise<'gone' | 'waits' | undefined> {
    const { clock, key, log, rpc } = this.#parts
    if (ours === undefined || ours <= nextNonce) {
      this.#found = undefined
      return undefined
    }
    const now = clock.now()
    if (this.#found?.nonce !== nextNonce) this.#found = { nonce: nextNonce, since: now, isTold: false }
    if (now - this.#found.since < this.#stuckSeconds) return undefined
    const [answer] = await rpc.callMany(
      [{ method: 'eth_getTransactionCount', params: [key.address, 'pending'] }],
      options,
    )
    if (readNumber(resultOf(answer), 'a nonce') > nextNonce) return 'waits'
    if (!this.#found.isTold)
      log.warn(
        'a transaction that was sent with the key elsewhere has gone, and ours wait behind it; using its nonce',
        {
          nonce: nextNonce,
          ours,
        },
      )
    this.#found.isTold = true
    return 'gone'
  }
}
