// The marketplace's events from some block on: history in large pieces, then block by block with the chain of hashes checked, so that what a
// reorganisation takes back is told. Subscriptions only make it look sooner.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { readAhead } from '../lib/readahead.ts'
import type { HeadWatch } from './headwatch.ts'
import { EMPTY_RETRIES, headCall, HEADS_AT_ONCE, identityOf, type LogReader } from './logreader.ts'
import type { ContractEvent, MarketEvent } from './marketevent.ts'
import { type RpcAnswer, type RpcClient, resultOf } from './rpcclient.ts'
import { badAnswer, type Block, readBlock } from './rpcvalues.ts'

export interface EventFeedParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly reader: LogReader
  readonly log: Log
}

/** Blocks below the newest one that a reorganisation may still replace. */
export const REORG_DEPTH_BLOCKS = 64
/** Blocks read once more at each look, for logs that an endpoint was late with. */
export const OVERLAP_BLOCKS = 8

/** A block that was read, with what was told of it. */
interface ReadBlock {
  readonly number: number
  readonly hash: string
  readonly events: ContractEvent[]
  /** Its bloom promised logs, and none came: they are asked for again for as long as the block is known. */
  readonly isSuspect: boolean
}

export class EventFeed {
  readonly #parts: EventFeedParts

  constructor(parts: EventFeedParts) {
    this.#parts = parts
  }

  /** As {@link LogReader.historyFrom}. */
  get historyFrom(): number | undefined {
    return this.#parts.reader.historyFrom
  }

  /** Without end. What the endpoint has no more is passed over. Rejects with the signal's reason, `market/stopped`, or `market/bad-range`. */
  async *events({ from, signal }: AbortOptions & { readonly from: number }): AsyncGenerator<MarketEvent, void, void> {
    const { heads, reader } = this.#parts
    checkRange(from, Infinity)
    const follower = new Follower(this.#parts, from)
    for (let polls = 0; ; polls = await heads.next(polls, { signal })) {
      while (follower.next <= heads.latest.number - REORG_DEPTH_BLOCKS) {
        // What was followed may have been replaced meanwhile; only then is the rest plain history.
        yield* await follower.settle({ signal })
        const last = heads.latest.number - REORG_DEPTH_BLOCKS
        const newest = () => heads.latest.number - REORG_DEPTH_BLOCKS
        for await (const piece of readAhead(reader.read(follower.next, last, { signal, newest, isWhole: false }))) {
          follower.skipTo(piece.to + 1)
          yield* piece.events
        }
      }
      for (let goesOn = true; goesOn;) {
        const found = await follower.look({ signal })
        yield* found.events
        goesOn = found.hasMore
      }
    }
  }

  /** Rejects as {@link EventFeed.events}, and with `market/history-missing`. */
  async *pastEvents({
    from,
    to = Infinity,
    signal,
  }: AbortOptions & { readonly from: number; readonly to?: number }): AsyncGenerator<ContractEvent, void, void> {
    const { heads, reader } = this.#parts
    checkRange(from, to)
    // What the caller has just done must be in it, though the last look was before.
    const { number } = to <= heads.latest.number ? heads.latest : await heads.look({ signal })
    const newest = () => heads.latest.number
    for await (const { events } of readAhead(
      reader.read(from, Math.min(to, number), { signal, newest, isWhole: true }),
    ))
      yield* events
  }
}

function checkRange(from: number, to: number): void {
  const isBlock = (number: number) => Number.isSafeInteger(number) && number >= 0
  if (isBlock(from) && (isBlock(to) || to === Infinity)) return
  const message = `expected blocks by their numbers, from 0 on, found ${from} to ${to}; ask for whole numbers`
  throw new CodexError('market/bad-range', message, { detail: { from, to } })
}

interface Look {
  readonly events: readonly MarketEvent[]
  /** There are newer blocks than those looked at. */
  readonly hasMore: boolean
}

const NOTHING: Look = { events: [], hasMore: false }
/** So many looks in a row without use are told of. */
const FAILURES_TOLD = 3

/** The newest blocks as one reader of events knows them. */
class Follower {
  readonly #parts: EventFeedParts
  readonly #from: number
  /** Without gaps, oldest first, at most {@link REORG_DEPTH_BLOCKS}. */
  #known: ReadBlock[] = []
  #next: number
  /** How often each block was found empty against its bloom. */
  readonly #empty = new Map<string, number>()
  /** Looks in a row that were of no use. */
  #failures = 0

