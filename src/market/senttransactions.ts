// Looks after every transaction that was sent, until it is in the chain for good: finds its receipt, learns why it failed, sends it anew when it
// was dropped or a reorganisation took it, offers more when it is stuck, withdraws it when it comes too late. Making new ones is transactor.ts's.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotId } from '../protocol/request.ts'
import { isCollectSafe } from './collectsafety.ts'
import { type FeeSource, raised } from './feesource.ts'
import type { HeadWatch } from './headwatch.ts'
import type { Contracts } from './intentcall.ts'
import { blockTag } from './logreader.ts'
import type { Landed } from './market.ts'
import { callOf, feesOf, type NodeKey, type SignedTransaction } from './nodekey.ts'
import { NonceGap } from './noncegap.ts'
import { nonceOwner } from './nonceowner.ts'
import { revertError } from './reverts.ts'
import { type RpcAnswer, type RpcCall, type RpcClient, resultOf, stopped } from './rpcclient.ts'
import type { RpcError } from './rpcerror.ts'
import { type Receipt, readNumber, readReceipt } from './rpcvalues.ts'
import { fateOf } from './sendanswer.ts'
import type { Attempt, EntryEnd, JournalEntry, SendJournal } from './sendjournal.ts'
import { type SpendingCap, spendingTime } from './spendingcap.ts'

export interface SentParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly fees: FeeSource
  readonly key: NodeKey
  readonly journal: SendJournal
  /** The machine's. */
  readonly clock: Clock
  readonly contracts: Contracts
  readonly log: Log
  /** A collect that was told as done has been taken back and withdrawn: it is to be done anew. */
  readonly redo?: (entry: JournalEntry) => void
}

export interface SentSettings {
  /** Blocks, its own included, until a transaction counts as done. */
  readonly confirmations: number
  /** Not mined for so long, a transaction is sent again for more money. */
  readonly stuckSeconds: Seconds
  readonly cap: SpendingCap
}

/** Forms of one transaction, and again of its cancel; then it is only sent again as it is. */
export const MAX_ATTEMPTS = 8
/** A transaction this deep in the chain is watched no more. */
export const FINAL_DEPTH_BLOCKS = 64
/** Depths at which a transaction in the chain is looked for once more, in case a reorganisation went unseen. */
const RECHECK_DEPTHS = [1, 2, 3, 5, 8, 12, 20, 32, FINAL_DEPTH_BLOCKS]
export const RESEND_SECONDS: Seconds = 15
/** Receipts asked for before it is known how many transactions are in the chain. */
const FIRST_RECEIPTS = 8
/** Looks, and seconds, until it is asked who used a nonce of which no receipt of ours is found: an endpoint may be late with receipts. */
const GONE_LOOKS = 5
const GONE_SECONDS: Seconds = 20
/** The endpoint gives no answers: asking for the next transaction would be in vain. */
const GONE_CODES: readonly string[] = ['market/unreachable', 'market/rate-limited', 'market/stopped']
/** Where the endpoint cannot tell whose transaction used the nonce. */
const UNPROVEN_SECONDS: Seconds = 600

/** A transaction in the chain, and the logs of its receipt as they came. */
export interface Settled {
  readonly landed: Landed
  readonly logs: unknown
}

/** One sent transaction, as its sender sees it. */
export interface Sent {
  readonly entry: JournalEntry
  /** Settles when it is in the chain, as deep as asked; rejects with why it is not, or did nothing there. */
  readonly settled: Promise<Settled>
}

interface Watched extends Sent {
  entry: JournalEntry
  readonly resolve: (settled: Settled) => void
  readonly reject: (error: unknown) => void
  /** When this run began to look after it. */
  readonly since: Seconds
  sentAt: Seconds
  /** Looks that found the nonce used and no receipt, and since when. */
  gone: { looks: number; readonly since: Seconds } | undefined
  /** The newest block when it ended. */
  endedBlock: number
  checkedDepth: number
  /** Offering more would exceed the cap of the day, and that was told. */
  isCapped: boolean
  /** Code of what went wrong when it was looked after, and was told. */
  problem: string | undefined
}

export class SentTransactions {
  readonly #parts: SentParts
  readonly #settings: SentSettings
  readonly #scope: Scope
  /** By nonce: everything that is not final. */
  readonly #watched = new Map<number, Watched>()
  readonly #gap: NonceGap
  /** Of earlier runs, as they stood at the start. */
  #earlier: readonly JournalEntry[] = []
  #earlierOpen: readonly Sent[] = []
  #seenReorgs = 0

  constructor(parts: SentParts, settings: SentSettings) {
    this.#parts = parts
    this.#settings = settings
    this.#gap = new NonceGap(parts, settings.stuckSeconds)
    this.#scope = new Scope({ report: (error) => parts.log.error('watching transactions failed', { error }) })
  }

