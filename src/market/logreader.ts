// Reads the marketplace's logs of a range of blocks, in as large pieces as the endpoint grants. Blocks still open to reorganisation are
// eventfeed.ts's care.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { EVENT_TOPICS, readEvent } from './eventcodec.ts'
import { eventBloom } from './logsbloom.ts'
import type { ContractEvent } from './marketevent.ts'
import { oldestGranted } from './oldestgranted.ts'
import { type RpcAnswer, type RpcCall, type RpcClient, resultOf } from './rpcclient.ts'
import { isLagging, type RpcError } from './rpcerror.ts'
import { badAnswer, type Block, readBlock, readLogs } from './rpcvalues.ts'

export interface LogReaderParts {
  readonly rpc: RpcClient
  readonly clock: Clock
  readonly log: Log
}

export interface LogPiece {
  readonly from: number
  readonly to: number
  /** In the order of the chain, each once. */
  readonly events: readonly ContractEvent[]
}

/** For the logs of blocks `from` to `to`. */
export interface LogCall extends RpcCall {
  readonly from: number
  readonly to: number
}

/** Blocks asked for at first. */
const FIRST_SPAN_BLOCKS = 2_000
/** Blocks asked for at most. */
export const MAX_SPAN_BLOCKS = 100_000
/** With more events than this in a piece the next one is not made larger. */
const MANY_EVENTS = 5_000
/** Answers without trouble before a refused size is tried again. */
const PIECES_BEFORE_RETRY = 32
const RETRY_SECONDS = 2
/** How often no logs are believed only after another look, where a bloom says otherwise: blooms do err on that side. */
export const EMPTY_RETRIES = 3
/** So many heads, the newest of a piece, have their blooms held against no logs at all; of more blocks logs are asked for again in any case. */
const BLOOMED_BLOCKS = 512
/** Heads asked for in one go: endpoints count them. */
export const HEADS_AT_ONCE = 32
/** How often the last block of a piece is missing before we look how long the chain is now. */
const MISSING_TRIES = 5

/** How often in a row the logs of one block are refused for good until it is asked since when they are granted. */
const REFUSED_TRIES = 3

/** A piece's last block is not there: the node is late, or there never was one. */
const MISSING = 'missing'
/** The logs of a single block are refused, as of one that is too old. */
const REFUSED = 'refused'

/** How to read a range of blocks. */
export interface ReadOptions extends AbortOptions {
  /** Number of the newest block as known now. */
  readonly newest: () => number
  /** Nothing may be left out: otherwise what the endpoint has no more is passed over, as a piece without events. */
  readonly isWhole: boolean
}

export class LogReader {
  readonly #rpc: RpcClient
  readonly #clock: Clock
  readonly #log: Log
  readonly #address: string
  /** Whether the head of a block says that it may hold events of ours: never "no" wrongly. */
  readonly mayHoldEvents: (block: Block) => boolean
  #span = FIRST_SPAN_BLOCKS
  /** What the endpoint has granted, as far as we know. */
  #limit = MAX_SPAN_BLOCKS
  #pieces = 0
  #historyFrom: number | undefined

  /** @param address of the marketplace, lower case */
  constructor({ rpc, clock, log }: LogReaderParts, address: string) {
    this.#rpc = rpc
    this.#clock = clock
    this.#log = log
    this.#address = address
    this.mayHoldEvents = eventBloom(address, EVENT_TOPICS)
  }