  constructor(parts: EventFeedParts, from: number) {
    this.#parts = parts
    this.#from = from
    this.#next = from
  }

  /** The first block not read yet. */
  get next(): number {
    return this.#next
  }

  /** Everything before `block` has been read by other means, and is final. */
  skipTo(block: number): void {
    this.#known = []
    this.#next = block
  }

  /** Makes sure that the known blocks are still in the chain, then forgets them. Tries until the endpoint knows. */
  async settle({ signal }: AbortOptions): Promise<readonly MarketEvent[]> {
    const { heads } = this.#parts
    for (let polls = heads.polls; this.#known.length > 0; polls = await heads.next(polls, { signal })) {
      try {
        const { undone, isSure } = await this.#undo({ signal })
        if (isSure) {
          this.#known = []
          return undone
        }
      } catch (error) {
        this.#tellOf(error)
      }
    }
    return []
  }

  /** One look at what is new. An endpoint that contradicts itself is asked again at the next look. */
  async look({ signal }: AbortOptions): Promise<Look> {
    const { reader } = this.#parts
    const granted = reader.granted
    try {
      const look = await this.#look({ signal })
      this.#failures = 0
      return look
    } catch (error) {
      this.#tellOf(error)
      // What was refused was too much at once: less is asked for right away.
      return { events: [], hasMore: reader.granted < granted }
    }
  }

