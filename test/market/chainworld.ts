// A real EVM node with our contracts and markets on it, on the machine's own time. For tests of the room market. Not a test.

import { HDNodeWallet, Interface, Mnemonic } from 'ethers'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import type { DevnetArtefacts } from '../../src/devnet/contractartefact.ts'
import { type Deployment, deployMarketplace } from '../../src/devnet/deploymarketplace.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { TOKEN_ABI } from '../../src/market/marketplaceabi.ts'
import { EthersMarket, type EthersMarketParts, type EthersMarketSettings } from '../../src/market/ethersmarket.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import { requestId, slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageAsk, StorageRequest } from '../../src/protocol/request.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const MNEMONIC = Mnemonic.fromPhrase('test test test test test test test test test test test junk')
/** Periods so long that none ends within a test, on a fast clock too. */
export const LONG_PERIODS: MarketplaceConfiguration = {
  ...vectors.meta.configs.example,
  proofs: { ...vectors.meta.configs.example.proofs, period: 10_000, timeout: 5_000 },
}
/** Periods of 10 s, five slashes of 10 %. */
export const EXAMPLE: MarketplaceConfiguration = vectors.meta.configs.example
const BLOCKS = 257
export const RICH = 10n ** 24n
/** What the stand-in verifier accepts; it refuses one of all zeros. */
export const PROOF: Groth16Proof = {
  a: { x: 1n, y: 2n },
  b: { x: { real: 3n, imag: 4n }, y: { real: 5n, imag: 6n } },
  c: { x: 7n, y: 8n },
}
export const ZERO_PROOF: Groth16Proof = {
  a: { x: 0n, y: 0n },
  b: { x: { real: 0n, imag: 0n }, y: { real: 0n, imag: 0n } },
  c: { x: 0n, y: 0n },
}
const CID = '0x01819a031220540ba39eb75e3471ed125736775d7c3001e94b0ec65c1c6f192330153ed917c7'

export const never = { signal: new AbortController().signal }

export function keyOf(account: number): NodeKey {
  return NodeKey.fromPrivateKey(HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${account}`).privateKey)
}

export class ChainWorld {
  readonly anvil: Anvil
  readonly deployment: Deployment
  readonly records: LogRecord[] = []
  readonly #markets: EthersMarket[] = []
  #requests = 0

  private constructor(anvil: Anvil, deployment: Deployment) {
    this.anvil = anvil
    this.deployment = deployment
  }

  /** Mines a block per transaction, unless `blockSeconds` says otherwise. */
  static async start(
    options: {
      readonly blockSeconds?: number
      readonly configuration?: MarketplaceConfiguration
      /** Compiled anew, or from the cache, without it. */
      readonly artefacts?: DevnetArtefacts
    } = {},
  ) {
    const now = Math.floor(Date.now() / 1000)
    const anvil = await startAnvil({ ...never, genesisTime: now - BLOCKS - 1 })
    const { rpc } = anvil
    await rpc.call('anvil_mine', [quantity(BLOCKS), '0x1'])
    await rpc.call('anvil_setTime', [now])
    // Only here, because the compiler is not found from everywhere.
    const compiled = options.artefacts ?? (await (await import('../compilecontracts.ts')).compileContracts())
    const deployment = await deployMarketplace({
      rpc,
      artefacts: compiled as DevnetArtefacts,
      configuration: options.configuration ?? EXAMPLE,
    })
    const world = new ChainWorld(anvil, deployment)
    for (let account = 0; account < 5; account++) await world.mint(keyOf(account).address, RICH)
    if (options.blockSeconds !== undefined) await rpc.call('evm_setIntervalMining', [options.blockSeconds])
    return world
  }

  get clock(): SystemClock {
    return new SystemClock()
  }

  get log(): Log {
    const sinks = [(record: LogRecord) => this.records.push(record)]
    return new Log({ clock: this.clock, levels: new LogLevels('trace'), sinks }, 'market')
  }

  parts(account: number, parts: Partial<EthersMarketParts> = {}): EthersMarketParts {
    return {
      lines: nodeLines,
      clock: this.clock,
      log: this.log,
      key: keyOf(account),
      datastore: new MemoryDatastore(),
      ...parts,
    }
  }

  async open(
    account: number,
    settings: Partial<EthersMarketSettings> = {},
    parts: Partial<EthersMarketParts> = {},
  ): Promise<EthersMarket> {
    const market = await EthersMarket.open(
      this.parts(account, parts),
      { url: this.anvil.endpoint, marketplace: this.deployment.marketplace, ...settings },
      never,
    )
    this.#markets.push(market)
    return market
  }

  async stop(): Promise<void> {
    await Promise.all(this.#markets.map((market) => market.stop()))
    await this.anvil.stop()
  }

  async mint(holder: string, amount: bigint): Promise<void> {
    const data = new Interface(['function mint(address, uint256)']).encodeFunctionData('mint', [holder, amount])
    const [from] = await this.anvil.rpc.call<string[]>('eth_accounts')
    await this.anvil.rpc.call('eth_sendTransaction', [{ from, to: this.deployment.token, data }])
  }

  async tokensOf(holder: string): Promise<bigint> {
    const token = new Interface(TOKEN_ABI)
    const data = token.encodeFunctionData('balanceOf', [holder])
    return BigInt(await this.anvil.rpc.call<string>('eth_call', [{ to: this.deployment.token, data }, 'latest']))
  }

  /** A request that no other equals. */
  request(client: string, ask: Partial<StorageAsk> = {}, expiry = 100_000n): StorageRequest {
    const nonce = `0x${(++this.#requests).toString(16).padStart(64, '0')}`
    return {
      client,
      ask: {
        proofProbability: 1n,
        pricePerBytePerSecond: 2n,
        collateralPerByte: 5n,
        slots: 2n,
        slotSize: 1000n,
        duration: 200_000n,
        maxSlotLoss: 1n,
        ...ask,
      },
      content: { cid: Uint8Array.from(Buffer.from(CID.slice(2), 'hex')), merkleRoot: `0x${'42'.repeat(32)}` },
      expiry,
      nonce,
    }
  }

  async mine(blocks = 1): Promise<void> {
    await this.anvil.rpc.call('anvil_mine', [quantity(blocks)])
  }

  /** The chain's time goes on from `time`; `markets` have noticed when it settles. */
  async jumpTo(time: number, ...markets: readonly EthersMarket[]): Promise<void> {
    await this.anvil.rpc.call('evm_setNextBlockTimestamp', [time])
    await this.mine()
    for (const market of markets) await market.clock.until(time, never)
  }

  async timeOf(block: number): Promise<number> {
    const tag = [quantity(block), false]
    return Number((await this.anvil.rpc.call<{ timestamp: string }>('eth_getBlockByNumber', tag)).timestamp)
  }

  async blockTime(): Promise<number> {
    return Number(
      (await this.anvil.rpc.call<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])).timestamp,
    )
  }

  async blockNumber(): Promise<number> {
    return Number(await this.anvil.rpc.call<string>('eth_blockNumber'))
  }
}

export function slotsOf(request: StorageRequest): { readonly id: RequestId; slot(index: number): SlotId } {
  const id = requestId(request)
  return { id, slot: (index) => slotId(id, index) }
}
