// One fake chain with the marketplace on it, and the way transactions go into it: a pool, blocks, reorganisations. Several hosts share it,
// each through a Market of its own (fakemarket.ts). Whoever uses it says when a block comes.

import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { DEFAULT_CONFIGURATION } from '../../src/devnet/configuration.ts'
import { Bell } from '../../src/lib/bell.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'
import type { IntentVerb } from '../../src/market/intent.ts'
import type { Address, OpenIntent } from '../../src/market/market.ts'
import type { ContractEvent, MarketEvent } from '../../src/market/marketevent.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageAsk } from '../../src/protocol/request.ts'
import type { Block, ChainEvent, Executed } from './fakechain.ts'
import { FakeChain, KNOWN_HASHES, MAX_UNDO_BLOCKS } from './fakechain.ts'
import { FakeMarketplace } from './fakemarketplace.ts'
import type { Verify } from './fakeproofs.ts'
import { FakeToken } from './faketoken.ts'

export interface SentTransaction {
  readonly host: Address
  readonly verb: IntentVerb
  readonly requestId: RequestId | undefined
  readonly slotId: SlotId | undefined
  readonly nonce: number
  /** Not in a block before. */
  notBefore: Seconds
  /** Not in a block after. */
  readonly validUntil: Seconds | undefined
  /** What the contract does. @throws ChainRevert */
  readonly run: () => unknown
  /** Hears once what became of it: undefined when it came too late. A reorganisation that runs it again is not told. */
  readonly ended: (executed: Executed<unknown> | undefined, block: Block) => void
  hasEnded: boolean
}

export interface FakeChainWorldParts {
  readonly clock: Pick<Clock, 'now'>
  readonly seed?: string
  readonly configuration?: MarketplaceConfiguration
  readonly verify?: Verify<Groth16Proof>
  /** A block for every transaction, at once. */
  readonly automine?: boolean
}

export const MARKETPLACE_ADDRESS: Address = `0x${'9'.repeat(40)}`

/** As the contracts' stand-in verifier: everything but the proof of zeros. */
export function anyProof(proof: Groth16Proof): boolean {
  return proof.a.x !== 0n
}

export class FakeChainWorld {
  readonly clock: Pick<Clock, 'now'>
  readonly chain: FakeChain
  readonly token: FakeToken
  readonly marketplace: FakeMarketplace<Groth16Proof>
  /** Rings when something was told. */
  readonly heads = new Bell()
  /** Everything that was told, in order, what was undone included: what a subscription hears. */
  readonly told: MarketEvent[] = []
  /** What hosts received for slots, by slot: each finds its own in its journal. */
  readonly collected = new Map<SlotId, bigint>()
  readonly #decoded = new WeakMap<ChainEvent, ContractEvent>()
  /** Every transaction that a block holds now, by its block. */
  readonly #included = new Map<number, readonly SentTransaction[]>()
  readonly #automine: boolean
  #pool: SentTransaction[] = []
  /** How much of what was told the bell has rung for. */
  #rung = 0
  /** Signed and not known to have ended, by host: these survive a crash of the host. */
  readonly #open = new Set<SentTransaction>()
  readonly #nonces = new Map<Address, number>()

  constructor({ clock, seed = '', configuration, verify = anyProof, automine = false }: FakeChainWorldParts) {
    this.clock = clock
    const blocks = KNOWN_HASHES + 1
    this.chain = new FakeChain({ genesisTime: clock.now() - blocks, seed })
    for (let block = 1; block <= blocks; block++) this.chain.mine(clock.now() - blocks + block)
    this.token = new FakeToken(this.chain)
    this.marketplace = new FakeMarketplace<Groth16Proof>({
      chain: this.chain,
      token: this.token,
      configuration: configuration ?? DEFAULT_CONFIGURATION,
      verify,
      address: MARKETPLACE_ADDRESS,
    })
    this.#automine = automine
  }

