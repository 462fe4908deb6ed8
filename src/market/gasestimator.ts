// How much gas a transaction is given: the endpoint's estimate at the next block, and a margin for what may change until then. The endpoint runs the whole
// transaction for that: what the contracts refuse is never sent. The first fill of a run is run by `eth_call` before (marketplace reference §3.11), since
// circuit files may be others than the chain's.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Order } from './intent.ts'
import { intentCall, type Contracts } from './intentcall.ts'
import type { NodeKey } from './nodekey.ts'
import { revertError } from './reverts.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { isRevert, type RpcError } from './rpcerror.ts'
import { badAnswer, readQuantity } from './rpcvalues.ts'
import { tooFewCoins } from './sendanswer.ts'

export interface GasEstimatorParts {
  readonly rpc: RpcClient
  readonly key: Pick<NodeKey, 'address'>
  readonly contracts: Contracts
}

/** No call of ours takes a tenth of it; an endpoint that says more is not believed. */
export const MAX_GAS = 16_000_000n

export class GasEstimator {
  readonly #parts: GasEstimatorParts
  /** Some endpoints estimate for the newest block only. */
  #takesBlockTag = true
  #wasFillRun = false

  constructor(parts: GasEstimatorParts) {
    this.#parts = parts
  }

  /** @throws CodexError `market/…` with the reason when the transaction would fail, `wallet/insufficient-coins` */
  async estimate({ intent, gasPercent, safeAfter }: Order, options: AbortOptions): Promise<bigint> {
    const { contracts, key } = this.#parts
    const { to, data, value } = intentCall(intent, contracts, key.address)
    const call = { from: key.address, to, data, ...(value === 0n ? {} : { value: `0x${value.toString(16)}` }) }
    const tag = safeAfter === undefined ? 'pending' : 'latest'
    try {
      if (intent.verb === 'fillSlot' && !this.#wasFillRun) {
        await this.#ask('eth_call', call, tag, options)
        this.#wasFillRun = true
      }
      const estimate = readQuantity(await this.#ask('eth_estimateGas', call, tag, options), 'an estimate of gas')
      const gas = (estimate * BigInt(gasPercent) + 99n) / 100n
      if (gas <= MAX_GAS) return gas
      throw badAnswer(`an estimate of at most ${MAX_GAS} gas`, gas)
    } catch (error) {
      if (!CodexError.is(error, 'market/rpc-error')) throw error
      const { data: reverted, said } = (error as RpcError).detail
      if (/insufficient (funds|balance)/i.test(said) && reverted === undefined) throw tooFewCoins(key.address, error)
      throw revertError(intent.verb, reverted, said, error)
    }
  }

  /** @param tag `latest` where what pending blocks see must not be believed */
  async #ask(
    method: 'eth_call' | 'eth_estimateGas',
    call: object,
    tag: 'pending' | 'latest',
    options: AbortOptions,
  ): Promise<unknown> {
    const untagged = method === 'eth_call' ? [call, 'latest'] : [call]
    const params = this.#takesBlockTag ? [call, tag] : untagged
    const [answer] = await this.#parts.rpc.callMany([{ method, params }], options)
    const isTagRefused =
      answer?.ok === false &&
      !isRevert(answer.error) &&
      answer.error.code === 'market/rpc-error' &&
      [-32602, -32601].includes((answer.error as RpcError).detail.rpcCode)
    if (!isTagRefused || !this.#takesBlockTag) return resultOf(answer)
    this.#takesBlockTag = false
    return this.#ask(method, call, tag, options)
  }
}
