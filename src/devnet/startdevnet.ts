// A local chain with everything on it that a marketplace needs: contracts, funded accounts, blocks as time goes by. Development only:
// the keys of its accounts are known to everybody.

import { HDNodeWallet, Interface } from 'ethers'
import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { DEFAULT_CONFIGURATION, type MarketplaceConfiguration } from './configuration.ts'
import type { DevnetArtefacts } from './contractartefact.ts'
import { BLOCKS_BEFORE_DEPLOYMENT, deployMarketplace, type Deployment } from './deploymarketplace.ts'
import { quantity } from './jsonrpc.ts'
import { toVerifyingKey, type VerificationKeyJson } from './verifyingkey.ts'

/** The node's own, public on purpose. */
const MNEMONIC = 'test test test test test test test test test test test junk'
const DERIVATION_PATH = "m/44'/60'/0'/0"
export const DEFAULT_ACCOUNTS = 20
/** Base units, for each account (marketplace reference §3.11). */
export const DEFAULT_TOKENS = 10n ** 15n
const MINT_GAS = 100_000
/** A hundred: for gas. */
const COINS_WEI = 10n ** 20n

export interface DevnetOptions extends AbortOptions {
  readonly artefacts: DevnetArtefacts
  readonly configuration?: MarketplaceConfiguration | undefined
  /** Of the circuit whose proofs count; without one every proof does but that of all zeros. */
  readonly verificationKey?: VerificationKeyJson | undefined
  /** Default: any free one. */
  readonly port?: number | undefined
  /** A block each so many seconds; default: {@link blockSecondsFor} the configuration. */
  readonly blockSeconds?: number | undefined
  readonly chainId?: number | undefined
  readonly accounts?: number | undefined
  /** What each account gets. */
  readonly tokens?: bigint | undefined
}

export interface DevnetAccount {
  /** In lower case. */
  readonly address: string
  readonly privateKey: string
}

export interface Devnet {
  readonly endpoint: string
  readonly websocket: string
  readonly chainId: number
  /** Of the EVM node's process. */
  readonly pid: number
  readonly contracts: Deployment
  readonly configuration: MarketplaceConfiguration
  readonly blockSeconds: number
  /** The first one has deployed. */
  readonly accounts: readonly DevnetAccount[]
  /** Gives an address coins for gas, and as many tokens as each account has. Settles when it has them. @throws CodexError `devnet/…` */
  fund(address: string): Promise<void>
  /** Settles when the EVM node is gone, whoever ended it. */
  readonly closed: Promise<void>
  /** It is gone once settled; never rejects. */
  stop(): Promise<void>
}

/**
 * Settles when the marketplace can be used; then mines a block each {@link Devnet.blockSeconds}, with the wall clock's time.
 * @param signal ends the start, not what was started
 * @throws CodexError as `startAnvil` and `deployMarketplace`, `devnet/bad-key`
 */
export async function startDevnet({ signal, ...options }: DevnetOptions): Promise<Devnet> {
  const { verificationKey, configuration = DEFAULT_CONFIGURATION } = options
  const verifyingKey = verificationKey === undefined ? undefined : toVerifyingKey(verificationKey)
  const { accounts: count = DEFAULT_ACCOUNTS, blockSeconds = blockSecondsFor(configuration) } = options
  const anvil = await startAnvil({
    signal,
    accounts: count,
    // The blocks before the deployment then lie a second apart, and the last of them is now.
    genesisTime: Math.floor(Date.now() / 1000) - BLOCKS_BEFORE_DEPLOYMENT,
    ...(options.port !== undefined && { port: options.port }),
    ...(options.chainId !== undefined && { chainId: options.chainId }),
  })
  const accounts = accountsOf(count)
  const { tokens = DEFAULT_TOKENS } = options
  const setUp = async (): Promise<Deployment> => {
    await anvil.rpc.call('anvil_mine', [quantity(BLOCKS_BEFORE_DEPLOYMENT), '0x1'])
    await anvil.rpc.call('anvil_setTime', [Math.floor(Date.now() / 1000)])
    const { artefacts } = options
    const contracts = await deployMarketplace({ rpc: anvil.rpc, artefacts, configuration, verifyingKey })
    await mint(
      anvil,
      contracts.token,
      // Each from its own account: then no transaction waits for another.
      accounts.map(({ address }) => ({ from: address, to: address })),
      tokens,
    )
    await anvil.rpc.call('evm_setIntervalMining', [blockSeconds])
    return contracts
  }
  try {
    const contracts = await raceAbort(setUp(), signal)
    const { endpoint, websocket, pid, closed } = anvil
    const chainId = Number(await anvil.rpc.call('eth_chainId'))
    const stop = (): Promise<void> => anvil.stop()
    const fund = async (address: string): Promise<void> => {
      await anvil.rpc.call('anvil_setBalance', [address, `0x${COINS_WEI.toString(16)}`])
      await mint(anvil, contracts.token, [{ from: accounts[0]?.address ?? '', to: address }], tokens)
    }
    return { endpoint, websocket, chainId, pid, contracts, configuration, blockSeconds, accounts, fund, closed, stop }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}

/**
 * The shortest whole time between blocks at which the downtime of a pointer that wraps outlasts the period, so that no proof becomes due
 * in the middle of one (marketplace reference §3.10).
 */
export function blockSecondsFor({ proofs: { period, downtime } }: MarketplaceConfiguration): number {
  return downtime === 0 ? 1 : Math.floor(period / downtime) + 1
}

function accountsOf(count: number): DevnetAccount[] {
  const root = HDNodeWallet.fromPhrase(MNEMONIC, '', DERIVATION_PATH)
  return Array.from({ length: count }, (_, i) => {
    const { address, privateKey } = root.deriveChild(i)
    return { address: address.toLowerCase(), privateKey }
  })
}

async function mint(
  { rpc }: Anvil,
  token: string,
  holders: readonly { readonly from: string; readonly to: string }[],
  amount: bigint,
): Promise<void> {
  const face = new Interface(['function mint(address holder, uint256 amount)'])
  const hashes = await rpc.batch(
    holders.map(({ from, to }) => {
      const data = face.encodeFunctionData('mint', [to, amount])
      return ['eth_sendTransaction', [{ from, to: token, data, gas: quantity(MINT_GAS) }]]
    }),
  )
  for (;;) {
    const receipts = await rpc.batch(hashes.map((hash) => ['eth_getTransactionReceipt', [hash]]))
    if (!receipts.includes(null)) {
      const failed = receipts.some((receipt) => (receipt as { status: string }).status !== '0x1')
      if (failed) throw new CodexError('devnet/deployment-failed', 'expected to mint tokens, found that it failed')
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
