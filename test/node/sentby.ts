// What an account has sent to the marketplace, read from the blocks: to see that nothing was done twice. Not a test.

import { Interface } from 'ethers'
import type { Deployment } from '../../src/devnet/deploymarketplace.ts'
import type { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import { CONFIGURATION } from './nodeworld.ts'

const BLOCKS_PER_BATCH = 200

interface Block {
  readonly timestamp: string
  readonly transactions: readonly {
    readonly hash: string
    readonly from: string
    readonly to: string | null
    readonly input: string
  }[]
}

/** One text for each act: the verb, and the slot, and of proofs the period. */
export interface Acts {
  readonly done: readonly string[]
  /** Refused by the contract, in a block: they did nothing, and cost gas. */
  readonly failed: readonly string[]
}

export async function sentBy(rpc: JsonRpc, account: string, { marketplace, block: first }: Deployment): Promise<Acts> {
  const face = new Interface(MARKETPLACE_ABI)
  const last = Number(await rpc.call<string>('eth_blockNumber'))
  const [done, failed]: [string[], string[]] = [[], []]
  for (let from = first; from <= last; from += BLOCKS_PER_BATCH) {
    const numbers = Array.from({ length: Math.min(BLOCKS_PER_BATCH, last - from + 1) }, (_, i) => from + i)
    const blocks = (await rpc.batch(
      numbers.map((number) => ['eth_getBlockByNumber', [quantity(number), true]]),
    )) as readonly Block[]
    for (const { timestamp, transactions } of blocks)
      for (const { hash, from: sender, to, input } of transactions) {
        if (sender.toLowerCase() !== account || to?.toLowerCase() !== marketplace) continue
        const { status } = await rpc.call<{ status: string }>('eth_getTransactionReceipt', [hash])
        const call = face.parseTransaction({ data: input })
        if (call === null) continue
        const period =
          call.name === 'submitProof' ? ` ${Math.floor(Number(timestamp) / CONFIGURATION.proofs.period)}` : ''
        const slot =
          call.name === 'fillSlot' || call.name === 'reserveSlot' ? call.args.slice(0, 2).join() : String(call.args[0])
        const acts = status === '0x1' ? done : failed
        acts.push(`${call.name} ${slot}${period}`)
      }
  }
  return { done, failed }
}