  async #look({ signal }: AbortOptions): Promise<Look> {
    const head = this.#parts.heads.latest
    const tail = this.#known.at(-1)
    if (head.number < this.#next) {
      // No news, or a shorter chain: only a known block with another hash shows the difference.
      const same = this.#known.find(({ number }) => number === head.number)
      if (tail === undefined || same === undefined || same.hash === head.hash)
        return await this.#reread(head, { signal })
      const { undone } = await this.#undo({ signal })
      // Where another server of the endpoint still has the old block, only its next answer to a poll can tell more.
      return { events: undone, hasMore: this.#next <= tail.number }
    }
    const top = Math.min(head.number, this.#next + HEADS_AT_ONCE - 1)
    const { blocks, events } = await this.#read(this.#next, top, { signal })
    if (tail !== undefined && blocks[0] !== undefined && blocks[0].parentHash !== tail.hash) {
      const { undone } = await this.#undo({ signal })
      return { events: undone, hasMore: undone.length > 0 || this.#next <= tail.number }
    }
    return { events: this.#accept(blocks, events), hasMore: blocks.length > 0 && this.#next <= head.number }
  }

  /** The newest known blocks once more, while no new one comes. */
  async #reread(head: Block, { signal }: AbortOptions): Promise<Look> {
    const first = this.#overlapFrom(this.#next)
    const last = Math.min(head.number, this.#next - 1)
    if (last < first) return NOTHING
    const { rpc, reader } = this.#parts
    const calls = reader.calls(first, last)
    const logs = await rpc.callMany(calls, { signal, isLater: true })
    return { events: this.#late(reader.events(calls, logs)), hasMore: false }
  }

  /** Blocks `from` to `to` as far as the endpoint has them, one following from the other, and their logs with those of the overlap. */
  async #read(
    from: number,
    to: number,
    { signal }: AbortOptions,
  ): Promise<{ readonly blocks: readonly Block[]; readonly events: readonly ContractEvent[] }> {
    const { rpc, reader } = this.#parts
    const first = this.#overlapFrom(from)
    const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i)
    const calls = reader.calls(first, to)
    const answers = await rpc.callMany([...calls, ...numbers.map(headCall)], { signal, isLater: true })
    const heads = answers.slice(calls.length)
    const blocks: Block[] = []
    for (const block of readBlocks(heads, numbers)) {
      if (block === undefined) break
      const parent = blocks.at(-1)
      if (parent !== undefined && block.parentHash !== parent.hash) throw badAnswer('blocks of one chain', 'two chains')
      blocks.push(block)
    }
    return { blocks, events: reader.events(calls, answers) }
  }

  /** The first block to be read once more along with those from `next` on. */
  #overlapFrom(next: number): number {
    const suspect = this.#known.find(({ isSuspect, events }) => isSuspect && events.length === 0)
    return Math.min(suspect?.number ?? next, Math.max(next - OVERLAP_BLOCKS, this.#known[0]?.number ?? next))
  }

  #accept(blocks: readonly Block[], events: readonly ContractEvent[]): MarketEvent[] {
    const told: MarketEvent[] = this.#late(events)
    for (const block of blocks) {
      const own = events.filter((event) => event.block === block.number)
      // The logs came of another moment than the heads: the next look will tell.
      if (own.some(({ blockHash }) => blockHash !== block.hash)) break
      const isSuspect = own.length === 0 && this.#parts.reader.mayHoldEvents(block)
      if (isSuspect && !this.#goesOnWithout(block)) break
      this.#known.push({ number: block.number, hash: block.hash, events: own, isSuspect })
      this.#next = block.number + 1
      told.push(...own)
    }
    this.#known = this.#known.slice(-REORG_DEPTH_BLOCKS)
    return told
  }

  /** Logs of known blocks that were not there before. */
  #late(events: readonly ContractEvent[]): ContractEvent[] {
    const late: ContractEvent[] = []
    for (const event of events) {
      const block = this.#known.find(({ hash }) => hash === event.blockHash)
      if (block === undefined || block.events.some((known) => identityOf(known) === identityOf(event))) continue
      block.events.push(event)
      late.push(event)
    }
    return late
  }

  #goesOnWithout({ hash, number }: Block): boolean {
    const times = (this.#empty.get(hash) ?? 0) + 1
    this.#empty.set(hash, times)
    if (times <= EMPTY_RETRIES) return false
    this.#empty.clear()
    this.#parts.log.debug('a block whose bloom promised events has none', { block: number })
    return true
  }

  /** Finds the newest known block that is still in the chain; tells what was above it, newest first. */
  async #undo({
    signal,
  }: AbortOptions): Promise<{ readonly undone: readonly MarketEvent[]; readonly isSure: boolean }> {
    const numbers = this.#known.map(({ number }) => number)
    const blocks: (Block | undefined)[] = []
    for (let first = 0; first < numbers.length; first += HEADS_AT_ONCE) {
      const some = numbers.slice(first, first + HEADS_AT_ONCE)
      const answers = await this.#parts.rpc.callMany(some.map(headCall), { signal, isLater: true })
      blocks.push(...readBlocks(answers, some))
    }
    const isReplaced = this.#known.map(({ hash }, i) => blocks[i] !== undefined && blocks[i].hash !== hash)
    const isKept = this.#known.map(({ hash }, i) => blocks[i]?.hash === hash)
    // Blocks that the endpoint has not prove nothing: it may be late.
    if (!isReplaced.includes(true)) return { undone: [], isSure: isKept.at(-1) ?? true }
    const keep = isKept.lastIndexOf(true) + 1
    const gone = this.#known.splice(keep)
    if (keep === 0 && gone.length >= REORG_DEPTH_BLOCKS)
      this.#parts.log.error('a reorganisation deeper than we follow: events before it may be wrong', {
        blocks: gone.length,
      })
    this.#next = gone[0]?.number ?? this.#from
    const undone = gone
      .flatMap(({ events }) => events)
      .reverse()
      .map((event): MarketEvent => {
        const { block, blockHash, logIndex } = event
        return { type: 'undone', block, blockHash, logIndex, event }
      })
    return { undone, isSure: true }
  }

  /** What another look may put right. Anything else is the caller's. */
  #tellOf(error: unknown): void {
    if (!CodexError.is(error) || error.code === 'market/stopped') throw error
    this.#failures++
    const level = this.#failures === FAILURES_TOLD ? 'warn' : 'debug'
    this.#parts.log[level]('no usable events; looking again', { error })
  }
}

function readBlocks(answers: readonly RpcAnswer[], numbers: readonly number[]): (Block | undefined)[] {
  return answers.map((answer, i) => {
    const block = readBlock(resultOf(answer))
    if (block !== undefined && block.number !== numbers[i]) throw badAnswer(`block ${numbers[i]}`, block.number)
    return block
  })
}
