// Who filled a slot: the event does not tell, its transaction does.

import type { AbortOptions } from '../lib/abort.ts'
import { blockTag } from './logreader.ts'
import type { Address } from './market.ts'
import type { EventPlace } from './marketevent.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { badAnswer, readAddress, readHash, readNumber } from './rpcvalues.ts'

/**
 * The sender of the transaction that an event of `marketplace` came from.
 * @throws CodexError `market/bad-answer` where the endpoint does not tell, or the event stands in its chain no more; and as an endpoint may fail
 */
export async function fillerOf(
  rpc: Pick<RpcClient, 'callMany'>,
  marketplace: Address,
  { block, blockHash, logIndex }: EventPlace,
  options: AbortOptions,
): Promise<Address> {
  const [fromBlock, toBlock] = [blockTag(block), blockTag(block)]
  const [logs] = await rpc.callMany(
    [{ method: 'eth_getLogs', params: [{ address: marketplace, fromBlock, toBlock }] }],
    options,
  )
  const found: unknown = resultOf(logs)
  const all = Array.isArray(found) ? (found as unknown[]).map((log) => Object(log) as Record<string, unknown>) : []
  const log = all.find((each) => readNumber(each['logIndex'], "a log's index") === logIndex)
  if (log === undefined || readHash(log['blockHash'], "a log's block hash") !== blockHash)
    throw badAnswer(`the log ${logIndex} of block ${blockHash}`, log?.['blockHash'])
  // From the block, because many nodes know by their hashes only the transactions of late.
  const index = readNumber(log['transactionIndex'], "a log's transaction")
  const [answer] = await rpc.callMany(
    [{ method: 'eth_getTransactionByBlockHashAndIndex', params: [blockHash, blockTag(index)] }],
    options,
  )
  const { from } = Object(resultOf(answer)) as Record<string, unknown>
  return readAddress(from, 'the sender of a transaction') as Address
}
