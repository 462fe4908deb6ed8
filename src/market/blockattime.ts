// Finds the block of a moment by asking for heads of blocks, many at once. What happened in the block is not asked.

import type { AbortOptions } from '../lib/abort.ts'
import type { Seconds } from '../lib/units.ts'
import type { HeadWatch } from './headwatch.ts'
import { blockTag } from './logreader.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { type Block, badAnswer, readBlock } from './rpcvalues.ts'

/** Blocks asked for in each round: the range shrinks by this factor and one. */
const PROBES = 15

/**
 * The number of the block whose time is nearest to `time`, the later one of two equally near, the first one of equal time. Never beyond the
 * newest block, nor before the first the endpoint has.
 */
export async function blockAtTime(
  { rpc, heads }: { readonly rpc: RpcClient; readonly heads: HeadWatch },
  time: Seconds,
  options: AbortOptions,
): Promise<number> {
  heads.assertOurChain()
  const latest = time <= heads.latest.timestamp ? heads.latest : await heads.look(options)
  if (time > latest.timestamp) return latest.number
  // `low` is earlier than `time`, or missing; `high` is not earlier.
  let low: { readonly number: number; readonly timestamp: Seconds | undefined } = { number: -1, timestamp: undefined }
  let high: Pick<Block, 'number' | 'timestamp'> = latest
  while (high.number - low.number > 1) {
    const span = high.number - low.number
    const count = Math.min(PROBES, span - 1)
    const numbers = Array.from({ length: count }, (_, i) => low.number + Math.floor(((i + 1) * span) / (count + 1)))
    const answers = await rpc.callMany(
      numbers.map((number) => ({ method: 'eth_getBlockByNumber', params: [blockTag(number), false] })),
      options,
    )
    for (const [i, answer] of answers.entries()) {
      const number = numbers[i] as number
      const block = readBlock(resultOf(answer))
      if (block !== undefined && block.number !== number) throw badAnswer(`block ${number}`, block.number)
      if (block === undefined || block.timestamp < time) low = { number, timestamp: block?.timestamp }
      else {
        high = block
        break
      }
    }
  }
  const isLowNearer = low.timestamp !== undefined && time - low.timestamp < high.timestamp - time
  return isLowNearer ? low.number : high.number
}
