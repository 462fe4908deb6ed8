// The marketplace contract on a real chain and its likeness in memory, side by side: each call is made on both, and whatever differs
// is told. Not a test.

import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import type { RequestId, SlotId, StorageRequestInput } from '../../src/protocol/request.ts'
import { ChainRevert } from '../fakes/chainrevert.ts'
import { type ChainEvent, FakeChain } from '../fakes/fakechain.ts'
import { FakeMarketplace } from '../fakes/fakemarketplace.ts'
import { FakeToken } from '../fakes/faketoken.ts'
import { PROOF, ZERO_PROOF } from './scenarios.ts'
import type { Market, Outcome, Sent, TestChain, Transfer, View } from './testchain.ts'

export type Proof = 'any' | 'zero'

/** A transaction of the marketplace, or of its token. */
export type Call =
  | { readonly kind: 'requestStorage'; readonly request: StorageRequestInput }
  | { readonly kind: 'reserveSlot'; readonly id: RequestId; readonly slotIndex: bigint }
  | { readonly kind: 'fillSlot'; readonly id: RequestId; readonly slotIndex: bigint; readonly proof: Proof }
  | { readonly kind: 'submitProof'; readonly slotId: SlotId; readonly proof: Proof }
  | { readonly kind: 'freeSlot'; readonly slotId: SlotId; readonly recipients?: readonly [string, string] }
  | { readonly kind: 'markProofAsMissing'; readonly slotId: SlotId; readonly period: bigint }
  | { readonly kind: 'withdrawFunds'; readonly id: RequestId; readonly recipient?: string }
  | { readonly kind: 'approve'; readonly amount: bigint }

/** Something to ask both. */
export type Question = Omit<View, 'call'> & { readonly call: keyof typeof ANSWERS }

export interface Step {
  readonly error: string | undefined
  readonly transfers: readonly Transfer[]
}

/** What one says and the other does not; undefined when they agree. */
type Difference = { readonly what: string; readonly contract: unknown; readonly fake: unknown } | undefined

export class Twins {
  readonly chain: TestChain
  readonly market: Market
  readonly fakeChain: FakeChain
  readonly fake: FakeMarketplace<Proof>
  readonly fakeToken: FakeToken

  private constructor(chain: TestChain, market: Market, configuration: MarketplaceConfiguration, fakeChain: FakeChain) {
    this.chain = chain
    this.market = market
    this.fakeChain = fakeChain
    this.fakeToken = new FakeToken(fakeChain)
    this.fake = new FakeMarketplace<Proof>({
      chain: fakeChain,
      token: this.fakeToken,
      configuration,
      verify: (proof) => proof === 'any',
      address: market.marketplace.address,
    })
  }

  /** Both new, with a likeness of each block there is, and `tokens` for each holder. */
  static async create(
    chain: TestChain,
    configuration: MarketplaceConfiguration,
    holders: readonly string[],
    tokens: bigint,
  ): Promise<Twins> {
    const market = await chain.deployMarket(configuration)
    const [genesis] = await blocksFrom(chain, 0, 0)
    const fakeChain = new FakeChain({ genesisTime: genesis?.time ?? 0 })
    await copyBlocks(chain, fakeChain)
    const twins = new Twins(chain, market, configuration, fakeChain)
    for (const holder of holders) {
      const { blockHash: hash } = await chain.must(market.token, holder, 'mint', [holder, tokens])
      fakeChain.transact(chain.now, () => twins.fakeToken.mint(holder, tokens), { hash })
    }
    return twins
  }

