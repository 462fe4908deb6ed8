// What calls of a contract cost in gas, read from the blocks of a local chain.

import { Interface, type InterfaceAbi } from 'ethers'
import type { AbiFragment } from './contractartefact.ts'
import { quantity } from './jsonrpc.ts'
import { JsonRpc } from './jsonrpc.ts'

/** Of one function: how often it was called with success, and gas of the cheapest and of the dearest call. */
export interface GasOfCalls {
  readonly calls: number
  readonly min: number
  readonly max: number
}

interface Transaction {
  readonly hash: string
  readonly to: string | null
  readonly input: string
}

/** Blocks, and receipts, asked for at once. */
const AT_ONCE = 50

/**
 * By name of the function, in the order of first calls. Failed transactions are left out.
 * @param from first block looked at; up to the newest
 * @throws CodexError as {@link JsonRpc.call}
 */
export async function gasUsed(
  endpoint: string,
  contract: { readonly address: string; readonly abi: readonly AbiFragment[]; readonly from: number },
  { signal }: { readonly signal: AbortSignal },
): Promise<Readonly<Record<string, GasOfCalls>>> {
  const rpc = new JsonRpc(endpoint, { signal })
  const face = new Interface(contract.abi as unknown as InterfaceAbi)
  const address = contract.address.toLowerCase()
  const newest = Number(await rpc.call<string>('eth_blockNumber'))
  const found = new Map<string, GasOfCalls>()
  for (let first = contract.from; first <= newest; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, newest - first + 1) }, (_, i) => first + i)
    const blocks = await rpc.batch(numbers.map((number) => ['eth_getBlockByNumber', [quantity(number), true]]))
    const sent = blocks
      .flatMap((block) => (block as { readonly transactions: readonly Transaction[] }).transactions)
      .filter(({ to }) => to?.toLowerCase() === address)
    for (let at = 0; at < sent.length; at += AT_ONCE) {
      const some = sent.slice(at, at + AT_ONCE)
      const receipts = await rpc.batch(some.map(({ hash }) => ['eth_getTransactionReceipt', [hash]]))
      for (const [i, { input }] of some.entries()) {
        const receipt = receipts[i] as { readonly status: string; readonly gasUsed: string } | null | undefined
        const name = face.getFunction(input.slice(0, 10))?.name
        if (receipt?.status === '0x1' && name !== undefined) note(found, name, Number(receipt.gasUsed))
      }
    }
  }
  return Object.fromEntries(found)
}

function note(found: Map<string, GasOfCalls>, name: string, gas: number): void {
  const { calls, min, max } = found.get(name) ?? { calls: 0, min: gas, max: gas }
  found.set(name, { calls: calls + 1, min: Math.min(min, gas), max: Math.max(max, gas) })
}
