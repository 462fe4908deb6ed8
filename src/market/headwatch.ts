// Watches the newest block: asks again and again, sooner when the endpoint hints at a new one, and makes sure that it is our chain. Logs and
// receipts are others' business; they wait here for the next look.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { ChainClock } from './chainclock.ts'
import { type RpcClient, resultOf } from './rpcclient.ts'
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

/** A newest block that is further ahead of the last one is believed only when the next answer agrees. */
export const MAX_BLOCKS_AHEAD = 64

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
  /** A newest block that waits to be believed. */
  #leap: Block | undefined
  #wrongChain: { readonly since: Seconds; readonly found: number } | undefined
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
  get wrongChain(): { readonly since: Seconds; readonly found: number } | undefined {
    return this.#wrongChain
  }

  /** Looks once, then goes on in the background until {@link HeadWatch.stop}. @throws CodexError as an endpoint may fail, `market/wrong-chain` */
  async start(options: AbortOptions): Promise<void> {
    await this.#poll(options)
    this.assertOurChain()
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
    // Far ahead of what we knew: asked for once more, because two that agree are believed.
    if (this.#leap !== undefined) await this.#poll(options)
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
    const { found } = this.#wrongChain
    throw new CodexError(
      'market/wrong-chain',
      `expected an endpoint of chain ${this.#chainId}, found one of chain ${found}; correct the endpoint's address`,
      { detail: { expected: this.#chainId, found } },
    )
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
    const [chain, head] = await this.#rpc.callMany(
      [
        { method: 'eth_chainId', params: [] },
        { method: 'eth_getBlockByNumber', params: ['latest', false] },
      ],
      options,
    )
    const block = readBlock(resultOf(head))
    if (block === undefined) throw badAnswer('its newest block', null)
    if (this.#isOurs(readNumber(resultOf(chain), 'the chain id'))) this.#take(block)
  }

  #isOurs(found: number): boolean {
    this.#chainId ??= found
    const isOurs = found === this.#chainId
    if (!isOurs && this.#wrongChain === undefined) {
      this.#wrongChain = { since: this.#clock.now(), found }
      this.#log.error('the endpoint speaks for another chain; waiting for ours', { expected: this.#chainId, found })
    } else if (isOurs && this.#wrongChain !== undefined) {
      this.#wrongChain = undefined
      this.#log.info('the endpoint speaks for our chain again', { chainId: found })
    }
    return isOurs
  }

  #take(block: Block): void {
    const before = this.#latest
    if (before !== undefined && !this.#isBelievable(block, before)) return
    this.#leap = undefined
    const isFollowed = this.#clock.now() - this.#polledAt <= 2 * this.#pollSeconds + 1
    this.#polledAt = this.#clock.now()
    if (before !== undefined && takesPlace(block, before)) this.#reorgs++
    this.#latest = block
    this.#chainClock.adopt({
      timestamp: block.timestamp,
      isFresh: before !== undefined && isFollowed && block.number > before.number,
    })
    this.#polls++
    for (const wake of [...this.#waiters]) wake()
    this.#waiters.clear()
  }

  #isBelievable(block: Block, before: Block): boolean {
    if (block.number <= before.number + MAX_BLOCKS_AHEAD) return true
    if (this.#leap !== undefined && block.number + MAX_BLOCKS_AHEAD >= this.#leap.number) return true
    this.#leap = block
    this.#log.debug('a newest block far ahead; looking again', { found: block.number, before: before.number })
    return false
  }
}

function takesPlace(block: Block, before: Block): boolean {
  if (block.number === before.number + 1) return block.parentHash !== before.hash
  return block.number < before.number || (block.number === before.number && block.hash !== before.hash)
}