  /** One transaction in a block at that time. @throws Error that shows how they differ */
  async perform(by: string, call: Call, time: number): Promise<Step> {
    const sent = await this.#send(by, call, time)
    // The likeness of the token tells nothing: nobody listens to it.
    const told = call.kind === 'approve' ? [] : sent.events
    const executed = this.fakeChain.transact(time, () => this.#imitate(by, call), { hash: sent.blockHash })
    agree({
      what: `the outcome of ${describe(call)} by ${by} at ${time}`,
      contract: [sent.error?.toLowerCase() ?? 'ok', told.map(({ name, args }) => [name, ...plain(args)])],
      fake: executed.ok ? ['ok', executed.events.map(plainEvent)] : [executed.revert.message.toLowerCase(), []],
    })
    return { error: sent.error, transfers: sent.transfers }
  }

  async mineMany(blocks: number): Promise<void> {
    await this.chain.mineMany(blocks)
    await copyBlocks(this.chain, this.fakeChain)
  }

  /** Asks both, in the latest block or in the next at that time. @returns the answers @throws Error that shows how they differ */
  async compare(questions: readonly Question[], nextTime?: number): Promise<readonly unknown[]> {
    const { latest } = this.fakeChain
    const overrides =
      nextTime === undefined ? undefined : { number: quantity(latest.number + 1), time: quantity(nextTime) }
    const outcomes = await this.chain.callAll(this.market.marketplace, questions, overrides)
    return questions.map((question, i) => {
      const contract = toldOutcome(outcomes[i])
      const fake = this.#answer(question, nextTime)
      agree({
        what: `${question.call}(${question.args.join()}) for ${question.from} at ${nextTime ?? 'latest'}`,
        contract,
        fake,
      })
      return contract
    })
  }

  /** Of all of these, and of the marketplace itself. @throws Error that shows how they differ */
  async compareBalances(holders: readonly string[]): Promise<readonly bigint[]> {
    const all = [...holders, this.fake.address]
    const { token } = this.market
    const views = all.map((holder) => ({ from: holder, call: 'balanceOf', args: [holder] }))
    const outcomes = await this.chain.callAll(token, views)
    const balances = outcomes.map((outcome) => BigInt(String(outcome.ok ? outcome.result[0] : -1)))
    agree({ what: 'balances', contract: balances, fake: all.map((holder) => this.fakeToken.balanceOf(holder)) })
    return balances
  }

  #send(by: string, call: Call, time: number): Promise<Sent> {
    const { marketplace, token } = this.market
    if (call.kind === 'approve') return this.chain.send(token, by, 'approve', [marketplace.address, call.amount], time)
    return this.chain.send(marketplace, by, ...toContract(call), time)
  }

  #imitate(by: string, call: Call): void {
    switch (call.kind) {
      case 'requestStorage':
        return void this.fake.requestStorage(by, call.request)
      case 'reserveSlot':
        return this.fake.reserveSlot(by, call.id, call.slotIndex)
      case 'fillSlot':
        return this.fake.fillSlot(by, call.id, call.slotIndex, call.proof)
      case 'submitProof':
        return this.fake.submitProof(by, call.slotId, call.proof)
      case 'freeSlot':
        return this.fake.freeSlot(by, call.slotId, ...(call.recipients ?? []))
      case 'markProofAsMissing':
        return this.fake.markProofAsMissing(by, call.slotId, call.period)
      case 'withdrawFunds':
        return this.fake.withdrawFunds(by, call.id, call.recipient)
      case 'approve':
        return this.fakeToken.approve(by, this.fake.address, call.amount)
    }
  }

  #answer({ from, call, args }: Question, nextTime?: number): unknown {
    try {
      return plain(this.fakeChain.view(() => ANSWERS[call](this.fake, from, args), nextTime))
    } catch (error) {
      if (error instanceof ChainRevert) return error.message.toLowerCase()
      throw error
    }
  }
}

const REQUEST_STATES = ['New', 'Started', 'Cancelled', 'Finished', 'Failed']
const SLOT_STATES = ['Free', 'Filled', 'Finished', 'Failed', 'Paid', 'Cancelled', 'Repair']

type Answer = (fake: FakeMarketplace<Proof>, from: string, args: readonly unknown[]) => unknown

