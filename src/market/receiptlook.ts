// Asks for the receipts of transactions under way, in as few calls as their order allows. What follows from them is senttransactions.ts's.

import type { AbortOptions } from '../lib/abort.ts'
import type { NodeKey } from './nodekey.ts'
import { type RpcAnswer, type RpcCall, type RpcClient, resultOf } from './rpcclient.ts'
import { type Receipt, readNumber, readReceipt } from './rpcvalues.ts'
import type { Sent } from './senttransaction.ts'

export interface ReceiptLookParts {
  readonly rpc: Pick<RpcClient, 'callMany'>
  readonly key: Pick<NodeKey, 'address'>
}

export interface ReceiptLook<One> {
  /** Of each form of a transaction, in the order of its attempts; none where it was not worth asking. */
  readonly receipts: ReadonlyMap<One, readonly (Receipt | undefined)[]>
  /** The nonce behind all that are in the chain. */
  readonly nextNonce: number
}

/** Receipts asked for before it is known how many transactions are in the chain. */
const FIRST_RECEIPTS = 8

/** @throws CodexError as an endpoint may fail */
export async function lookForReceipts<One extends Sent>(
  { rpc, key }: ReceiptLookParts,
  due: readonly One[],
  options: AbortOptions,
): Promise<ReceiptLook<One>> {
  const count = { method: 'eth_getTransactionCount', params: [key.address, 'latest'] }
  const receipts = new Map<One, readonly (Receipt | undefined)[]>()
  /** @returns the answers to `calls` */
  const ask = async (some: readonly One[], ...calls: readonly RpcCall[]): Promise<RpcAnswer[]> => {
    const hashes = some.map(({ entry }) => entry.attempts.map(({ hash }) => hash))
    const answers = await rpc.callMany([...calls, ...hashes.flat().map(receiptCall)], options)
    let at = calls.length
    for (const [i, one] of some.entries()) {
      const own = answers.slice(at, (at += (hashes[i] as string[]).length))
      receipts.set(
        one,
        own.map((answer) => readReceipt(resultOf(answer))),
      )
    }
    return answers.slice(0, calls.length)
  }
  // Of many that wait in line, only the first are likely to be in the chain.
  const [mined] = await ask(due.slice(0, FIRST_RECEIPTS), count)
  const nextNonce = readNumber(resultOf(mined), 'a nonce')
  const rest = due.slice(FIRST_RECEIPTS).filter(({ entry }) => entry.nonce < nextNonce || entry.landed !== undefined)
  if (rest.length > 0) await ask(rest)
  return { receipts, nextNonce }
}

export function receiptCall(hash: string): RpcCall {
  return { method: 'eth_getTransactionReceipt', params: [hash] }
}
