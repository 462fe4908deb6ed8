// Looks after every transaction that was sent, until it is in the chain for good: finds its receipt, learns why it failed, sees it go in a reorganisation.
// What waits too long is urging.ts's care; making new ones is transactor.ts's.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotId } from '../protocol/request.ts'
import type { Landed } from './market.ts'
import { callOf } from './nodekey.ts'
import { NonceGap } from './noncegap.ts'
import { nonceOwner } from './nonceowner.ts'
import { lookForReceipts } from './receiptlook.ts'
import { type RpcAnswer, stopped } from './rpcclient.ts'
import type { Receipt } from './rpcvalues.ts'
import { fateOf } from './sendanswer.ts'
import { failureReason, heldUpBy, replaced, stuck, withdrawn } from './sendfailure.ts'
import { type Attempt, type EntryEnd, isUnanswered, type JournalEntry } from './sendjournal.ts'
import type { SentParts, SentSettings } from './sentparts.ts'
import { attemptOf, type Sent, type Watched, watchedEntry } from './senttransaction.ts'
import { spendingTime } from './spendingcap.ts'
import { Urging } from './urging.ts'

/** A transaction this deep in the chain is watched no more. */
export const FINAL_DEPTH_BLOCKS = 64
/** Depths at which a transaction in the chain is looked for once more, in case a reorganisation went unseen. */
const RECHECK_DEPTHS = [1, 2, 3, 5, 8, 12, 20, 32, FINAL_DEPTH_BLOCKS + 1]
/** Looks, and seconds, until it is asked who used a nonce of which no receipt of ours is found: an endpoint may be late with receipts. */
const GONE_LOOKS = 5
const GONE_SECONDS: Seconds = 20
/** The endpoint gives no answers: asking for the next transaction would be in vain. */
const GONE_CODES: readonly string[] = ['market/unreachable', 'market/rate-limited', 'market/stopped']
/** Where the endpoint cannot tell whose transaction used the nonce. */
const UNPROVEN_SECONDS: Seconds = 600

export class SentTransactions {
  readonly #parts: SentParts
  readonly #settings: SentSettings
  readonly #scope: Scope
  /** By nonce: everything that is not final. */
  readonly #watched = new Map<number, Watched>()
  readonly #gap: NonceGap
  readonly #urging: Urging
  /** Of earlier runs, as they stood at the start. */
  #earlier: readonly JournalEntry[] = []
  #earlierOpen: readonly Sent[] = []
  #earlierUnanswered: readonly Sent[] = []
  #seenReorgs = 0
  /** The first of ours that waits for somebody's transaction before it. */
  #heldUp: Watched | undefined

  constructor(parts: SentParts, settings: SentSettings) {
    this.#parts = parts
    this.#settings = settings
    this.#gap = new NonceGap(parts, settings.stuckSeconds)
    this.#scope = new Scope({ report: (error) => parts.log.error('watching transactions failed', { error }) })
    this.#urging = new Urging(parts, settings, () => this.open, this.#scope.signal)
  }

  /** Takes up what an earlier run left, then looks after all in the background. @throws CodexError as the datastore */
  async start(): Promise<void> {
    const { journal, log } = this.#parts
    const { entries, damaged, spendingDamage } = await journal.load()
    if (spendingDamage !== undefined)
      log.error('the record of what was spent is damaged; the caps count from nothing', { error: spendingDamage })
    for (const error of damaged)
      log.error('a record of a sent transaction is damaged; look at the account before selling', { error })
    this.#earlier = entries
    const earlier = entries.map((entry) => this.watch(entry, -Infinity))
    this.#earlierOpen = earlier.filter(({ entry }) => entry.end === undefined)
    this.#earlierUnanswered = earlier.filter(({ entry }) => isUnanswered(entry))
    const nonces = this.open.map(({ nonce }) => nonce)
    if (nonces.length > 0) log.info('transactions of an earlier run are looked after', { nonces })
    // The run that withdrew it may have ended before it did it anew.
    for (const entry of entries) if (isTakenBack(entry)) this.#parts.redo?.(entry)
    this.#scope.spawn('transaction watch', (signal) => this.#follow(signal))
  }