  /** Takes up what an earlier run left, then looks after all in the background. @throws CodexError as the datastore */
  async start(): Promise<void> {
    const { journal, log } = this.#parts
    const { entries, damaged } = await journal.load()
    for (const error of damaged)
      log.error('a record of a sent transaction is damaged; look at the account before selling', { error })
    this.#earlier = entries
    const earlier = entries.map((entry) => this.watch(entry, -Infinity))
    this.#earlierOpen = earlier.filter(({ entry }) => entry.end === undefined)
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

  /** Of an earlier run, and under way when this one started. */
  get earlierOpen(): readonly Sent[] {
    return this.#earlierOpen
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
    let resolve: Watched['resolve'] = () => undefined
    let reject: Watched['reject'] = () => undefined
    const settled = new Promise<Settled>((fulfil, fail) => {
      resolve = fulfil
      reject = fail
    })
    // Of a transaction of an earlier run nobody waits for the end.
    settled.catch(() => undefined)
    const since = this.#parts.clock.now()
    const endedBlock = this.#parts.heads.latest.number
    const rest = { gone: undefined, checkedDepth: 0, endedBlock, isCapped: false, problem: undefined }
    const watched: Watched = { entry, settled, resolve, reject, since, sentAt, ...rest }
    this.#watched.set(entry.nonce, watched)
    if (this.#scope.signal.aborted) reject(stopped())
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
  async broadcast(raw: string): Promise<RpcAnswer | undefined> {
    const call = { method: 'eth_sendRawTransaction', params: [raw] }
    const answers = await this.#parts.rpc.callMany([call], { signal: this.#scope.signal }).catch(() => [])
    this.#parts.heads.hint()
    return answers[0]
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
    const { key, rpc } = this.#parts
    const count = { method: 'eth_getTransactionCount', params: [key.address, 'latest'] }
    const receipts = new Map<Watched, readonly (Receipt | undefined)[]>()
    /** @returns the answers to `calls` */
    const ask = async (some: readonly Watched[], ...calls: readonly RpcCall[]): Promise<RpcAnswer[]> => {
      const hashes = some.map(({ entry }) => entry.attempts.map(({ hash }) => hash))
      const answers = await rpc.callMany([...calls, ...hashes.flat().map(receiptCall)], options)
      let at = calls.length
      for (const [i, watched] of some.entries()) {
        const own = answers.slice(at, (at += (hashes[i] as string[]).length))
        receipts.set(
          watched,
          own.map((answer) => readReceipt(resultOf(answer))),
        )
      }
      return answers.slice(0, calls.length)
    }
    // Of many that wait in line, only the first are likely to be in the chain.
    const [mined] = await ask(due.slice(0, FIRST_RECEIPTS), count)
    const nextNonce = readNumber(resultOf(mined), 'a nonce')
    const rest = due.slice(FIRST_RECEIPTS).filter(({ entry }) => entry.nonce < nextNonce || entry.landed !== undefined)
    if (rest.length > 0) await ask(rest)
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
    if (!(await this.#gap.isStuck(nonce, ours, options)) || this.#watched.has(nonce)) return
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
    await this.#urge(watched, nextNonce, options)
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
    const failure = end === 'failed' ? await this.#reasonOf(attempt, receipt, entry) : undefined
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
    await this.#again(watched)
  }

  /**
   * Sends what waits once more; in its place a cancel when the act must not happen any more: its caller was told that it did not, or it would do
   * harm now. The cancel keeps those behind it from waiting, and the act from coming into a block after all.
   */
  async #again(watched: Watched): Promise<void> {
    const { entry } = watched
    const isAct = entry.attempts.at(-1)?.kind === 'act'
    if (!isAct || (await this.#mayHappen(entry))) return this.#resend(watched)
    const options = { signal: this.#scope.signal }
    if (await this.#replace(watched, 'cancel', options)) return
    this.#parts.log.warn('a transaction is held back: it must not happen now, and cannot be withdrawn', {
      verb: entry.verb,
      nonce: entry.nonce,
    })
  }

  /** @throws CodexError as an endpoint may fail: then nothing is known, and nothing may be sent */
  async #mayHappen({ told, safeAfter, slotId }: JournalEntry): Promise<boolean> {
    if (told !== undefined && told !== 'mined') return false
    if (safeAfter === undefined || slotId === undefined) return true
    return isCollectSafe(this.#parts, { slotId, safeAfter }, { signal: this.#scope.signal })
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
    await this.#end(watched, 'replaced', undefined)
    this.#parts.log.error('another transaction took a nonce of ours; is the key used elsewhere?', { nonce, verb })
    watched.reject(replaced(watched.entry, owner === 'another'))
  }

  /** Not in the chain yet: sends it again, or for more, or withdraws it. */
  async #urge(watched: Watched, nextNonce: number, options: AbortOptions): Promise<void> {
    const { clock, heads } = this.#parts
    const { attempts, validUntil, nonce } = watched.entry
    const last = attempts.at(-1) as Attempt
    // By a block that was made, for a clock that is wrong must not withdraw a proof that is due.
    const isOver = validUntil !== undefined && heads.latest.timestamp > validUntil && last.kind === 'act'
    const isStuck = clock.now() - Math.max(last.at, watched.since) >= this.#settings.stuckSeconds
    const isUnwanted = last.kind === 'act' && !(await this.#mayHappen(watched.entry))
    if (isUnwanted) return this.#again(watched)
    const kind = isOver ? 'cancel' : last.kind
    const forms = attempts.filter((attempt) => attempt.kind === kind).length
    // Those behind wait for the first one, whose money decides.
    if (nonce === nextNonce && (isOver || isStuck) && forms < MAX_ATTEMPTS) {
      if (await this.#replace(watched, kind, options)) return
    }
    if (clock.now() - watched.sentAt >= RESEND_SECONDS) await this.#again(watched)
  }

  /** False when a cap leaves no room to offer more. */
  async #replace(watched: Watched, kind: Attempt['kind'], options: AbortOptions): Promise<boolean> {
    const { clock, fees, journal, key, log } = this.#parts
    const { entry } = watched
    const { raw } = entry.attempts.at(-1) as Attempt
    const before = feesOf(raw)
    const more = raised(before, await fees.now(options), key.maxGasPriceWei)
    // A cancel is worth trying without more: nodes may have dropped what it replaces.
    const offer = more ?? (kind === 'cancel' ? before : undefined)
    if (offer === undefined) return false
    const signed = kind === 'cancel' ? key.signCancel(raw, offer) : key.signAgain(raw, offer)
    // To withdraw is never refused: it costs little, and what it prevents may cost much.
    if (kind === 'act' && !this.#mayCost(watched, signed.maxCostWei)) return false
    const replacement = { ...entry, attempts: [...entry.attempts, attemptOf(signed, kind, clock.now())] }
    await journal.write(replacement)
    watched.entry = replacement
    const what =
      kind === 'cancel' ? 'withdrawing a transaction that comes too late' : 'offering more for a stuck transaction'
    log.info(what, { verb: entry.verb, nonce: entry.nonce, maxFeePerGas: offer.maxFeePerGas })
    await this.#resend(watched)
    return true
  }

  #mayCost(watched: Watched, costWei: bigint): boolean {
    const { entry } = watched
    try {
      this.#settings.cap.check(
        costWei,
        entry.isDuty,
        this.open.filter(({ nonce }) => nonce !== entry.nonce),
      )
      watched.isCapped = false
      return true
    } catch (error) {
      if (!watched.isCapped)
        this.#parts.log.warn('a stuck transaction is not offered more for', {
          verb: entry.verb,
          nonce: entry.nonce,
          error,
        })
      watched.isCapped = true
      return false
    }
  }

  async #resend(watched: Watched): Promise<void> {
    watched.sentAt = this.#parts.clock.now()
    const { attempts, verb, nonce } = watched.entry
    const answer = await this.broadcast((attempts.at(-1) as Attempt).raw)
    const fate = fateOf(answer)
    if ((fate === 'refused' || fate === 'unknown') && answer?.ok === false && answer.error.code === 'market/rpc-error')
      this.#parts.log.warn('the endpoint refuses a transaction that waits', { verb, nonce, error: answer.error })
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
          : checkedDepth >= FINAL_DEPTH_BLOCKS),
    )
    await this.#parts.journal.forget(final.map(({ entry }) => entry.nonce))
    for (const { entry } of final) this.#watched.delete(entry.nonce)
  }

