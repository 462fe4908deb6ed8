// Plays the scenarios of test/vectors/marketplace.json on a chain: each step's preparation, its transaction at its time, and what
// became of it, told as the vectors tell it. Not a test.

import { AbiCoder, type LogDescription, keccak256 } from 'ethers'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import type { Market, TestChain } from './testchain.ts'

export const CONFIGURATIONS: Readonly<Record<string, MarketplaceConfiguration>> = vectors.meta.configs
/** What the stand-in verifier accepts. */
export const PROOF = {
  a: { x: 1n, y: 2n },
  b: { x: { real: 3n, imag: 4n }, y: { real: 5n, imag: 6n } },
  c: { x: 7n, y: 8n },
}
/** What it refuses. */
export const ZERO_PROOF = {
  a: { x: 0n, y: 0n },
  b: { x: { real: 0n, imag: 0n }, y: { real: 0n, imag: 0n } },
  c: { x: 0n, y: 0n },
}
/** A pointer that will not wrap before the next few blocks. */
const MAX_POINTER = 240
const RICH = 10n ** 30n

export type Scenario = (typeof vectors.scenarios)[number]
export type VectorRequest = Scenario['request']

/** Who the names in the vectors are; the first is the client of every request there. */
const PARTIES = [
  'client',
  'hostA',
  'hostB',
  'hostC',
  'validator',
  'rewardRecipient',
  'collateralRecipient',
  'withdrawRecipient',
]

export interface Told {
  readonly result: string
  readonly events: readonly string[]
  /** By party, only those that changed; `contract` is the marketplace. */
  readonly balanceChange: Readonly<Record<string, string>>
  readonly gasUsed: number
}

export class Stage {
  readonly chain: TestChain
  readonly market: Market
  readonly configuration: MarketplaceConfiguration

  private constructor(chain: TestChain, market: Market, configuration: MarketplaceConfiguration) {
    this.chain = chain
    this.market = market
    this.configuration = configuration
  }

  /** A marketplace of its own, and everyone rich. */
  static async set(chain: TestChain, configName: string): Promise<Stage> {
    const configuration = CONFIGURATIONS[configName]
    if (configuration === undefined) throw new Error(`found no configuration ${configName}`)
    const stage = new Stage(chain, await chain.deployMarket(configuration), configuration)
    for (const name of PARTIES.slice(0, 5)) {
      await chain.must(stage.market.token, stage.party(name), 'mint', [stage.party(name), RICH])
    }
    return stage
  }

  party(name: string): string {
    if (name === 'contract') return this.market.marketplace.address
    const i = PARTIES.indexOf(name)
    if (i < 0) throw new Error(`found no party ${name}`)
    return this.chain.account(i)
  }

  /** Sets the allowance for the marketplace. */
  async approve(from: string, amount: bigint): Promise<void> {
    const { token, marketplace } = this.market
    await this.chain.must(token, from, 'approve', [marketplace.address, amount])
  }

  /** The transaction at that time, told as the vectors tell it. */
  async perform(by: string, call: string, args: readonly unknown[], time: number): Promise<Told> {
    const before = await this.#balances()
    const sent = await this.chain.send(this.market.marketplace, this.party(by), call, args, time)
    const after = await this.#balances()
    const balanceChange: Record<string, string> = {}
    for (const [name, amount] of after) {
      const change = amount - (before.get(name) ?? 0n)
      if (change !== 0n) balanceChange[name] = String(change)
    }
    const result = sent.error === undefined ? 'ok' : `revert ${this.anonymous(sent.error)}`
    return { result, events: sent.events.map(toldEvent), balanceChange, gasUsed: sent.gasUsed }
  }

  anonymous(error: string): string {
    return error.replace(new RegExp(this.market.marketplace.address, 'i'), '<marketplace>')
  }

  /** Mines, at the time of the latest block, until a call in the next block finds the pointer outside the downtime. */
  async leaveDowntime(slotId: string, period: number): Promise<void> {
    const next = (await this.chain.blockNumber()) + 1
    const { downtime, downtimeProduct } = this.configuration.proofs
    const pointer = Number((BigInt(next) + BigInt(period) * BigInt(downtimeProduct) + BigInt(slotId)) % 256n)
    if (pointer >= downtime && pointer < MAX_POINTER) return
    await this.chain.mineMany((downtime - pointer + 256) % 256)
  }

  async #balances(): Promise<Map<string, bigint>> {
    const { token } = this.market
    const names = [...PARTIES, 'contract']
    const calls = names.map((name) => {
      const data = token.interface.encodeFunctionData('balanceOf', [this.party(name)])
      return ['eth_call', [{ to: token.address, data }, 'latest']] as const
    })
    const amounts = (await this.chain.rpc.batch(calls)) as string[]
    return new Map(names.map((name, i) => [name, BigInt(amounts[i] ?? 0)]))
  }
}

/** As the contract makes it. */
export function slotIdOf(requestId: string, slotIndex: number | bigint | string): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint64'], [requestId, slotIndex]))
}

/** What the client pays in. */
export function maxPriceOf({ ask }: Pick<VectorRequest, 'ask'>): bigint {
  return BigInt(ask.slots) * BigInt(ask.duration) * BigInt(ask.pricePerBytePerSecond) * BigInt(ask.slotSize)
}

