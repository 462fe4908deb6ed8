// Watches the newest block: asks again and again, sooner when the endpoint hints at a new one, and makes sure that it is our chain. Logs and
// receipts are others' business; they wait here for the next look.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { ChainClock } from './chainclock.ts'
import { PENDING_BLOCK, pendingTime } from './pendingblock.ts'
import { type RpcCall, type RpcClient, resultOf } from './rpcclient.ts'
import { badAnswer, type Block, readBlock, readNumber } from './rpcvalues.ts'

export interface HeadWatchParts {
  readonly rpc: RpcClient
  readonly clock: Clock
  readonly chainClock: ChainClock
  readonly log: Log
}

export interface HeadWatchSettings {
  /** Undefined: whichever chain answers first. */
  readonly chainId: number | undefined
  readonly pollSeconds: Seconds
}

/** The endpoint speaks for another chain than ours. */
export interface WrongChain {
  readonly since: Seconds
  /** The id that it gives; our own where the chain is another one of the same id. */
  readonly found: number
  readonly problem: string
}

/** The endpoint answers, and has told of no new block for long. */
export interface FrozenHead {
  readonly since: Seconds
  readonly problem: string
}

/** A newest block that is further ahead of the last one is believed only when the endpoint has its parent too. */
export const MAX_BLOCKS_AHEAD = 64
/** Nothing heard for longer, the chain's time stands still until there is: the machine may have slept, or its clock may have been set. */
const MIN_UNHEARD_SECONDS: Seconds = 30

/** A newest block that stays the same for so long, and for so many times as long as blocks take, is the last one that the endpoint will ever have. */
const FROZEN_SECONDS: Seconds = 60
const FROZEN_INTERVALS = 8
/** Spans between blocks of which the middle one counts. */
const INTERVALS = 9

export function maxUnheardSeconds(pollSeconds: Seconds): Seconds {
  return Math.max(MIN_UNHEARD_SECONDS, 3 * pollSeconds)
}

export class HeadWatch {
  readonly #rpc: RpcClient
  readonly #clock: Clock
  readonly #chainClock: ChainClock
  readonly #log: Log
  readonly #pollSeconds: Seconds
  readonly #scope: Scope
  #chainId: number | undefined
  #latest: Block | undefined
  /** When the last good answer came. */
  #polledAt: Seconds = -Infinity
  /** For how long good looks have found the same newest block; time in which nothing was heard does not count. */
  #stillSeconds: Seconds = 0
  /** And it is not that blocks are made when somebody wants one. */
  #isFrozen = false
  /** Between blocks, the latest spans seen. */
  #intervals: Seconds[] = []
  #genesis: string | undefined
  #wrongChain: WrongChain | undefined
  #polls = 0
  #reorgs = 0
  #pausing: AbortController | undefined
  #hasHint = false
  readonly #waiters = new Set<() => void>()

  constructor({ rpc, clock, chainClock, log }: HeadWatchParts, { chainId, pollSeconds }: HeadWatchSettings) {
    this.#rpc = rpc
    this.#clock = clock
    this.#chainClock = chainClock
    this.#log = log
    this.#chainId = chainId
    this.#pollSeconds = pollSeconds
    this.#scope = new Scope({ report: (error) => log.error('watching the newest block failed', { error }) })
  }

  /** Good looks so far: pass it to {@link HeadWatch.next}. */
  get polls(): number {
    return this.#polls
  }

  /** How often a newest block took another's place. */
  get reorgs(): number {
    return this.#reorgs
  }