/** How the likeness answers what the contract is asked, as the list of returned values. */
const ANSWERS = {
  requestState: ({ records }, _, [id]) => [BigInt(REQUEST_STATES.indexOf(records.requestState(id as RequestId)))],
  slotState: ({ records }, _, [id]) => [BigInt(SLOT_STATES.indexOf(records.slotState(id as SlotId)))],
  requestEnd: ({ records }, _, [id]) => [records.requestEnd(id as RequestId)],
  requestExpiry: ({ records }, _, [id]) => [records.requestExpiry(id as RequestId)],
  getRequest: ({ records }, _, [id]) => [records.getRequest(id as RequestId)],
  getActiveSlot: ({ records }, _, [id]) => [records.getActiveSlot(id as SlotId)],
  getHost: ({ records }, _, [id]) => [records.getHost(id as SlotId)],
  currentCollateral: ({ records }, _, [id]) => [records.currentCollateral(id as SlotId)],
  missingProofs: ({ records }, _, [id]) => [records.missingProofs(id as SlotId)],
  myRequests: ({ records }, from) => [records.myRequests(from)],
  mySlots: ({ records }, from) => [records.mySlots(from)],
  canReserveSlot: (fake, from, [id, slotIndex]) => [fake.canReserveSlot(from, id as RequestId, slotIndex as bigint)],
  getPointer: ({ proofs }, _, [id]) => [BigInt(proofs.getPointer(id as SlotId))],
  getChallenge: ({ proofs }, _, [id]) => [proofs.getChallenge(id as SlotId)],
  isProofRequired: ({ proofs }, _, [id]) => [proofs.isProofRequired(id as SlotId)],
  willProofBeRequired: ({ proofs }, _, [id]) => [proofs.willProofBeRequired(id as SlotId)],
  slotProbability: ({ proofs }, _, [id]) => [proofs.slotProbability(id as SlotId)],
  canMarkProofAsMissing: ({ proofs }, _, [id, period]) => {
    proofs.canMarkProofAsMissing(id as SlotId, period as bigint)
    return []
  },
} as const satisfies Readonly<Record<string, Answer>>

export const VIEWS = Object.keys(ANSWERS) as Question['call'][]

function toContract(call: Exclude<Call, { kind: 'approve' }>): [name: string, args: readonly unknown[]] {
  const proofs = { any: PROOF, zero: ZERO_PROOF }
  switch (call.kind) {
    case 'requestStorage':
      return ['requestStorage', [call.request]]
    case 'reserveSlot':
      return ['reserveSlot', [call.id, call.slotIndex]]
    case 'fillSlot':
      return ['fillSlot', [call.id, call.slotIndex, proofs[call.proof]]]
    case 'submitProof':
      return ['submitProof', [call.slotId, proofs[call.proof]]]
    case 'freeSlot':
      if (call.recipients === undefined) return ['freeSlot(bytes32)', [call.slotId]]
      return ['freeSlot(bytes32,address,address)', [call.slotId, ...call.recipients]]
    case 'markProofAsMissing':
      return ['markProofAsMissing', [call.slotId, call.period]]
    case 'withdrawFunds':
      if (call.recipient === undefined) return ['withdrawFunds(bytes32)', [call.id]]
      return ['withdrawFunds(bytes32,address)', [call.id, call.recipient]]
  }
}

function toldOutcome(outcome: Outcome | undefined): unknown {
  if (outcome === undefined) throw new Error('every question has an answer')
  return outcome.ok ? plain(outcome.result) : outcome.error.toLowerCase()
}

function plainEvent({ name, values }: ChainEvent): unknown[] {
  return [name, ...values.map(plain)]
}

/** Structs as lists of their members, numbers as bigint, hex in lower case: then both speak alike. */
function plain(value: unknown): unknown[] {
  const member = (part: unknown): unknown => {
    if (part instanceof Uint8Array) return `0x${Buffer.from(part).toString('hex')}`
    if (typeof part === 'string') return part.toLowerCase()
    if (typeof part === 'number') return BigInt(part)
    if (Array.isArray(part)) return Array.from(part as readonly unknown[], member)
    if (typeof part === 'object' && part !== null) return Object.values(part).map(member)
    return part
  }
  return member(value) as unknown[]
}

export function describe(call: Call): string {
  return JSON.stringify(call, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

function agree(difference: Exclude<Difference, undefined>): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  const [contract, fake] = [text(difference.contract), text(difference.fake)]
  if (contract !== fake)
    throw new Error(`${difference.what}:\n  the contract says ${contract}\n  the fake says     ${fake}`)
}

async function copyBlocks(chain: TestChain, fakeChain: FakeChain): Promise<void> {
  const first = fakeChain.latest.number + 1
  for (const { time, hash } of await blocksFrom(chain, first, await chain.blockNumber())) fakeChain.mine(time, { hash })
}

async function blocksFrom(chain: TestChain, first: number, last: number): Promise<{ time: number; hash: string }[]> {
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const blocks = await chain.rpc.batch(numbers.map((number) => ['eth_getBlockByNumber', [quantity(number), false]]))
  return (blocks as { timestamp: string; hash: string }[]).map(({ timestamp, hash }) => ({
    time: Number(timestamp),
    hash,
  }))
}
