// A chain with many events and many filled slots, and ways to ask it: for the benches of the market. Not a bench.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Contract, Interface, JsonRpcProvider, type JsonRpcPayload, type JsonRpcResult } from 'ethers'
import { type DevnetArtefacts, readArtefacts } from '../../src/devnet/contractartefact.ts'
import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import { MARKETPLACE_ABI, TOKEN_ABI } from '../../src/market/marketplaceabi.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { type ChainWorld, keyOf, PROOF } from '../market/chainworld.ts'

const MARKETPLACE = new Interface(MARKETPLACE_ABI)
const SEND_AT_ONCE = 100
const GAS = '0x1e8480'

/** What `npm run build` compiled. */
export function builtArtefacts(root: string): Promise<DevnetArtefacts> {
  return readArtefacts(pathToFileURL(join(root, 'dist/')))
}

/** Plain ethers, counting its messages. */
export class CountingProvider extends JsonRpcProvider {
  requests = 0

  override _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    this.requests++
    return super._send(payload)
  }
}

export function contractOf(world: ChainWorld, provider: JsonRpcProvider): Contract {
  return new Contract(world.deployment.marketplace, MARKETPLACE_ABI, provider)
}

/** A market that looks at the newest block so rarely that its looks do not count. */
export function openQuiet(world: ChainWorld): Promise<EthersMarket> {
  return world.open(1, { pollSeconds: 3600 })
}

/** Puts a program in the place of the marketplace that logs `SlotFilled`, and has it log `perBlock` times in each of `blocks` blocks. */
export async function logEvents(world: ChainWorld, blocks: number, perBlock: number): Promise<void> {
  const { rpc } = world.anvil
  const topic = MARKETPLACE.getEvent('SlotFilled')?.topicHash.slice(2) ?? ''
  const count = perBlock.toString(16).padStart(4, '0')
  // for (i = perBlock; i != 0; i--) { data = i; log2(data, SlotFilled, i) }
  const loop = `5b8060005280${`7f${topic}`}602060` + `00a2600190038060${'03'}57`
  await rpc.call('anvil_setCode', [world.deployment.marketplace, `0x61${count}${loop}00`])
  const [from] = await rpc.call<string[]>('eth_accounts')
  const gas = `0x${(perBlock * 2500 + 100_000).toString(16)}`
  for (let block = 0; block < blocks; block++)
    await rpc.call('eth_sendTransaction', [{ from, to: world.deployment.marketplace, gas }])
  // The node mines behind the answers.
  while (
    (await rpc.call('eth_getTransactionCount', [from, 'latest'])) !==
    (await rpc.call('eth_getTransactionCount', [from, 'pending']))
  )
    await new Promise((resolve) => setTimeout(resolve, 50))
}

/** One request with `count` slots, all filled by account 1; the chain is in a later period then. */
export async function fillSlots(world: ChainWorld, count: number): Promise<SlotId[]> {
  const { rpc } = world.anvil
  const [client, host] = [keyOf(0).address, keyOf(1).address]
  const { marketplace, token } = world.deployment
  const send = async (from: string, to: string, calls: readonly string[]) => {
    await rpc.call('evm_setAutomine', [false])
    for (let start = 0; start < calls.length; start += SEND_AT_ONCE) {
      for (const data of calls.slice(start, start + SEND_AT_ONCE))
        await rpc.call('eth_sendTransaction', [{ from, to, data, gas: GAS }])
      await rpc.call('evm_mine')
    }
    await rpc.call('evm_setAutomine', [true])
  }
  const request = world.request(client, { slots: BigInt(count) })
  const id = requestId(request)
  const approve = new Interface(TOKEN_ABI).encodeFunctionData('approve', [marketplace, 10n ** 23n])
  await send(client, token, [approve])
  await send(host, token, [approve])
  await send(client, marketplace, [MARKETPLACE.encodeFunctionData('requestStorage', [request])])
  const indices = Array.from({ length: count }, (_, index) => index)
  await send(
    host,
    marketplace,
    indices.map((index) => MARKETPLACE.encodeFunctionData('reserveSlot', [id, index])),
  )
  await send(
    host,
    marketplace,
    indices.map((index) => MARKETPLACE.encodeFunctionData('fillSlot', [id, index, PROOF])),
  )
  await world.jumpTo((await world.blockTime()) + 15)
  return indices.map((index) => slotId(id, index))
}
