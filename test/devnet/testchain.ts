// A real EVM node driven by hand: each block is mined when a test says so, with the time it says. Not a test.

import { AbiCoder, Interface, type LogDescription, type Result } from 'ethers'
import { onTestFinished } from 'vitest'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { BLOCKS_BEFORE_DEPLOYMENT } from '../../src/devnet/deploymarketplace.ts'
import { type JsonRpc, quantity } from '../../src/devnet/jsonrpc.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { compileContracts } from '../compilecontracts.ts'

export const GENESIS_TIME = 1_700_000_000
/** More than any call here needs, so that none is estimated. */
const GAS_LIMIT = 12_000_000
/** Of our contracts; the errors are told apart by selector. */
const INTERFACE_NAMES = ['TestMarketplace', 'Token']

/** How a transaction or call ended. `error` as `Name` or `Name(values)`, the marketplace's address in it as `<marketplace>`. */
export type Outcome = { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: string }

export interface Sent {
  /** `ok`, or what a replay of the failed transaction at its block says. */
  readonly error: string | undefined
  /** The marketplace's, in order. */
  readonly events: readonly LogDescription[]
  readonly gasUsed: number
  readonly block: number
  readonly blockHash: string
  /** Of every token, in order; addresses in lower case. */
  readonly transfers: readonly Transfer[]
}

export interface Transfer {
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** A call of {@link TestChain.callAll}. */
export interface View {
  readonly from: string
  readonly call: string
  readonly args: readonly unknown[]
}

export interface BlockOverrides {
  readonly number: string
  readonly time: string
  /** By decimal block number. */
  readonly blockHash?: Readonly<Record<string, string>>
}

export interface TestContract {
  readonly address: string
  readonly interface: Interface
}

export interface Market {
  readonly token: TestContract
  readonly verifier: TestContract
  readonly marketplace: TestContract
}

export class TestChain {
  readonly rpc: JsonRpc
  /** Unlocked, with ether, in lower case. */
  readonly accounts: readonly string[]
  readonly #errors: readonly Interface[]
  #now: number

  private constructor(anvil: Anvil, accounts: readonly string[], errors: readonly Interface[], now: number) {
    this.rpc = anvil.rpc
    this.accounts = accounts
    this.#errors = errors
    this.#now = now
  }

  /** High enough for a deployment. Gone when the test, or the file if called outside of one, is over: by `whenOver`. */
  static async start(
    whenOver: (stop: () => Promise<void>) => unknown = onTestFinished,
    blocks = BLOCKS_BEFORE_DEPLOYMENT,
  ): Promise<TestChain> {
    const anvil = await startAnvil({ genesisTime: GENESIS_TIME, signal: new AbortController().signal })
    whenOver(() => anvil.stop())
    await anvil.rpc.call('evm_setAutomine', [false])
    await anvil.rpc.call('anvil_mine', [quantity(blocks), '0x1'])
    // From here on the wall clock has no say: a block has the time of the one before it, unless told another.
    await anvil.rpc.call('anvil_setBlockTimestampInterval', [0])
    const compiled = await compileContracts()
    const errors = INTERFACE_NAMES.map((name) => new Interface(compiled[name]?.abi ?? []))
    const accounts = await anvil.rpc.call<string[]>('eth_accounts')
    const { timestamp } = await anvil.rpc.call<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
    return new TestChain(anvil, accounts, errors, Number(timestamp))
  }

  /** Time of the latest block. */
  get now(): number {
    return this.#now
  }

  account(i: number): string {
    const account = this.accounts[i]
    if (account === undefined) throw new Error(`found no account ${i}`)
    return account
  }

  /** One empty block with that time. */
  async mine(time = this.#now): Promise<void> {
    await this.rpc.call('evm_mine', [{ timestamp: time }])
    this.#now = time
  }

  /** Empty blocks, with the time of the latest one. */
  async mineMany(blocks: number): Promise<void> {
    if (blocks === 0) return
    await this.rpc.call('anvil_mine', [quantity(blocks)])
  }

  async blockNumber(): Promise<number> {
    return Number(await this.rpc.call<string>('eth_blockNumber'))
  }

