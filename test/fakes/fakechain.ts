// A chain in memory for simulations: blocks with number, time and hash, transactions that are undone when they revert, blocks that are
// undone when the chain reorganises. Whoever uses it says when a block comes; it knows no contract and reads no clock.

import { assert } from '../../src/lib/errors.ts'
import type { Seconds } from '../../src/lib/units.ts'
import { ChainRevert } from './chainrevert.ts'

export interface Block {
  readonly number: number
  readonly time: Seconds
  /** `0x` and lower-case hex digits of 32 bytes. */
  readonly hash: string
}

/** What a contract told. `values` are in the order of the event's parameters. */
export interface ChainEvent {
  readonly block: number
  readonly name: string
  readonly values: readonly unknown[]
}

export type Executed<T> =
  | { readonly ok: true; readonly value: T; readonly events: readonly ChainEvent[] }
  | { readonly ok: false; readonly revert: ChainRevert }

/** As many blocks as contracts can ask the hash of. */
export const KNOWN_HASHES = 256
/** Deepest reorganisation; older changes cannot be undone. */
export const MAX_UNDO_BLOCKS = 256

export interface FakeChainOptions {
  readonly genesisTime: Seconds
  /** Makes the hashes of blocks, and so the challenges, different from those of another chain. */
  readonly seed?: string
}

interface Sealed extends Block {
  readonly undo: readonly (() => void)[]
}

export class FakeChain {
  readonly #seed: string
  readonly #blocks: Sealed[]
  #events: ChainEvent[] = []
  #undo: (() => void)[] = []
  /** Makes the hash of a block differ from that of the block it replaces. */
  #forks = 0
  #executing: { readonly number: number; readonly time: Seconds } | undefined

  /** Holds the block 0. */
  constructor({ genesisTime, seed = '' }: FakeChainOptions) {
    this.#seed = seed
    this.#blocks = [{ number: 0, time: genesisTime, hash: this.#hashOf(0), undo: [] }]
  }

  get latest(): Block {
    const block = this.#blocks.at(-1)
    assert(block !== undefined, 'a chain has block 0')
    return block
  }

  /** For contracts: the block that executes the call. */
  get executing(): { readonly number: number; readonly time: Seconds } {
    return this.#executing ?? this.latest
  }

  block(number: number): Block | undefined {
    return this.#blocks[number]
  }

  /** For contracts: undefined where the executing block can no longer, or not yet, see it. */
  hashOf(number: number): string | undefined {
    const { number: current } = this.executing
    return number < current && number >= current - KNOWN_HASHES ? this.#blocks[number]?.hash : undefined
  }

  /** All that was told and not undone, from that block on. */
  events(fromBlock = 0): readonly ChainEvent[] {
    // From the end, because who asks over and over wants the latest.
    const last = this.#events.findLastIndex(({ block }) => block < fromBlock)
    return this.#events.slice(last + 1)
  }

  /** For contracts. */
  emit(name: string, ...values: readonly unknown[]): void {
    this.#events.push({ block: this.executing.number, name, values })
    this.undoWith(() => this.#events.pop())
  }

  /** For contracts: how to take back the change just made. */
  undoWith(step: () => void): void {
    assert(this.#executing !== undefined, 'state changes only in a transaction')
    this.#undo.push(step)
  }

  /** Empty blocks; their hashes are made here, unless one is given for the single block. */
  mine(time: Seconds, { blocks = 1, hash }: { readonly blocks?: number; readonly hash?: string } = {}): void {
    for (let i = 0; i < blocks; i++) this.#seal(time, hash)
  }

  /** A block with that one transaction in it. It is there also when the transaction reverts, which then has changed nothing. */
  transact<T>(time: Seconds, transaction: () => T, { hash }: { readonly hash?: string } = {}): Executed<T> {
    const [executed] = this.transactAll(time, [transaction], hash === undefined ? {} : { hash })
    assert(executed !== undefined, 'one transaction has one outcome')
    return executed
  }

  /** A block with these transactions in order. */
  transactAll<T>(
    time: Seconds,
    transactions: readonly (() => T)[],
    { hash }: { readonly hash?: string } = {},
  ): readonly Executed<T>[] {
    assert(time >= this.latest.time, 'time does not run backwards')
    const outcomes = transactions.map((transaction) => this.#execute(time, transaction))
    this.#seal(time, hash)
    return outcomes
  }

  /** What `call` answers in the latest block, or in the next one if a time for it is given. Changes nothing. */
  view<T>(call: () => T, nextTime?: Seconds): T {
    if (nextTime === undefined) return call()
    assert(this.#executing === undefined, 'a call is not made within a transaction')
    this.#executing = { number: this.latest.number + 1, time: nextTime }
    try {
      return call()
    } finally {
      this.#executing = undefined
    }
  }

  /** Takes the latest blocks back, with all that happened in them. Those that follow have other hashes. */
  undoBlocks(depth: number): void {
    assert(depth < this.#blocks.length && depth <= MAX_UNDO_BLOCKS, `only ${MAX_UNDO_BLOCKS} blocks can be undone`)
    this.#forks++
    for (const { undo } of this.#blocks.splice(this.#blocks.length - depth).reverse()) takeBack(undo)
  }

  #execute<T>(time: Seconds, transaction: () => T): Executed<T> {
    const { length: eventsBefore } = this.#events
    const { length: stepsBefore } = this.#undo
    this.#executing = { number: this.latest.number + 1, time }
    try {
      const value = transaction()
      return { ok: true, value, events: this.#events.slice(eventsBefore) }
    } catch (error) {
      takeBack(this.#undo.splice(stepsBefore))
      if (error instanceof ChainRevert) return { ok: false, revert: error }
      throw error
    } finally {
      this.#executing = undefined
    }
  }

  #seal(time: Seconds, hash: string | undefined): void {
    const number = this.latest.number + 1
    this.#blocks.push({ number, time, hash: hash ?? this.#hashOf(number), undo: this.#undo })
    this.#undo = []
    const old = this.#blocks[number - MAX_UNDO_BLOCKS]
    if (old !== undefined) this.#blocks[old.number] = { ...old, undo: [] }
  }

  #hashOf(number: number): string {
    return mixed(`${this.#seed}/${this.#forks}/${number}`)
  }
}

const WORDS = 8

/** As a hash for all that tests ask of one, and a hundred times quicker: 32 bytes that differ for different texts. */
function mixed(text: string): string {
  let [low, high] = [0x9e3779b9, 0x85ebca6b]
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ (low >>> 15) ^ text.charCodeAt(i), 0xc2b2ae35)
  }
  let digits = '0x'
  for (let word = 0; word < WORDS; word++) {
    low = Math.imul(low ^ (high >>> 13), 0x85ebca6b) + word
    high = Math.imul(high ^ (low >>> 16), 0xc2b2ae35) - word
    digits += ((low ^ high) >>> 0).toString(16).padStart(8, '0')
  }
  return digits
}

function takeBack(steps: readonly (() => void)[]): void {
  for (const step of steps.toReversed()) step()
}

/** A contract's storage by key: what a revert or a reorganisation takes back comes back as it was. Values are never changed in place. */
export class ChainMap<Value> {
  readonly #chain: FakeChain
  readonly #values = new Map<string, Value>()

  constructor(chain: FakeChain) {
    this.#chain = chain
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Value): void {
    const before = this.#values.get(key)
    this.#values.set(key, value)
    this.#chain.undoWith(() => {
      if (before === undefined) this.#values.delete(key)
      else this.#values.set(key, before)
    })
  }
}
