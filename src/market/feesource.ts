// What a unit of gas should be offered now, within the caps. What was offered before and how much to raise it is the transactor's affair.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Seconds } from '../lib/units.ts'
import type { HeadWatch } from './headwatch.ts'
import type { FeeTerms } from './nodekey.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { readQuantity } from './rpcvalues.ts'

export interface FeeSourceParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly clock: Clock
}

/** Offered where the endpoint suggests nothing (marketplace reference §4.2) and no other was set. */
export const DEFAULT_PRIORITY_FEE_WEI = 1_000_000_000n
/** The base fee may rise by an eighth per block: twice the present one lasts for six blocks. */
const BASE_FEE_ROOM = 2n
/** A price without such room would do for the very next block at best. */
const LEGACY_PERCENT = 125n
const KEPT_SECONDS: Seconds = 15

export class FeeSource {
  readonly #parts: FeeSourceParts
  readonly #priorityFeeWei: bigint
  readonly #maxGasPriceWei: bigint
  #suggested: { readonly at: Seconds; readonly price: bigint } | undefined

  /** @param wanted `priorityFeeWei` is offered where the endpoint suggests none */
  constructor(parts: FeeSourceParts, wanted: { readonly priorityFeeWei: bigint; readonly maxGasPriceWei: bigint }) {
    this.#parts = parts
    this.#priorityFeeWei = wanted.priorityFeeWei
    this.#maxGasPriceWei = wanted.maxGasPriceWei
  }

  /**
   * The tip is what the network suggests, for nodes take no transaction that offers less, as far as the cap on the whole price leaves room. Exceeds
   * the cap only where the least that could be mined does: then signing refuses.
   */
  async now(options: AbortOptions): Promise<FeeTerms> {
    const { baseFee } = this.#parts.heads.latest
    if (baseFee === undefined) {
      const price = await this.#suggestion('eth_gasPrice', options)
      const offer = this.#capped((price * LEGACY_PERCENT) / 100n, price)
      return { kind: 'legacy', maxFeePerGas: offer, maxPriorityFeePerGas: offer }
    }
    const suggested = await this.#suggestion('eth_maxPriorityFeePerGas', options)
    const room = this.#maxGasPriceWei - baseFee
    const priority = suggested > room && room > 0n ? room : suggested
    const maxFeePerGas = this.#capped(BASE_FEE_ROOM * baseFee + priority, baseFee + priority)
    return { kind: 'eip1559', maxFeePerGas, maxPriorityFeePerGas: priority }
  }

  /** @param least that could be mined */
  #capped(wanted: bigint, least: bigint): bigint {
    if (wanted <= this.#maxGasPriceWei) return wanted
    return least > this.#maxGasPriceWei ? least : this.#maxGasPriceWei
  }

  /** What a unit of gas is likely to cost now: no more than what is offered for it. */
  async likely(options: AbortOptions): Promise<bigint> {
    const { maxFeePerGas, maxPriorityFeePerGas } = await this.now(options)
    const { baseFee } = this.#parts.heads.latest
    return baseFee === undefined ? maxFeePerGas : baseFee + maxPriorityFeePerGas
  }

  async #suggestion(method: string, options: AbortOptions): Promise<bigint> {
    const now = this.#parts.clock.now()
    if (this.#suggested !== undefined && now - this.#suggested.at < KEPT_SECONDS) return this.#suggested.price
    const [answer] = await this.#parts.rpc.callMany([{ method, params: [] }], options)
    // Not every endpoint knows the question; one that gives no answer at all fails the transaction's other questions too.
    const price = answer?.ok === true ? readQuantity(resultOf(answer), 'a price of gas') : this.#priorityFeeWei
    this.#suggested = { at: now, price }
    return price
  }
}

/**
 * By a quarter more than before: nodes want a tenth at least to put one transaction in the place of another. Where time presses, twice the part that
 * decides who comes first.
 * @returns undefined where the cap leaves no room
 */
export function raised(
  before: FeeTerms,
  now: FeeTerms,
  { maxGasPriceWei, isPressed }: { readonly maxGasPriceWei: bigint; readonly isPressed: boolean },
): FeeTerms | undefined {
  const more = (fee: bigint) => (fee * 5n) / 4n + 1n
  const larger = (a: bigint, b: bigint) => (a > b ? a : b)
  const moreFirst = isPressed ? 2n * before.maxPriorityFeePerGas : 0n
  const priority = larger(larger(more(before.maxPriorityFeePerGas), moreFirst), now.maxPriorityFeePerGas)
  // What goes to whoever makes the block leaves the room for the base fee as it is.
  const room = before.kind === 'legacy' ? 0n : now.maxFeePerGas - now.maxPriorityFeePerGas + priority
  const wanted = larger(larger(more(before.maxFeePerGas), now.maxFeePerGas), room)
  const maxFeePerGas = wanted < maxGasPriceWei ? wanted : maxGasPriceWei
  const maxPriorityFeePerGas = before.kind === 'legacy' || priority > maxFeePerGas ? maxFeePerGas : priority
  const isEnough = (now: bigint, then: bigint) => now * 10n >= then * 11n
  if (!isEnough(maxFeePerGas, before.maxFeePerGas) || !isEnough(maxPriorityFeePerGas, before.maxPriorityFeePerGas))
    return undefined
  return { kind: before.kind, maxFeePerGas, maxPriorityFeePerGas }
}