  async snapshot(): Promise<() => Promise<void>> {
    const [id, now] = [await this.rpc.call<string>('evm_snapshot'), this.#now]
    return async () => {
      await this.rpc.call('evm_revert', [id])
      this.#now = now
    }
  }

  /** @returns the contract, or the error of its constructor as a string */
  async tryDeploy(name: string, ...args: unknown[]): Promise<TestContract | string> {
    const artefact = (await compileContracts())[name]
    if (artefact === undefined) throw new Error(`found no contract ${name}`)
    const face = new Interface(artefact.abi)
    const data = artefact.bytecode + AbiCoder.defaultAbiCoder().encode(face.deploy.inputs, args).slice(2)
    const sent = await this.#transact({ from: this.account(0), data })
    if (sent.receipt.status === '0x0')
      return await this.#reason({ from: this.account(0), data }, sent.receipt.blockNumber)
    return { address: String(sent.receipt.contractAddress).toLowerCase(), interface: face }
  }

  async deploy(name: string, ...args: unknown[]): Promise<TestContract> {
    const contract = await this.tryDeploy(name, ...args)
    if (typeof contract === 'string') throw new Error(`${name} was not deployed: ${contract}`)
    return contract
  }

  async deployMarket(configuration: MarketplaceConfiguration): Promise<Market> {
    const token = await this.deploy('Token')
    const verifier = await this.deploy('AnyProofVerifier')
    const marketplace = await this.deploy('TestMarketplace', configuration, token.address, verifier.address)
    return { token, verifier, marketplace }
  }

  /** A transaction alone in a block with that time. */
  async send(
    contract: TestContract,
    from: string,
    call: string,
    args: readonly unknown[],
    time = this.#now,
  ): Promise<Sent> {
    const request = { from, to: contract.address, data: contract.interface.encodeFunctionData(call, args) }
    const { receipt } = await this.#transact(request, time)
    const error = receipt.status === '0x1' ? undefined : await this.#reason(request, receipt.blockNumber)
    const events = receipt.logs
      .filter(({ address }) => address.toLowerCase() === contract.address)
      .map((log) => contract.interface.parseLog(log))
      .filter((log) => log !== null)
    const { gasUsed, blockNumber, blockHash } = receipt
    const transfers = receipt.logs.flatMap(transferOf)
    return { error, events, gasUsed: Number(gasUsed), block: Number(blockNumber), blockHash, transfers }
  }

  /** As {@link send}; a revert fails the test. */
  async must(
    contract: TestContract,
    from: string,
    call: string,
    args: readonly unknown[],
    time?: number,
  ): Promise<Sent> {
    const sent = await this.send(contract, from, call, args, time)
    if (sent.error !== undefined) throw new Error(`${call} reverted: ${sent.error}`)
    return sent
  }

  /** A call on the latest block, or as if its number, time and hashes were others. */
  async call(
    contract: TestContract,
    from: string,
    call: string,
    args: readonly unknown[],
    overrides?: BlockOverrides,
  ): Promise<Outcome> {
    const [outcome] = await this.callAll(contract, [{ from, call, args }], overrides)
    if (outcome === undefined) throw new Error('one call has one outcome')
    return outcome
  }

  /** As {@link call}, all in one request. */
  async callAll(
    contract: TestContract,
    views: readonly View[],
    overrides?: BlockOverrides,
  ): Promise<readonly Outcome[]> {
    const calls = views.map(({ from, call, args }) => {
      const data = contract.interface.encodeFunctionData(call, args)
      const parameters = [{ from, to: contract.address, data }, 'latest', ...(overrides ? [{}, overrides] : [])]
      return ['eth_call', parameters] as const
    })
    const answers = await this.rpc.settle(calls)
    return views.map(({ call }, i) => {
      const answer = answers[i]
      if (typeof answer !== 'string') return { ok: false, error: this.#named(answer) }
      return { ok: true, result: contract.interface.decodeFunctionResult(call, answer) }
    })
  }

  /** As {@link call}; a revert fails the test. @returns the one value that it answers */
  async read(contract: TestContract, call: string, args: readonly unknown[], from = this.account(0)): Promise<unknown> {
    const outcome = await this.call(contract, from, call, args)
    if (!outcome.ok) throw new Error(`${call} reverted: ${outcome.error}`)
    return outcome.result[0]
  }

  async #transact(request: object, time = this.#now): Promise<{ receipt: Receipt }> {
    const hash = await this.rpc.call<string>('eth_sendTransaction', [{ ...request, gas: quantity(GAS_LIMIT) }])
    await this.mine(time)
    const receipt = await this.rpc.call<Receipt | null>('eth_getTransactionReceipt', [hash])
    if (receipt === null) throw new Error('the transaction is not in the block')
    return { receipt }
  }

  /** A mined failure does not say why: the same call at its block does. */
  async #reason(request: object, block: string): Promise<string> {
    try {
      await this.rpc.call('eth_call', [request, block])
      return 'nothing: the replay did not revert'
    } catch (error) {
      return this.#named(error)
    }
  }

  #named(error: unknown): string {
    if (!CodexError.is(error, 'devnet/rpc-refused')) throw error
    const data = (error as CodexError).detail['data']
    if (typeof data !== 'string') return String((error as CodexError).detail['rpcMessage'])
    for (const known of this.#errors) {
      const found = known.parseError(data)
      if (found === null) continue
      const values = found.args.toArray().map(String)
      return values.length === 0 ? found.name : `${found.name}(${values.join(',')})`
    }
    return data
  }
}

/** topic0 of the token's Transfer. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

function transferOf({ topics: [kind, from = '', to = ''], data }: Log): Transfer[] {
  const address = (topic: string): string => `0x${topic.slice(-40)}`
  return kind === TRANSFER ? [{ from: address(from), to: address(to), amount: BigInt(data) }] : []
}

interface Receipt {
  readonly status: string
  readonly gasUsed: string
  readonly blockNumber: string
  readonly contractAddress: string | null
  readonly blockHash: string
  readonly logs: readonly Log[]
}

interface Log {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
}