  /** @throws CodexError `market/unreachable` before the first look */
  get latest(): Block {
    if (this.#latest !== undefined) return this.#latest
    throw new CodexError('market/unreachable', 'expected a block, found none yet; start the market first')
  }

  /** @throws CodexError as {@link HeadWatch.latest} */
  get chainId(): number {
    if (this.#chainId !== undefined) return this.#chainId
    throw new CodexError('market/unreachable', 'expected a chain id, found none yet; start the market first')
  }

  /** Set while the endpoint speaks for another chain than ours. */
  get wrongChain(): WrongChain | undefined {
    return this.#wrongChain
  }

  /** Set while the newest block is so old that none can be expected: then nothing that is asked is of now, and nothing that is sent gets anywhere. */
  get frozen(): FrozenHead | undefined {
    if (!this.#isFrozen) return undefined
    const still = Math.floor(this.#stillSeconds)
    const problem = `the endpoint has told of no block after ${this.latest.number} for ${still} s: it has lost its chain, or the chain stands still; give another endpoint`
    return { since: this.#polledAt - still, problem }
  }

  get frozenAfterSeconds(): Seconds {
    const sorted = [...this.#intervals].sort((a, b) => a - b)
    return Math.max(FROZEN_SECONDS, FROZEN_INTERVALS * (sorted[Math.floor(sorted.length / 2)] ?? 0))
  }

  /** Hash of the chain's first block; undefined where the endpoint has not that block. */
  get genesis(): string | undefined {
    return this.#genesis
  }

  /** Looks once, then goes on in the background until {@link HeadWatch.stop}. @throws CodexError as an endpoint may fail, `market/wrong-chain` */
  async start(options: AbortOptions): Promise<void> {
    await this.#poll(options)
    this.assertOurChain()
    if (this.#latest === undefined) throw noParent()
    this.#scope.spawn('head watch', (signal) => this.#watch(signal))
  }

  async stop(): Promise<void> {
    await this.#scope.close()
  }

  /** A hint that there may be a new block, or that a transaction of ours may be in one. */
  hint(): void {
    this.#hasHint = true
    this.#pausing?.abort()
  }

  /** Looks now, and settles with the newest block. @throws as an endpoint may fail */
  async look(options: AbortOptions): Promise<Block> {
    await this.#poll(options)
    return this.latest
  }

  /** Settles at the first good look after the first `polls` ones, with their number. Rejects with the signal's reason. */
  next(polls: number, { signal }: AbortOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      if (this.#polls > polls) return resolve(this.#polls)
      const abort = () => {
        this.#waiters.delete(wake)
        reject(signal.reason as Error)
      }
      const wake = () => {
        signal.removeEventListener('abort', abort)
        resolve(this.#polls)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiters.add(wake)
    })
  }

  /** @throws CodexError `market/wrong-chain` */
  assertOurChain(): void {
    if (this.#wrongChain === undefined) return
    const { found, problem } = this.#wrongChain
    throw new CodexError('market/wrong-chain', `${problem}; correct the endpoint's address`, {
      detail: { expected: this.#chainId, found },
    })
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#pause(signal)
      try {
        await this.#poll({ signal })
      } catch (error) {
        // The client has told of it, and tries for a while by itself; nothing is known, so nothing changes.
        if (!signal.aborted) this.#log.debug('no newest block', { error })
      }
    }
  }

  /** Until the next look is due, or a hint comes; one that came during the last look counts. */
  async #pause(signal: AbortSignal): Promise<void> {
    const pausing = new AbortController()
    const end = () => pausing.abort()
    signal.addEventListener('abort', end, { once: true })
    this.#pausing = pausing
    if (!this.#hasHint) await this.#clock.until(this.#clock.now() + this.#pollSeconds, pausing).catch(() => undefined)
    this.#hasHint = false
    this.#pausing = undefined
    signal.removeEventListener('abort', end)
    signal.throwIfAborted()
  }

  async #poll(options: AbortOptions): Promise<void> {
    const isAfterGap = this.#clock.now() - this.#polledAt > maxUnheardSeconds(this.#pollSeconds)
    const calls: RpcCall[] = [
      { method: 'eth_chainId', params: [] },
      { method: 'eth_getBlockByNumber', params: ['latest', false] },
    ]
    if (isAfterGap) calls.push(PENDING_BLOCK)
    const [chain, head, pending] = await this.#rpc.callMany(calls, options)
    const block = readBlock(resultOf(head))
    if (block === undefined) throw badAnswer('its newest block', null)
    if (!(await this.#isOurs(readNumber(resultOf(chain), 'the chain id'), block, options))) return
    if (!(await this.#isBelievable(block, options))) return
    this.#take(block, isAfterGap ? Math.max(block.timestamp, pendingTime(pending) ?? 0) : undefined)
    if (this.#stillSeconds > this.frozenAfterSeconds && !this.#isFrozen) await this.#askWhyStill(options)
  }

  /** A development chain may make a block when there is something for it, and not before. */
  async #askWhyStill(options: AbortOptions): Promise<void> {
    const [answer] = await this.#rpc.callMany([{ method: 'hardhat_getAutomine', params: [] }], options)
    if (answer?.ok === true && answer.result === true) this.#stillSeconds = 0
    else if (this.#stillSeconds > this.frozenAfterSeconds) this.#isFrozen = true
  }

  /** Another chain may have the same id: then its first block is another. That is asked whenever the chain may have been exchanged. */
  async #isOurs(found: number, block: Block, options: AbortOptions): Promise<boolean> {
    this.#chainId ??= found
    const before = this.#latest
    const isDoubtful =
      before === undefined || this.#wrongChain !== undefined || takesPlace(block, before) || isFarAhead(block, before)
    const genesis = isDoubtful && found === this.#chainId ? await this.#askGenesis(options) : undefined
    this.#genesis ??= genesis
    const problem =
      found !== this.#chainId
        ? `expected chain ${this.#chainId}, found chain ${found}`
        : genesis !== undefined && genesis !== this.#genesis
          ? `expected the chain ${found} that begins with block ${this.#genesis}, found another one, beginning with ${genesis}`
          : undefined
    if (problem !== undefined && this.#wrongChain === undefined) {
      this.#wrongChain = { since: this.#clock.now(), found, problem }
      // Whoever only begins is told by an error.
      if (before !== undefined) this.#log.error('the endpoint speaks for another chain; waiting for ours', { problem })
    } else if (problem === undefined && this.#wrongChain !== undefined) {
      this.#wrongChain = undefined
      this.#log.info('the endpoint speaks for our chain again', { chainId: found })
    }
    return problem === undefined
  }

  /** Undefined where the endpoint does not tell. */
  async #askGenesis(options: AbortOptions): Promise<string | undefined> {
    const [first] = await this.#rpc.callMany([{ method: 'eth_getBlockByNumber', params: ['0x0', false] }], options)
    return first?.ok === true ? readBlock(first.result)?.hash : undefined
  }

  /** @param timeAfterGap the chain's time, when nothing was heard of it for long */
  #take(block: Block, timeAfterGap: Seconds | undefined): void {
    const before = this.#latest
    const sinceLook = this.#clock.now() - this.#polledAt
    const isFollowed = sinceLook <= 2 * this.#pollSeconds + 1
    if (before?.hash !== block.hash) this.#moved(before, block)
    // A longer time the machine slept, or its clock was set.
    else if (sinceLook <= maxUnheardSeconds(this.#pollSeconds)) this.#stillSeconds += Math.max(0, sinceLook)
    this.#polledAt = this.#clock.now()
    if (before !== undefined && takesPlace(block, before)) this.#reorgs++
    this.#latest = block
    this.#chainClock.adopt({
      timestamp: timeAfterGap ?? block.timestamp,
      isFresh: before !== undefined && isFollowed && block.number > before.number,
      isAfterGap: timeAfterGap !== undefined,
    })
    this.#polls++
    for (const wake of [...this.#waiters]) wake()
    this.#waiters.clear()
  }

  #moved(before: Block | undefined, { number, timestamp }: Block): void {
    this.#stillSeconds = 0
    this.#isFrozen = false
    if (before === undefined || number <= before.number) return
    this.#intervals = [...this.#intervals, (timestamp - before.timestamp) / (number - before.number)].slice(-INTERVALS)
  }

  /** An endpoint may say any number; one that has the block before has the chain up to there, or lies with care. */
  async #isBelievable(block: Block, options: AbortOptions): Promise<boolean> {
    if (!isFarAhead(block, this.#latest)) return true
    const parent = readBlock(
      await this.#rpc.call('eth_getBlockByNumber', [`0x${(block.number - 1).toString(16)}`, false], options),
    )
    if (parent?.hash === block.parentHash) return true
    this.#log.warn('the endpoint tells of a newest block far ahead, and has not the one before it; not believed', {
      found: block.number,
      before: this.#latest?.number,
    })
    return false
  }
}

function isFarAhead({ number }: Block, before: Block | undefined): boolean {
  return number > (before?.number ?? 0) + (before === undefined ? 0 : MAX_BLOCKS_AHEAD)
}

function noParent(): CodexError<'market/unreachable'> {
  return new CodexError(
    'market/unreachable',
    'expected the newest block and the one before it, found one without the other; use another endpoint if it goes on',
  )
}

function takesPlace(block: Block, before: Block): boolean {
  if (block.number === before.number + 1) return block.parentHash !== before.hash
  return block.number < before.number || (block.number === before.number && block.hash !== before.hash)
}