  /** Not to be undone by a reorganisation: do it first. */
  mint(holder: Address, amount: bigint): void {
    this.chain.transact(this.#time, () => this.token.mint(holder, amount))
  }

  /** The events that stand in the chain from that block on. */
  standing(from: number, to = Infinity): ContractEvent[] {
    return this.chain
      .events(from)
      .filter(({ block }) => block <= to)
      .map((event) => this.#eventOf(event))
  }

  /** Takes a transaction, to be in a block as soon as it may. */
  send(
    transaction: Omit<SentTransaction, 'nonce' | 'hasEnded' | 'notBefore'> & { readonly notBefore?: Seconds },
  ): void {
    const nonce = this.#nonces.get(transaction.host) ?? 0
    this.#nonces.set(transaction.host, nonce + 1)
    const sent: SentTransaction = { notBefore: 0, ...transaction, nonce, hasEnded: false }
    this.#open.add(sent)
    this.#pool.push(sent)
    if (this.#automine) this.mine()
  }

  openIntents(host: Address): OpenIntent[] {
    return [...this.#open]
      .filter((sent) => sent.host === host)
      .map(({ verb, requestId, slotId, nonce }) => ({ verb, requestId, slotId, nonce, hashes: [`0x${nonce}`] }))
  }

  /** A block at this moment, with what waits for it. */
  mine(): Block {
    const now = this.#time
    const late = this.#pool.filter(({ validUntil }) => validUntil !== undefined && now > validUntil)
    const ready = this.#pool.filter((sent) => sent.notBefore <= now && !late.includes(sent))
    this.#pool = this.#pool.filter((sent) => !late.includes(sent) && !ready.includes(sent))
    const executed = this.chain.transactAll(
      now,
      ready.map(({ run }) => run),
    )
    const block = this.chain.latest
    if (ready.length > 0) this.#included.set(block.number, ready)
    this.#included.delete(block.number - MAX_UNDO_BLOCKS - 1)
    const before = this.#rung
    for (const event of this.standing(block.number)) this.told.push(event)
    this.#rung = this.told.length
    for (const sent of late) this.#end(sent, undefined, block)
    for (const [i, sent] of ready.entries()) this.#end(sent, executed[i], block)
    if (this.#rung > before) this.heads.ring()
    return block
  }

  /**
   * Takes blocks back and mines as many in their place, with other hashes. What was in them comes again unless it is in `lost`, whose senders
   * are not told; what is in `late` comes again so much later, as when its sender finds out.
   */
  reorganise(
    depth: number,
    {
      lost = () => false,
      late = () => 0,
    }: {
      readonly lost?: (sent: SentTransaction) => boolean
      readonly late?: (sent: SentTransaction) => Seconds
    } = {},
  ): void {
    const { number } = this.chain.latest
    const undone = this.standing(number - depth + 1)
    for (const event of undone.reverse())
      this.told.push({
        type: 'undone',
        event,
        block: event.block,
        blockHash: event.blockHash,
        logIndex: event.logIndex,
      })
    const times: Seconds[] = []
    const back: SentTransaction[] = []
    for (let at = number - depth + 1; at <= number; at++) {
      times.push(this.chain.block(at)?.time ?? 0)
      back.push(...(this.#included.get(at) ?? []))
      this.#included.delete(at)
    }
    this.chain.undoBlocks(depth)
    // All in the last of the new blocks, so that they stand elsewhere than before.
    for (const time of times.slice(0, -1)) this.chain.mine(time)
    const again = back.filter((sent) => !lost(sent))
    for (const sent of again) {
      const seconds = late(sent)
      if (seconds > 0) sent.notBefore = this.#time + seconds
    }
    this.#pool.unshift(...again)
    this.mine()
  }

  get #time(): Seconds {
    return Math.max(this.clock.now(), this.chain.latest.time)
  }

  #end(sent: SentTransaction, executed: Executed<unknown> | undefined, block: Block): void {
    if (sent.hasEnded) return
    sent.hasEnded = true
    this.#open.delete(sent)
    sent.ended(executed, block)
  }

  #eventOf(event: ChainEvent): ContractEvent {
    const known = this.#decoded.get(event)
    if (known !== undefined) return known
    const decoded = this.#decode(event)
    this.#decoded.set(event, decoded)
    return decoded
  }

  #decode({ block, name, values }: ChainEvent): ContractEvent {
    const logIndex = this.chain.events(block).findIndex((other) => other.values === values)
    const place = { block, blockHash: this.chain.block(block)?.hash ?? this.chain.latest.hash, logIndex }
    const [id, second, third] = values
    const requestId = id as RequestId
    switch (name) {
      case 'StorageRequested':
        return { ...place, type: name, requestId, ask: second as StorageAsk, expiry: Number(third) }
      case 'SlotFilled':
      case 'SlotFreed':
      case 'SlotReservationsFull': {
        const slotIndex = Number(second)
        return { ...place, type: name, requestId, slotIndex, slotId: slotId(requestId, slotIndex) }
      }
      case 'RequestFulfilled':
      case 'RequestCancelled':
      case 'RequestFailed':
        return { ...place, type: name, requestId }
      case 'ProofSubmitted':
        return { ...place, type: name, slotId: id as SlotId }
      default:
        throw new Error(`the marketplace tells no ${name}`)
    }
  }
}
