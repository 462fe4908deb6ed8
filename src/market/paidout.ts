// How many tokens a transaction made the marketplace pay out, by the token's own events.

import type { Address } from './market.ts'
import { TOKEN } from './marketplaceinterface.ts'
import { readLogs, readWords } from './rpcvalues.ts'

/** Topics of a transfer: the event, from, to. */
const TRANSFER_TOPICS = 3
const ADDRESS_DIGITS = 40

/** @param logs of the receipt, as they came @throws CodexError `market/bad-answer` */
export function paidOut(
  logs: unknown,
  { token, marketplace }: { readonly token: Address; readonly marketplace: Address },
): bigint {
  const transfer = TOKEN.getEvent('Transfer')?.topicHash
  let sum = 0n
  for (const { address, topics, data } of readLogs(logs)) {
    const [event, from = ''] = topics
    if (address !== token || topics.length !== TRANSFER_TOPICS || event !== transfer) continue
    if (`0x${from.slice(-ADDRESS_DIGITS)}` !== marketplace) continue
    sum += readWords(data, 1, 'a transfer')[0] ?? 0n
  }
  return sum
}
