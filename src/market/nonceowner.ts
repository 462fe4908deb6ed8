// Whose transaction used a nonce, by the chain itself: an endpoint that knows no receipt of ours yet proves nothing.

import type { AbortOptions } from '../lib/abort.ts'
import { blockTag } from './logreader.ts'
import type { RpcClient } from './rpcclient.ts'

export interface NonceQuestion {
  /** Lower case. */
  readonly address: string
  readonly nonce: number
  /** Of every transaction that we signed with this nonce. */
  readonly hashes: readonly string[]
  /** Number of the newest block. */
  readonly head: number
}

/** Undefined when the endpoint cannot tell: a node without the states of old blocks. Never throws for what the endpoint says. */
export async function nonceOwner(
  rpc: Pick<RpcClient, 'callMany'>,
  { address, nonce, hashes, head }: NonceQuestion,
  options: AbortOptions,
): Promise<'ours' | 'another' | undefined> {
  const known = await rpc.callMany(
    hashes.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
    options,
  )
  if (known.some((answer) => answer.ok && answer.result !== null)) return 'ours'
  if (known.some((answer) => !answer.ok)) return undefined
  /** Whether the nonce was used before the end of this block. */
  const isUsed = async (block: number): Promise<boolean | undefined> => {
    const [count] = await rpc.callMany(
      [{ method: 'eth_getTransactionCount', params: [address, blockTag(block)] }],
      options,
    )
    return count?.ok === true && typeof count.result === 'string' ? Number(count.result) > nonce : undefined
  }
  if ((await isUsed(head)) !== true) return undefined
  let [low, high] = [head, head]
  for (let step = 1; low === high; step *= 2) {
    const block = Math.max(0, head - step)
    const used = await isUsed(block)
    if (used === undefined || (used && block === 0)) return undefined
    if (!used) low = block
    else low = high = block
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const used = await isUsed(middle)
    if (used === undefined) return undefined
    if (used) high = middle
    else low = middle
  }
  const [answer] = await rpc.callMany([{ method: 'eth_getBlockByNumber', params: [blockTag(high), true] }], options)
  const { transactions } = Object(answer?.ok === true ? answer.result : undefined) as { transactions?: unknown }
  if (!Array.isArray(transactions)) return undefined
  for (const transaction of transactions as unknown[]) {
    const { from, nonce: found, hash } = Object(transaction) as Readonly<Record<string, unknown>>
    if (String(from).toLowerCase() !== address || Number(found) !== nonce) continue
    return hashes.includes(String(hash).toLowerCase()) ? 'ours' : 'another'
  }
  return undefined
}
