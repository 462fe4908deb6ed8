// A provider that `codex-light start` runs keeps what it sold: one proof of each slot in each period, until it is paid. Beside it the client, which watches
// over the proofs too. Both are driven by the public SDK alone; the chain's time is pushed from period to period, and no period is passed over.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Codex } from '@codex-storage/sdk-js'
import { NodeUploadStrategy } from '@codex-storage/sdk-js/node'
import { Interface } from 'ethers'
import { expect, test } from 'vitest'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import { QUICK_CIRCUIT, QUICK_SHAPE } from '../node/nodeworld.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { noise, scratchFolder } from './command.ts'
import { type Devnet, good, PERIOD, rows, startDevnet, until } from './devnetprocess.ts'
import { startNode, stopWell } from './startednode.ts'

const SLOTS = 3
/** From the beginning of one period to the middle of the one after the last duty. */
const DURATION = 3.5 * PERIOD
const MARKETPLACE = new Interface(MARKETPLACE_ABI)

// It waits for periods most of the time: of the long run only.
test.runIf(import.meta.env['LONG'])(
  'a provider started with `codex-light start` sends one proof for each slot in each period, and is paid',
  async () => {
    const folder = scratchFolder()
    const circuits = join(folder, 'circuits')
    mkdirSync(circuits)
    const { wasm, zkey, verificationKey } = await circuitWithKeys(QUICK_CIRCUIT)
    writeFileSync(join(circuits, 'proof_main.wasm'), wasm)
    writeFileSync(join(circuits, 'proof_main.zkey'), zkey)
    const keyFile = join(circuits, 'proof_main_verification_key.json')
    writeFileSync(keyFile, JSON.stringify(verificationKey))
    const devnet = await startDevnet(folder, keyFile)
    const market = (account: number): string[] => {
      const file = join(folder, `key${account}`)
      writeFileSync(file, `${devnet.accounts[account]?.privateKey}\n`, { mode: 0o600 })
      return ['--eth-provider', devnet.endpoint, '--marketplace-address', devnet.marketplace, '--eth-private-key', file]
    }
    const client = await startNode(join(folder, 'client'), ['persistence', '--validator', ...market(1)])
    expect(client).toMatchObject({ roles: ['client', 'provider', 'validator'] })
    const provider = await startNode(join(folder, 'provider'), [
      ...['persistence', 'prover', ...market(2), '-b', client.addresses[0] ?? '', '--circuit-dir', circuits],
      ...['--proof-samples', String(QUICK_SHAPE.samples), '--max-slot-depth', String(QUICK_SHAPE.slotDepth)],
      ...['--max-dataset-depth', String(QUICK_SHAPE.datasetDepth)],
    ])
    const [buyer, seller] = [client, provider].map(({ api }) => new Codex(api.replace(/\/$/, '')).marketplace)
    if (buyer === undefined || seller === undefined) throw new Error('found no node')
    const said = (): string => `${client.said()}${provider.said()}`

    const terms = { totalSize: 2 ** 24, duration: 2 * DURATION, minPricePerBytePerSecond: 1, totalCollateral: 1e9 }
    await good(seller.createAvailability(terms))
    const data = new Codex(client.api.replace(/\/$/, '')).data
    const cid = await good(data.upload(new NodeUploadStrategy(noise(5 * 65_536, 1))).result)
    await nextPeriod(devnet)
    const before = await tokensOf(devnet)
    const asked = await good(
      buyer.createStorageRequest({
        ...{ cid, duration: DURATION, proofProbability: 1, pricePerBytePerSecond: 3, collateralPerByte: 5 },
        ...{ expiry: 2 * PERIOD, nodes: SLOTS, tolerance: 1 },
      }),
    )
    const state = async (): Promise<string> => (await good(buyer.purchaseDetail(asked))).state
    const slots = async () => (await good(seller.activeSlots())) as unknown as { id: string; request: { id: string } }[]
    const isReady = ({ state: at }: { readonly state: string }): boolean => at === 'SaleInitialProving'
    const sales = async () => (await rows(provider, 'sales')) as { state: string }[]
    await until('all data is there', async () => (await sales()).filter(isReady).length === SLOTS, said)
    const first = await nextPeriod(devnet)
    await until('started', async () => (await state()) === 'started', said)
    const ids = (await slots()).map(({ id }) => id)
    expect(new Set(ids).size).toBe(SLOTS)
    const everySlotIn = (periods: number[]): string[] => periods.flatMap((period) => ids.map((id) => `${id} ${period}`))
    for (const more of [1, 2]) {
      expect(await nextPeriod(devnet)).toBe(first + more)
      await until(
        `proofs of period ${first + more}`,
        async () => (await proofs(devnet)).filter((proof) => proof.endsWith(` ${first + more}`)).length >= SLOTS,
        said,
      )
    }
    // The first of them filled the slots.
    expect((await proofs(devnet)).sort()).toEqual(everySlotIn([first, first + 1, first + 2]).sort())
    await devnet.call('evm_increaseTime', PERIOD / 2 + 1)
    await until('finished', async () => (await state()) === 'finished', said)
    // It looks again in the next period, which asks for no proof any more.
    await nextPeriod(devnet)
    const free = async () => (await good(seller.availabilities())).map(({ freeSize }) => freeSize)
    await until('all paid and free again', async () => (await free())[0] === terms.totalSize, said)
    expect(await slots()).toEqual([])
    for (const id of ids) expect(await ask(devnet, 'missingProofs', id)).toEqual([0n])
    expect(await tokensOf(devnet)).toBeGreaterThan(before)
    await Promise.all([stopWell(client), stopWell(provider)])
  },
  300_000,
)

/** Pushes the chain's time to the beginning of the next period, and waits until it is there. @returns which one it is */
async function nextPeriod(devnet: Devnet): Promise<number> {
  const now = await chainTime(devnet)
  const next = Math.floor(now / PERIOD) + 1
  await devnet.call('evm_increaseTime', next * PERIOD - now)
  await until(`period ${next}`, async () => (await chainTime(devnet)) >= next * PERIOD)
  return next
}

async function chainTime(devnet: Devnet, block = 'latest'): Promise<number> {
  const { timestamp } = (await devnet.call('eth_getBlockByNumber', block, false)) as { timestamp: string }
  return Number(timestamp)
}

/** In the chain, each as slot and period. */
async function proofs(devnet: Devnet): Promise<string[]> {
  const topics = [MARKETPLACE.getEvent('ProofSubmitted')?.topicHash]
  const filter = { address: devnet.marketplace, topics, fromBlock: '0x0', toBlock: 'latest' }
  const logs = (await devnet.call('eth_getLogs', filter)) as { data: string; blockNumber: string }[]
  return Promise.all(
    logs.map(async ({ data, blockNumber }) => `${data} ${Math.floor((await chainTime(devnet, blockNumber)) / PERIOD)}`),
  )
}

async function ask(devnet: Devnet, question: string, ...about: string[]): Promise<unknown[]> {
  const data = MARKETPLACE.encodeFunctionData(question, about)
  const answer = await devnet.call('eth_call', { to: devnet.marketplace, data }, 'latest')
  return MARKETPLACE.decodeFunctionResult(question, String(answer)).toArray()
}

/** Of the provider. */
async function tokensOf(devnet: Devnet): Promise<bigint> {
  const face = new Interface(['function balanceOf(address) view returns (uint256)'])
  const data = face.encodeFunctionData('balanceOf', [devnet.accounts[2]?.address])
  return BigInt(String(await devnet.call('eth_call', { to: devnet.token, data }, 'latest')))
}