  /** Waits fail with `market/stopped`: the journal knows what is under way. */
  async stop(): Promise<void> {
    await this.#scope.close()
    for (const { reject } of this.#watched.values()) reject(stopped())
  }

  /** Those whose end is not known, in no order. */
  get open(): readonly JournalEntry[] {
    return Array.from(this.#watched.values(), ({ entry }) => entry).filter(({ end }) => end === undefined)
  }

  /** Why nothing more can be done for one that waits too long, by nonce. */
  stuck(nonce: number): CodexError<'market/stuck'> | undefined {
    return this.#watched.get(nonce)?.stuck
  }

  /** Once nothing that an earlier run was doing by one of `verbs` is under way any more, however it ended. @throws the signal's reason */
  async earlierEnded(verbs: readonly JournalEntry['verb'][], { signal }: AbortOptions): Promise<void> {
    const open = this.#earlierOpen.filter(({ entry }) => verbs.includes(entry.verb) && entry.end === undefined)
    await raceAbort(Promise.allSettled(open.map(({ settled }) => settled)), signal)
  }

  /** Payments of earlier runs of which nobody may know that they were made, oldest first. */
  get earlierUnanswered(): readonly Sent[] {
    return this.#earlierUnanswered
  }

  /** Whoever asked for the payment that was sent as `hash` knows that it was made. @throws CodexError as the datastore */
  async markAnswered(hash: string): Promise<void> {
    const isIt = ({ entry }: Sent) => entry.attempts.some((attempt) => attempt.hash === hash)
    const watched = [...this.#watched.values()].find(isIt)
    const earlier = this.#earlierUnanswered.find(isIt)
    this.#earlierUnanswered = this.#earlierUnanswered.filter((sent) => sent !== earlier)
    if (watched === undefined) {
      if (earlier !== undefined) await this.#parts.journal.forget([earlier.entry.nonce])
      return
    }
    watched.entry = { ...watched.entry, isAnswered: true }
    await this.#parts.journal.write(watched.entry)
  }

  /** What is known of acts of this kind for a slot, whatever their end: those of this run that are not final, and of the one before. */
  sentFor(verb: JournalEntry['verb'], slotId: SlotId): JournalEntry[] {
    const known = [...this.#earlier, ...Array.from(this.#watched.values(), ({ entry }) => entry)]
    return known.filter((entry) => entry.verb === verb && entry.slotId === slotId)
  }

  /** The nonce behind all that are looked after; 0 when none is. */
  get nextNonce(): number {
    return Math.max(0, ...Array.from(this.#watched.keys(), (nonce) => nonce + 1))
  }

  /** The one under way that does the act `key`. */
  find(key: string): Sent | undefined {
    return [...this.#watched.values()].find(({ entry }) => entry.key === key && entry.end === undefined)
  }

  /** @param sentAt when it was sent; `-Infinity` when that is not known */
  watch(entry: JournalEntry, sentAt: Seconds): Sent {
    const since = this.#parts.clock.now()
    const watched = watchedEntry(entry, { since, sentAt, block: this.#parts.heads.latest.number })
    this.#watched.set(entry.nonce, watched)
    if (this.#scope.signal.aborted) watched.reject(stopped())
    return watched
  }

  /** The endpoint refused it for good: it never was. */
  drop(nonce: number): void {
    this.#watched.delete(nonce)
  }

  /** No answer came when it was sent: it is sent once more at the next look. */
  resendSoon(nonce: number): void {
    const watched = this.#watched.get(nonce)
    if (watched !== undefined) watched.sentAt = -Infinity
  }

  /** What the endpoint said to it; undefined when we were stopped meanwhile. */
  broadcast(raw: string): Promise<RpcAnswer | undefined> {
    return this.#urging.broadcast(raw)
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { heads, log } = this.#parts
    for (let polls = -1; !signal.aborted;) {
      polls = await heads.next(polls, { signal })
      try {
        await this.#look({ signal })
      } catch (error) {
        if (!signal.aborted) log.debug('no usable look at our transactions; looking again', { error })
      }
    }
  }

  /** One look at everything that is not final. */
  async #look(options: AbortOptions): Promise<void> {
    const { reorgs } = this.#parts.heads
    if (this.#watched.size > 0) {
      const all = [...this.#watched.values()]
      const due = all.filter((watched) => this.#isDue(watched, reorgs !== this.#seenReorgs))
      const nextNonce = await this.#lookAt(due, options)
      // In the chain by our books, and yet its nonce is free: a reorganisation that no head showed.
      const lost = all.filter(
        (one) => !due.includes(one) && one.entry.landed !== undefined && one.entry.nonce >= nextNonce,
      )
      if (lost.length > 0) await this.#lookAt(lost, options)
      await this.#fillGap(nextNonce, options)
    }
    this.#seenReorgs = reorgs
    await this.#forgetFinal()
  }

  /** @returns the nonce behind all that are in the chain */
  async #lookAt(due: readonly Watched[], options: AbortOptions): Promise<number> {
    const { receipts, nextNonce } = await lookForReceipts(this.#parts, due, options)
    for (const watched of due) {
      try {
        await this.#judge(watched, receipts.get(watched) ?? [], nextNonce, options)
        watched.problem = undefined
      } catch (error) {
        this.#failed(watched, error, options)
      }
    }
    return nextNonce
  }

  /** What fails for one transaction keeps no other from being looked after. @throws what fails for all: the endpoint is gone, or we are stopped */
  #failed(watched: Watched, error: unknown, { signal }: AbortOptions): void {
    if (signal.aborted || !CodexError.is(error) || GONE_CODES.includes(error.code)) throw error
    if (watched.problem === error.code) return
    watched.problem = error.code
    const { verb, nonce } = watched.entry
    this.#parts.log.warn('a transaction cannot be looked after; trying again at each block', { verb, nonce, error })
  }

  /** Uses a nonce before ours that nobody else will: otherwise all of ours would wait for ever. */
  async #fillGap(nonce: number, options: AbortOptions): Promise<void> {
    const { clock, fees, heads, journal, key } = this.#parts
    const ours = this.open.reduce<number | undefined>((low, one) => Math.min(low ?? Infinity, one.nonce), undefined)
    const gap = await this.#gap.look(nonce, ours, options)
    this.#tellHeldUp(gap === 'waits' ? ours : undefined, nonce)
    if (gap !== 'gone' || this.#watched.has(nonce)) return
    heads.assertOurChain()
    const signed = key.signFiller({ chainId: heads.chainId, nonce, fees: await fees.now(options) })
    const entry = fillerEntry(nonce, attemptOf(signed, 'cancel', clock.now()))
    await journal.write(entry)
    this.watch(entry, clock.now())
    const fate = fateOf(await this.broadcast(signed.raw))
    if (fate !== 'refused' && fate !== 'nonce used') return
    this.drop(nonce)
    await journal.forget([nonce])
  }

  /**
   * What waits before ours is somebody's who has the key: it may be meant, so that it is left alone, and a person is told.
   * @param ours the first that waits for it; undefined where none does
   */
  #tellHeldUp(ours: number | undefined, foreign: number): void {
    const watched = ours === undefined ? undefined : this.#watched.get(ours)
    if (this.#heldUp !== watched && this.#heldUp !== undefined) this.#heldUp.stuck = undefined
    this.#heldUp = watched
    if (watched === undefined || watched.stuck !== undefined) return
    watched.stuck = stuck(watched.entry, heldUpBy(foreign))
    const { verb, nonce } = watched.entry
    this.#parts.log.error('a transaction is stuck', { verb, nonce, error: watched.stuck })
  }

  #isDue({ entry, checkedDepth }: Watched, hasReorg: boolean): boolean {
    if (entry.end === undefined) return true
    // Told as another's: a receipt of ours may come after all.
    if (entry.landed === undefined) return true
    const depth = this.#depthOf(entry.landed.block)
    const passed = RECHECK_DEPTHS.filter((step) => step <= depth).at(-1) ?? 0
    return hasReorg || depth < 1 || passed > checkedDepth
  }

  /** Blocks from this one to the newest, both included. */
  #depthOf(block: number): number {
    return this.#parts.heads.latest.number - block + 1
  }

  async #judge(
    watched: Watched,
    receipts: readonly (Receipt | undefined)[],
    nextNonce: number,
    options: AbortOptions,
  ): Promise<void> {
    const { entry } = watched
    const index = receipts.findIndex((receipt) => receipt !== undefined)
    const receipt = receipts[index]
    const attempt = entry.attempts[index]
    if (receipt !== undefined && attempt !== undefined) return this.#found(watched, receipt, attempt)
    if (entry.end !== undefined) return this.#lost(watched, nextNonce)
    if (nextNonce > entry.nonce) return this.#gone(watched)
    watched.gone = undefined
    await this.#urging.urge(watched, nextNonce, options)
  }

  async #found(watched: Watched, receipt: Receipt, attempt: Attempt): Promise<void> {
    watched.gone = undefined
    const { hash, block, blockHash, gasUsed, feeWei, logs } = receipt
    const landed: Landed = { hash, block, blockHash, gasUsed, feeWei }
    const depth = this.#depthOf(block)
    watched.checkedDepth = Math.max(depth, 0)
    const { entry } = watched
    if (entry.end !== undefined) {
      if (entry.end === 'replaced')
        return this.#end(
          watched,
          attempt.kind === 'cancel' ? 'cancelled' : receipt.succeeded ? 'mined' : 'failed',
          landed,
        )
      // In the chain once more, in another block.
      if (entry.landed?.blockHash !== blockHash) await this.#write(watched, { ...entry, landed })
      return
    }
    // The head may be a look behind the receipt: one confirmation is the receipt itself.
    if (Math.max(depth, 1) < this.#settings.confirmations) return
    const end: EntryEnd = attempt.kind === 'cancel' ? 'cancelled' : receipt.succeeded ? 'mined' : 'failed'
    const { signal } = this.#scope
    const isFailed = end === 'failed'
    const failure = isFailed ? await failureReason(this.#parts.rpc, attempt, receipt, entry, { signal }) : undefined
    await this.#end(watched, end, landed)
    if (isTakenBack(watched.entry)) this.#parts.redo?.(entry)
    if (end === 'mined') watched.resolve({ landed, logs })
    else watched.reject(failure ?? withdrawn(entry))
  }

  /** It was in the chain, and is not any more. */
  async #lost(watched: Watched, nextNonce: number): Promise<void> {
    const { entry } = watched
    if (nextNonce > entry.nonce) return
    const { verb, nonce } = entry
    this.#parts.log.warn('a reorganisation took a transaction of ours out of the chain', { verb, nonce })
    watched.checkedDepth = 0
    await this.#write(watched, { ...entry, end: undefined, landed: undefined })
    await this.#urging.again(watched)
  }

  /** The nonce is used, and no receipt of ours is there: late, or another's. */
  async #gone(watched: Watched): Promise<void> {
    const now = this.#parts.clock.now()
    watched.gone ??= { looks: 0, since: now }
    watched.gone.looks++
    if (watched.gone.looks < GONE_LOOKS || now - watched.gone.since < GONE_SECONDS) return
    const { nonce, verb, attempts } = watched.entry
    const { heads, key, rpc } = this.#parts
    const question = {
      address: key.address,
      nonce,
      hashes: attempts.map(({ hash }) => hash),
      head: heads.latest.number,
    }
    const owner = await nonceOwner(rpc, question, { signal: this.#scope.signal })
    watched.gone.looks = 0
    if (owner === 'ours' || (owner === undefined && now - watched.gone.since < UNPROVEN_SECONDS)) return
    watched.entry = { ...watched.entry, isProven: owner === 'another' }
    await this.#end(watched, 'replaced', undefined)
    this.#parts.log.error('another transaction took a nonce of ours; is the key used elsewhere?', { nonce, verb })
    watched.reject(replaced(watched.entry, owner === 'another'))
  }

  async #end(watched: Watched, end: EntryEnd, landed: Landed | undefined): Promise<void> {
    const { clock, heads, journal, log } = this.#parts
    const entry = { ...watched.entry, end, told: watched.entry.told ?? end, landed }
    const costWei = (landed?.feeWei ?? 0n) + (end === 'mined' ? valueOf(entry) : 0n)
    try {
      await journal.writeEnd(entry, costWei, spendingTime(clock, heads))
    } catch (error) {
      // The chain has decided, and the next start will find out the same.
      log.error('how a transaction ended could not be written down', { error, nonce: entry.nonce })
    }
    watched.entry = entry
    watched.endedBlock = this.#parts.heads.latest.number
  }

  async #write(watched: Watched, entry: JournalEntry): Promise<void> {
    watched.entry = entry
    await this.#parts.journal
      .write(entry)
      .catch((error: unknown) => this.#parts.log.error('the journal cannot be written', { error, nonce: entry.nonce }))
  }

  async #forgetFinal(): Promise<void> {
    const final = [...this.#watched.values()].filter(
      ({ entry, checkedDepth, endedBlock }) =>
        entry.end !== undefined &&
        (entry.landed === undefined
          ? this.#depthOf(endedBlock) > FINAL_DEPTH_BLOCKS
          : checkedDepth > FINAL_DEPTH_BLOCKS),
    )
    const forgotten = final.filter(({ entry }) => !isUnanswered(entry))
    await this.#parts.journal.forget(forgotten.map(({ entry }) => entry.nonce))
    for (const { entry } of final) this.#watched.delete(entry.nonce)
  }
}

/** A collect that was told as done, and then withdrawn. */
function isTakenBack({ verb, end, told }: JournalEntry): boolean {
  return verb === 'collect' && end === 'cancelled' && told === 'mined'
}

/** A payment of nothing that does nothing but use its nonce. */
function fillerEntry(nonce: number, attempt: Attempt): JournalEntry {
  const nothing = {
    key: undefined,
    requestId: undefined,
    slotId: undefined,
    validUntil: undefined,
    safeAfter: undefined,
  }
  return { nonce, verb: 'sendCoin', isDuty: false, attempts: [attempt], end: undefined, landed: undefined, ...nothing }
}

/** Coins sent along. */
function valueOf({ attempts }: JournalEntry): bigint {
  return BigInt(callOf((attempts[0] as Attempt).raw).value)
}
