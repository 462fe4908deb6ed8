// How many tokens a transaction made the marketplace pay out, by the token's own events.

import type { AbortOptions } from '../lib/abort.ts'
import type { Address } from './market.ts'
import { TOKEN } from './marketplaceinterface.ts'
import type { RpcClient } from './rpcclient.ts'
import { readLogs, readWords } from './rpcvalues.ts'

/** Topics of a transfer: the event, from, to. */
const TRANSFER_TOPICS = 3
const ADDRESS_DIGITS = 40

/** @throws CodexError `market/bad-answer`, and as the endpoint fails */
export async function paidOut(
  rpc: Pick<RpcClient, 'call'>,
  hash: string,
  { token, marketplace }: { readonly token: Address; readonly marketplace: Address },
  options: AbortOptions,
): Promise<bigint> {
  const receipt = await rpc.call('eth_getTransactionReceipt', [hash], options)
  const logs = readLogs((receipt as { readonly logs?: unknown } | null)?.logs ?? [])
  const transfer = TOKEN.getEvent('Transfer')?.topicHash
  let sum = 0n
  for (const { address, topics, data } of logs) {
    const [event, from = ''] = topics
    if (address !== token || topics.length !== TRANSFER_TOPICS || event !== transfer) continue
    if (`0x${from.slice(-ADDRESS_DIGITS)}` !== marketplace) continue
    sum += readWords(data, 1, 'a transfer')[0] ?? 0n
  }
  return sum
}