  /**
   * Blocks `from` to `to`, both included, piece by piece. Tries until it succeeds; ends sooner where the chain turns out to be shorter. Rejects
   * with the signal's reason, `market/stopped`, or `market/history-missing`.
   */
  async *read(
    from: number,
    to: number,
    { signal, newest, isWhole }: ReadOptions,
  ): AsyncGenerator<LogPiece, void, void> {
    let end = to
    let [missing, refused] = [0, 0]
    for (let next = from; next <= end;) {
      signal.throwIfAborted()
      const last = Math.min(end, next + this.#span - 1)
      const events = await this.#piece(next, last, signal)
      missing = events === MISSING ? missing + 1 : 0
      refused = events === REFUSED ? refused + 1 : 0
      if (missing >= MISSING_TRIES) end = Math.min(end, newest())
      if (refused >= REFUSED_TRIES) {
        refused = 0
        const begin = await oldestGranted(next, newest(), (block) => this.#isGranted(block, signal))
        if (begin === undefined) continue
        this.#tellHistory(begin)
        if (isWhole) throw historyMissing(next, begin)
        yield { from: next, to: Math.min(begin - 1, end), events: [] }
        next = begin
      }
      if (events === undefined || events === MISSING || events === REFUSED) continue
      yield { from: next, to: last, events }
      next = last + 1
    }
  }

  /** The first block whose logs the endpoint has, where it was found not to have those of earlier ones. */
  get historyFrom(): number | undefined {
    return this.#historyFrom
  }

  /** Blocks whose logs the endpoint gives at once, as far as we know. {@link LogReader.events} learns it from its answers. */
  get granted(): number {
    return this.#limit
  }

  /** The calls for the logs of some blocks, each for as many as the endpoint grants, to be sent along with others. */
  calls(from: number, to: number): LogCall[] {
    const calls: LogCall[] = []
    for (let first = from; first <= to; first += this.#limit) {
      const last = Math.min(to, first + this.#limit - 1)
      const [fromBlock, toBlock] = [blockTag(first), blockTag(last)]
      const filter = { address: this.#address, topics: [EVENT_TOPICS], fromBlock, toBlock }
      calls.push({ method: 'eth_getLogs', params: [filter], from: first, to: last })
    }
    return calls
  }

  /**
   * The events of the answers to {@link LogReader.calls}, sorted, each once. Logs that cannot be read are told of and left out.
   * @throws CodexError `market/bad-answer` when an answer is not about these blocks of this contract, and what an answer failed with
   */
  events(calls: readonly LogCall[], answers: readonly RpcAnswer[]): ContractEvent[] {
    const events = calls.flatMap(({ from, to }, i) => {
      const answer = answers[i]
      if (answer?.ok === false) this.#askForLess(answer.error, to - from + 1)
      return this.#eventsOf(answer, from, to)
    })
    // What was refused once may be granted later.
    this.#pieces += calls.length
    if (this.#pieces >= PIECES_BEFORE_RETRY) {
      this.#pieces = 0
      this.#limit = Math.min(2 * this.#limit, MAX_SPAN_BLOCKS)
    }
    return events
  }

  #eventsOf(answer: RpcAnswer | undefined, from: number, to: number): ContractEvent[] {
    const events = new Map<string, ContractEvent>()
    for (const log of readLogs(resultOf(answer))) {
      if (log.address !== this.#address) throw badAnswer(`logs of ${this.#address} only`, log.address)
      if (log.block < from || log.block > to) throw badAnswer(`logs of blocks ${from} to ${to}`, log.block)
      try {
        const event = readEvent(log)
        if (event !== undefined) events.set(identityOf(event), event)
      } catch (error) {
        this.#log.warn('a log of the marketplace cannot be read; left out', { block: log.block, error })
      }
    }
    return [...events.values()].sort((a, b) => a.block - b.block || a.logIndex - b.logIndex)
  }

  /** Undefined when it has to be tried again. */
  async #piece(
    from: number,
    to: number,
    signal: AbortSignal,
  ): Promise<ContractEvent[] | typeof MISSING | typeof REFUSED | undefined> {
    try {
      for (let look = 0; ; look++) {
        const events = await this.#ask(from, to, signal)
        if (events === MISSING) {
          await this.#yieldTo(badAnswer(`block ${to}`, null), 1, signal)
          return MISSING
        }
        // Some endpoints answer so when they have too much to do, or before their logs are indexed.
        if (events.length > 0 || (await this.#isEmpty(from, to, look, signal))) {
          this.#grow(events.length)
          return events
        }
      }
    } catch (error) {
      if (!CodexError.is(error) || error.code === 'market/stopped') throw error
      await this.#yieldTo(error, to - from + 1, signal)
      return from === to && isRefusal(error) ? REFUSED : undefined
    }
  }

  /** Whether the endpoint gives the logs of a block. Asks until it says one or the other. */
  async #isGranted(block: number, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const [answer] = await this.#rpc.callMany(this.calls(block, block), { signal, isLater: true })
      if (answer?.ok === true) return true
      if (answer !== undefined && isRefusal(answer.error)) return false
      await this.#yieldTo(answer?.error ?? badAnswer('logs', undefined), 1, signal)
    }
  }

  #tellHistory(begin: number): void {
    // The sizes that were refused for their age.
    this.#limit = MAX_SPAN_BLOCKS
    this.#span = FIRST_SPAN_BLOCKS
    if (this.#historyFrom === begin) return
    this.#historyFrom = begin
    this.#log.error('the endpoint has no logs of earlier blocks: what was told before is not known', { begin })
  }

  async #ask(from: number, to: number, signal: AbortSignal): Promise<ContractEvent[] | typeof MISSING> {
    // A node that has not the last block yet answers with what it has, as if that were all.
    const calls = this.calls(from, to)
    const [head, ...logs] = await this.#rpc.callMany([headCall(to), ...calls], { signal, isLater: true })
    const last = readBlock(resultOf(head))
    if (last === undefined) return MISSING
    if (last.number !== to) throw badAnswer(`block ${to}`, last.number)
    const events = this.events(calls, logs)
    assertOneHashPerBlock(events)
    return events
  }

  /** Whether no logs are to be believed; waits where they are to be asked for again. @param look how often they were looked for before */
  async #isEmpty(from: number, to: number, look: number, signal: AbortSignal): Promise<boolean> {
    if (look >= EMPTY_RETRIES) return true
    const isLarge = to - from >= BLOOMED_BLOCKS
    const isDoubtful = (isLarge && look === 0) || (await this.#mayHoldLogs(from, to, signal))
    if (isDoubtful) await this.#clock.until(this.#clock.now() + RETRY_SECONDS, { signal })
    return !isDoubtful
  }

  /** As far as the newest of these blocks say, whose logs are the last to be indexed. */
  async #mayHoldLogs(from: number, to: number, signal: AbortSignal): Promise<boolean> {
    const first = Math.max(from, to - BLOOMED_BLOCKS + 1)
    // The newest first: most likely it is theirs that are late.
    for (let last = to; last >= first; last -= HEADS_AT_ONCE) {
      const from = Math.max(first, last - HEADS_AT_ONCE + 1)
      const numbers = Array.from({ length: last - from + 1 }, (_, i) => from + i)
      const heads = await this.#rpc.callMany(numbers.map(headCall), { signal, isLater: true })
      const blocks = heads.map((head) => readBlock(resultOf(head)))
      if (blocks.some((block) => block !== undefined && this.mayHoldEvents(block))) return true
    }
    return false
  }