  /** A receipt does not say why: the same call is made once more at its block. */
  async #reasonOf({ raw }: Attempt, receipt: Receipt, { verb }: JournalEntry): Promise<CodexError> {
    const call = callOf(raw)
    if (receipt.gasUsed >= BigInt(call.gas)) return outOfGas(verb, BigInt(call.gas))
    const params = [call, blockTag(receipt.block)]
    const [answer] = await this.#parts.rpc.callMany([{ method: 'eth_call', params }], { signal: this.#scope.signal })
    const error = answer?.ok === false ? answer.error : undefined
    if (error?.code !== 'market/rpc-error') return revertError(verb, undefined, 'no reason was found', error)
    const { data, said } = (error as RpcError).detail
    return revertError(verb, data, said, error)
  }
}

export function attemptOf(signed: SignedTransaction, kind: Attempt['kind'], at: Seconds): Attempt {
  return { ...signed, kind, at }
}

export function receiptCall(hash: string): RpcCall {
  return { method: 'eth_getTransactionReceipt', params: [hash] }
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

/** @param isProven the other transaction was found in the chain */
function replaced({ verb, nonce }: JournalEntry, isProven: boolean): CodexError<'market/replaced'> {
  const message = `${verb}: another transaction took its nonce ${nonce}; use the key in one place only`
  return new CodexError('market/replaced', message, { detail: { verb, nonce, isProven } })
}

export function withdrawn({ verb, nonce }: JournalEntry): CodexError<'market/withdrawn'> {
  const message = `${verb}: it was not in the chain in time and has been withdrawn; nothing was done`
  return new CodexError('market/withdrawn', message, { detail: { verb, nonce } })
}

function outOfGas(verb: string, gas: bigint): CodexError<'market/out-of-gas'> {
  const message = `${verb}: ${gas} gas were not enough, because the chain changed meanwhile; try again`
  return new CodexError('market/out-of-gas', message, { detail: { verb, gas } })
}
