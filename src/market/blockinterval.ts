// How far apart blocks come, by the newest ones. What follows from it is its askers' affair.

import type { AbortOptions } from '../lib/abort.ts'
import type { Seconds } from '../lib/units.ts'
import type { HeadWatch } from './headwatch.ts'
import { blockTag } from './logreader.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { readBlock } from './rpcvalues.ts'

/** Blocks looked at. */
const BLOCKS = 12

/** The middle one of the newest spans between two blocks; 0 where there is but one block. @throws CodexError as an endpoint may fail */
export async function blockInterval(
  { rpc, heads }: { readonly rpc: Pick<RpcClient, 'callMany'>; readonly heads: Pick<HeadWatch, 'latest'> },
  options: AbortOptions,
): Promise<Seconds> {
  const { number } = heads.latest
  const numbers = Array.from({ length: BLOCKS }, (_, i) => number - i).filter((one) => one >= 0)
  const answers = await rpc.callMany(
    numbers.map((one) => ({ method: 'eth_getBlockByNumber', params: [blockTag(one), false] })),
    options,
  )
  const times = answers.map((answer) => readBlock(resultOf(answer))?.timestamp).filter((time) => time !== undefined)
  const spans = times
    .slice(1)
    .map((time, i) => Math.abs((times[i] ?? time) - time))
    .sort((a, b) => a - b)
  return spans[Math.floor(spans.length / 2)] ?? 0
}
