// Whether collecting a slot is safe: the contract's `freeSlot` in a block before the end burns the collateral, so only mined blocks are believed.
// What the next block may see is not asked: endpoints' clocks run ahead of those that make blocks.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotId } from '../protocol/request.ts'
import { slotStateOf } from './chainstates.ts'
import { MARKETPLACE } from './marketplaceinterface.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
import { badAnswer, readBlock, readData, readQuantity } from './rpcvalues.ts'

export interface CollectSafetyParts {
  readonly rpc: Pick<RpcClient, 'callMany'>
  readonly contracts: { readonly marketplace: string }
}

/** A slot to be collected, and the chain time after which it may be. */
export interface Collectable {
  readonly slotId: SlotId
  /** The end of its request, or its expiry: every block must be later. */
  readonly safeAfter: Seconds
}

/**
 * Whether the newest mined block is later than the end, and the slot over by its state too (marketplace reference §3.6, §3.7).
 * @throws CodexError as an endpoint may fail
 */
export async function isCollectSafe(
  { rpc, contracts }: CollectSafetyParts,
  { slotId, safeAfter }: Collectable,
  options: AbortOptions,
): Promise<boolean> {
  const data = MARKETPLACE.encodeFunctionData('slotState', [slotId])
  const [head, state] = await rpc.callMany(
    [
      { method: 'eth_getBlockByNumber', params: ['latest', false] },
      { method: 'eth_call', params: [{ to: contracts.marketplace, data }, 'latest'] },
    ],
    options,
  )
  const block = readBlock(resultOf(head))
  if (block === undefined) throw badAnswer('its newest block', null)
  const word = readQuantity(readData(resultOf(state), 'the state of a slot'), 'the state of a slot')
  return block.timestamp > safeAfter && slotStateOf(word) !== 'Filled'
}

export function notOverYet({ slotId, safeAfter }: Collectable): CodexError<'market/not-over-yet'> {
  const message = `collect: no mined block is later than ${safeAfter} yet, and before it collecting would burn the collateral; wait for the next blocks`
  return new CodexError('market/not-over-yet', message, { detail: { slotId, safeAfter } })
}