  #grow(found: number): void {
    if (found < MANY_EVENTS) this.#span = Math.min(2 * this.#span, this.#limit)
  }

  /** Asks for less where less may help, and waits where it does not. */
  async #yieldTo(error: CodexError, blocks: number, signal: AbortSignal): Promise<void> {
    if (this.#askForLess(error, blocks)) return
    this.#log.warn('no usable logs; trying again', { error })
    await this.#clock.until(this.#clock.now() + RETRY_SECONDS, { signal })
  }

  /** Whether less may help. */
  #askForLess(error: CodexError, blocks: number): boolean {
    const isTooMuch = error.code === 'market/rpc-error' || error.code === 'market/answer-too-long'
    if (!isTooMuch || blocks <= 1) return false
    this.#pieces = 0
    this.#limit = Math.min(this.#limit, Math.floor(blocks / 2))
    this.#span = Math.min(this.#span, this.#limit)
    this.#log.debug('asking for the logs of fewer blocks at once', { blocks: this.#limit, reason: error.message })
    return true
  }
}

/** Understood and not given, which asking again does not change. */
function isRefusal(error: CodexError): boolean {
  return error.code === 'market/rpc-error' && !isLagging(error as RpcError)
}

function historyMissing(block: number, begin: number): CodexError<'market/history-missing'> {
  const message = `the endpoint has no logs of block ${block}, and none before block ${begin}; use one that keeps them`
  return new CodexError('market/history-missing', message, { detail: { block, begin } })
}

export function headCall(number: number): RpcCall {
  return { method: 'eth_getBlockByNumber', params: [blockTag(number), false] }
}

export function blockTag(number: number): string {
  return `0x${number.toString(16)}`
}

export function identityOf({ blockHash, logIndex }: ContractEvent): string {
  return `${blockHash}/${logIndex}`
}

function assertOneHashPerBlock(events: readonly ContractEvent[]): void {
  let last: ContractEvent | undefined
  for (const event of events) {
    if (last?.block === event.block && last.blockHash !== event.blockHash) throw badAnswer('one hash per block', 'two')
    last = event
  }
}
