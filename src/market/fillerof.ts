// Who filled a slot: the event does not tell, its transaction does.

import type { AbortOptions } from '../lib/abort.ts'
import type { Address } from './market.ts'
import type { EventPlace } from './marketevent.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { readAddress, readHash, readNumber } from './rpcvalues.ts'

/**
 * The sender of the transaction that an event of `marketplace` came from; undefined where it is in the chain no more.
 * @throws CodexError as an endpoint may fail, also where it does not know the block
 */
export async function fillerOf(
  rpc: Pick<RpcClient, 'callMany'>,
  marketplace: Address,
  { blockHash, logIndex }: EventPlace,
  options: AbortOptions,
): Promise<Address | undefined> {
  const [logs] = await rpc.callMany([{ method: 'eth_getLogs', params: [{ address: marketplace, blockHash }] }], options)
  const found: unknown = resultOf(logs)
  const all = Array.isArray(found) ? (found as unknown[]).map((log) => Object(log) as Record<string, unknown>) : []
  const log = all.find((each) => readNumber(each['logIndex'], "a log's index") === logIndex)
  if (log === undefined) return undefined
  const hash = readHash(log['transactionHash'], "a log's transaction")
  const [answer] = await rpc.callMany([{ method: 'eth_getTransactionByHash', params: [hash] }], options)
  const transaction = Object(resultOf(answer)) as Record<string, unknown>
  return transaction['from'] === undefined ? undefined : (readAddress(transaction['from'], 'a sender') as Address)
}