/** `SlotFilled(0x932d4c5c,0)`: ids are cut to four bytes; what StorageRequested says is compared elsewhere. */
function toldEvent({ name, args }: LogDescription): string {
  if (name === 'StorageRequested') return name
  return `${name}(${args
    .toArray()
    .map((value) => String(value).replace(/^(0x[0-9a-f]{8})[0-9a-f]{56}$/, '$1'))
    .join(',')})`
}

interface Step {
  readonly t: number
  readonly action: string
  readonly by: string
}

/** One request, from its submission on. */
export class Play {
  readonly #stage: Stage
  readonly #request: VectorRequest
  readonly #requestId: string
  readonly #start: number

  /** @param start the time that steps are counted from */
  constructor(stage: Stage, { request, requestId }: { request: VectorRequest; requestId: string }, start: number) {
    this.#stage = stage
    this.#request = request
    this.#requestId = requestId
    this.#start = start
  }

  /** What precedes the step and is not told, then the step. */
  async act({ t, action, by }: Step): Promise<Told> {
    const [, verb = '', inBrackets = ''] = /^(\w+)(?:\(([^)]*)\))?/.exec(action) ?? []
    const [first = '', ...recipients] = inBrackets.split(', ')
    const time = this.#start + t
    const perform = (call: string, args: readonly unknown[]): Promise<Told> => this.#stage.perform(by, call, args, time)
    switch (verb) {
      case 'requestStorage':
        await this.#stage.approve(this.#stage.party(by), maxPriceOf(this.#request))
        return perform('requestStorage', [this.#request])
      case 'fillSlot':
        await this.#prepareFill(Number(first), by, action)
        return perform('fillSlot', [this.#requestId, first, PROOF])
      case 'freeSlot': {
        const id = this.#slotId(Number(first))
        if (recipients.length === 0) return perform('freeSlot(bytes32)', [id])
        const [reward = '', collateral = ''] = recipients.map((name) => this.#stage.party(name))
        return perform('freeSlot(bytes32,address,address)', [id, reward, collateral])
      }
      case 'withdrawFunds':
        if (first === '') return perform('withdrawFunds(bytes32)', [this.#requestId])
        return perform('withdrawFunds(bytes32,address)', [this.#requestId, this.#stage.party(first)])
      case 'markProofAsMissing': {
        const id = this.#slotId(Number(first))
        const period = Math.floor(time / this.#stage.configuration.proofs.period) - 1
        await this.#stage.leaveDowntime(id, period)
        return perform('markProofAsMissing', [id, period])
      }
      default:
        throw new Error(`found a step that nobody can play: ${action}`)
    }
  }

  /** What the view shows, in an empty block at that time; `expected` says what to look at. */
  async view(expected: { readonly t: number } & Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    await this.#stage.chain.mine(this.#start + expected.t)
    const shown: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(expected)) shown[key] = await this.#look(key, value, expected.t)
    return shown
  }

  async #look(key: string, expected: unknown, t: number): Promise<unknown> {
    const { chain, market } = this.#stage
    const read = (call: string, args: readonly unknown[], by = 'client'): Promise<unknown> =>
      chain.read(market.marketplace, call, args, this.#stage.party(by))
    const slot = this.#slotId(0)
    switch (key) {
      case 't':
        return t
      case 'requestState':
        return Number(await read('requestState', [this.#requestId]))
      case 'requestEnd':
        return Number(await read('requestEnd', [this.#requestId])) - this.#start
      case 'slotStates': {
        const states: Record<string, number> = {}
        for (const i of Object.keys(expected as object)) {
          states[i] = Number(await read('slotState', [this.#slotId(Number(i))]))
        }
        return states
      }
      case 'slotState':
        return Number(await read('slotState', [slot]))
      case 'missingProofs':
        return Number(await read('missingProofs', [slot]))
      case 'currentCollateral':
        return String(await read('currentCollateral', [slot]))
      case 'currentCollateralSlot1':
        return String(await read('currentCollateral', [this.#slotId(1)]))
      case 'mySlotsHostB':
        return ((await read('mySlots', [], 'hostB')) as unknown[]).length
      default:
        throw new Error(`found something that nobody can look at: ${key}`)
    }
  }

  /** A reservation if one can be had, and the collateral approved. */
  async #prepareFill(slotIndex: number, by: string, action: string): Promise<void> {
    const { chain, market, configuration } = this.#stage
    const host = this.#stage.party(by)
    const slot = [this.#requestId, slotIndex] as const
    if ((await chain.read(market.marketplace, 'canReserveSlot', slot, host)) === true) {
      await chain.must(market.marketplace, host, 'reserveSlot', slot)
    }
    const { ask } = this.#request
    const collateral = BigInt(ask.collateralPerByte) * BigInt(ask.slotSize)
    const repairs = Number(await chain.read(market.marketplace, 'slotState', [this.#slotId(slotIndex)])) === 6
    const reward = repairs ? (collateral * BigInt(configuration.collateral.repairRewardPercentage)) / 100n : 0n
    await this.#stage.approve(host, collateral - reward - (action.includes('1 token too little') ? 1n : 0n))
  }

  #slotId(slotIndex: number): string {
    return slotIdOf(this.#requestId, slotIndex)
  }
}
