// What an account has sent to the marketplace, read from the blocks: to see that nothing was done twice. Not a test.

import { Interface } from 'ethers'
import type { Deployment } from '../../src/devnet/deploymarketplace.ts'
import type { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import { CONFIGURATION } from './nodeworld.ts'

const BLOCKS_PER_BATCH = 200

interface Block {
  readonly number: string
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
  /** Proofs among those that were refused since the slot's challenge had just changed to another: nobody can know that when one is sent. */
  readonly overtaken: readonly string[]
}

/** Between what a proof was made for and its block, blocks. */
const ON_THE_WAY = 5

export async function sentBy(rpc: JsonRpc, account: string, { marketplace, block: first }: Deployment): Promise<Acts> {
  const face = new Interface(MARKETPLACE_ABI)
  const last = Number(await rpc.call<string>('eth_blockNumber'))
  const [done, failed, overtaken]: [string[], string[], string[]] = [[], [], []]
  // As the contract counts: an EVM node in memory keeps no state of long ago that could be asked for it.
  const pointerAt = (slot: string, block: number, period: number): number =>
    Number((BigInt(block) + BigInt(period) * BigInt(CONFIGURATION.proofs.downtimeProduct) + BigInt(slot)) % 256n)
  const periodOf = ({ timestamp }: Block): number => Math.floor(Number(timestamp) / CONFIGURATION.proofs.period)
  /** A slot's pointer counts up with the blocks of a period and names the same block all the while, until it begins anew. */
  const hasNewChallenge = (slot: string, block: Block): boolean => {
    const [number, period] = [Number(block.number), periodOf(block)]
    return pointerAt(slot, number, period) < pointerAt(slot, number - ON_THE_WAY, period)
  }
  for (let from = first; from <= last; from += BLOCKS_PER_BATCH) {
    const numbers = Array.from({ length: Math.min(BLOCKS_PER_BATCH, last - from + 1) }, (_, i) => from + i)
    const blocks = (await rpc.batch(
      numbers.map((number) => ['eth_getBlockByNumber', [quantity(number), true]]),
    )) as readonly Block[]
    for (const block of blocks)
      for (const { hash, from: sender, to, input } of block.transactions) {
        if (sender.toLowerCase() !== account || to?.toLowerCase() !== marketplace) continue
        const { status } = await rpc.call<{ status: string }>('eth_getTransactionReceipt', [hash])
        const call = face.parseTransaction({ data: input })
        if (call === null) continue
        const period = call.name === 'submitProof' ? ` ${periodOf(block)}` : ''
        const slot =
          call.name === 'fillSlot' || call.name === 'reserveSlot' ? call.args.slice(0, 2).join() : String(call.args[0])
        const act = `${call.name} ${slot}${period}`
        if (status === '0x1') done.push(act)
        else if (call.name === 'submitProof' && hasNewChallenge(slot, block)) overtaken.push(act)
        else failed.push(act)
      }
  }
  return { done, failed, overtaken }
}
