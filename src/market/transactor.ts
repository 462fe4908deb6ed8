// Sends the key's transactions: one sequence of nonces, each transaction journaled before it is sent, watched until it is in the chain for good,
// sent anew when dropped, replaced when stuck, withdrawn when of no use any more. What is sent is decided by its callers.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Mutex } from '../lib/mutex.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { ChainClock } from './chainclock.ts'
import { type FeeSource, raised } from './feesource.ts'
import { GasEstimator } from './gasestimator.ts'
import type { HeadWatch } from './headwatch.ts'
import { type Intent, intentKey, isDuty, type Order } from './intent.ts'
import type { Contracts } from './intentcall.ts'
import type { Landed, OpenIntent } from './market.ts'
import { callOf, feesOf, type NodeKey, type SignedTransaction } from './nodekey.ts'
import { revertError } from './reverts.ts'
import { type RpcAnswer, type RpcCall, type RpcClient, resultOf, stopped } from './rpcclient.ts'
import type { RpcError } from './rpcerror.ts'
import { type Receipt, readNumber, readReceipt } from './rpcvalues.ts'
import { fateOf, refusal } from './sendanswer.ts'
import type { Attempt, EntryEnd, JournalEntry, SendJournal } from './sendjournal.ts'
import { blockTag } from './logreader.ts'

export interface TransactorParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly fees: FeeSource
  readonly key: NodeKey
  readonly journal: SendJournal
  readonly contracts: Contracts
  /** The machine's. */
  readonly clock: Clock
  readonly chainClock: ChainClock
  readonly log: Log
}

export interface TransactorSettings {
  /** Blocks, its own included, until a transaction counts as done. */
  readonly confirmations: number
  /** For gas and coins sent, in a day; the last fifth is kept for duties. */
  readonly maxDailySpendWei: bigint
  /** Not mined for so long, a transaction is sent again for more money. */
  readonly stuckSeconds: Seconds
}

/** Transactions that may be under way at once. */
export const MAX_OPEN_INTENTS = 1024
/** Forms of one transaction; then it is only sent again as it is. */
export const MAX_ATTEMPTS = 8
/** A transaction this deep in the chain is watched no more. */
export const FINAL_DEPTH_BLOCKS = 64
/** Depths at which a transaction in the chain is looked for once more, in case a reorganisation went unseen. */
const RECHECK_DEPTHS = [1, 2, 3, 5, 8, 12, 20, 32, FINAL_DEPTH_BLOCKS]
const RESEND_SECONDS: Seconds = 15
/** Looks, and seconds, until a used nonce without a receipt of ours counts as taken by another: an endpoint may be late with receipts. */
const GONE_LOOKS = 5
const GONE_SECONDS: Seconds = 20
const MAX_NONCE_DRAWS = 3

interface Watched {
  entry: JournalEntry
  readonly settled: Promise<Landed>
  readonly resolve: (landed: Landed) => void
  readonly reject: (error: unknown) => void
  /** Seen in the chain, perhaps not deep enough yet. */
  receipt: Receipt | undefined
  sentAt: Seconds
  /** Looks that found the nonce used and no receipt, and since when. */
  gone: { looks: number; readonly since: Seconds } | undefined
  checkedDepth: number
}

export class Transactor {
  readonly #parts: TransactorParts
  readonly #settings: TransactorSettings
  readonly #estimator: GasEstimator
  readonly #scope: Scope
  readonly #line = new Mutex()
  /** By nonce: everything that is not final. */
  readonly #watched = new Map<number, Watched>()
  #isStopped = false
  #seenReorgs = 0

  constructor(parts: TransactorParts, settings: TransactorSettings) {
    this.#parts = parts
    this.#settings = settings
    this.#estimator = new GasEstimator(parts)
    this.#scope = new Scope({ report: (error) => parts.log.error('watching transactions failed', { error }) })
  }

  /** Takes up what an earlier run left, then watches in the background. @throws CodexError as the datastore */
  async start(): Promise<void> {
    const { entries, damaged } = await this.#parts.journal.load()
    for (const error of damaged)
      this.#parts.log.error('a record of a sent transaction is damaged; look at the account before selling', { error })
    for (const entry of entries) this.#watch(entry, -Infinity)
    const open = entries.filter(({ end }) => end === undefined)
    if (open.length > 0)
      this.#parts.log.info('transactions of an earlier run are looked after', {
        nonces: open.map(({ nonce }) => nonce),
      })
    this.#scope.spawn('transaction watch', (signal) => this.#follow(signal))
  }

  /** Waits fail with `market/stopped`: the journal knows what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#scope.close()
    for (const { reject } of this.#watched.values()) reject(stopped())
  }

  open(): OpenIntent[] {
    return [...this.#watched.values()]
      .filter(({ entry }) => entry.end === undefined)
      .map(({ entry: { verb, requestId, slotId, nonce, attempts } }) => {
        return { verb, requestId, slotId, nonce, hashes: attempts.map(({ hash }) => hash) }
      })
  }

  /**
   * Settles once it is in the chain, as deep as asked. The signal counts until signing.
   * @throws CodexError `market/…` for what the contracts refuse, `market/out-of-gas`, `market/replaced`, `market/withdrawn`,
   * `wallet/…` for what the caps refuse, or as the datastore: then nothing was sent
   */
  async send(order: Order, { signal }: AbortOptions): Promise<Landed> {
    const same = this.#same(order.intent)
    if (same !== undefined) return same.settled
    const gasLimit = await this.#estimator.estimate(order, { signal })
    const watched = await this.#line.run(() => this.#sendInLine(order, gasLimit, signal), { signal })
    return watched.settled
  }

  #same(intent: Intent): Watched | undefined {
    const key = intentKey(intent)
    if (key === undefined) return undefined
    return [...this.#watched.values()].find(({ entry }) => entry.key === key && entry.end === undefined)
  }

  async #sendInLine(order: Order, gasLimit: bigint, signal: AbortSignal): Promise<Watched> {
    const same = this.#same(order.intent)
    if (same !== undefined) return same
    if (this.#isStopped) throw stopped()
    this.#parts.heads.assertOurChain()
    if (this.#openCount() >= MAX_OPEN_INTENTS) throw tooManyOpen()
    const fees = await this.#parts.fees.now({ signal })
    let least = 0
    for (let draw = 1; ; draw++) {
      const nonce = await this.#nextNonce(least, { signal })
      signal.throwIfAborted()
      const signed = this.#parts.key.sign(order.intent, this.#parts.contracts, {
        chainId: this.#parts.heads.chainId,
        nonce,
        gasLimit,
        fees,
      })
      this.#assertWithinCap(signed.maxCostWei, isDuty(order.intent))
      const entry = this.#entry(order, nonce, signed)
      await this.#writeFirst(entry)
      // From here on it counts as sent.
      const answer = await this.#broadcast(signed.raw)
      const fate = fateOf(answer)
      if (fate === 'taken' || fate === 'unknown') return this.#watch(entry, this.#parts.clock.now())
      if (fate === 'nonce used' && (await this.#isInChain(signed.hash))) return this.#watch(entry, -Infinity)
      await this.#parts.journal.forget([nonce])
      if (fate === 'refused' || draw === MAX_NONCE_DRAWS) throw refusal(answer, this.#parts.key.address)
      this.#parts.log.warn('a nonce was used by others; is the key used elsewhere?', { nonce })
      least = nonce + 1
    }
  }

  #entry({ intent, validUntil }: Order, nonce: number, signed: SignedTransaction): JournalEntry {
    return {
      nonce,
      verb: intent.verb,
      key: intentKey(intent),
      requestId: 'requestId' in intent ? intent.requestId : undefined,
      slotId: 'slotId' in intent ? intent.slotId : undefined,
      validUntil,
      isDuty: isDuty(intent),
      attempts: [this.#attempt(signed, 'act')],
      end: undefined,
      landed: undefined,
    }
  }

  #attempt(signed: SignedTransaction, kind: Attempt['kind']): Attempt {
    return { ...signed, kind, at: this.#parts.clock.now() }
  }

  /** What was perhaps written must not be sent by a later start when the caller hears of a failure now. */
  async #writeFirst(entry: JournalEntry): Promise<void> {
    try {
      await this.#parts.journal.write(entry)
    } catch (error) {
      await this.#parts.journal.forget([entry.nonce]).catch(() => undefined)
      throw error
    }
  }

  /** Behind all that may be under way, ours by the journal and others' by the endpoint's word. */
  async #nextNonce(least: number, options: AbortOptions): Promise<number> {
    const params = [this.#parts.key.address, 'pending']
    const pending = readNumber(await this.#parts.rpc.call('eth_getTransactionCount', params, options), 'a nonce')
    return Math.max(least, pending, ...[...this.#watched.keys()].map((nonce) => nonce + 1))
  }

  #openCount(): number {
    return [...this.#watched.values()].filter(({ entry }) => entry.end === undefined).length
  }

  #assertWithinCap(costWei: bigint, duty: boolean): void {
    const { maxDailySpendWei } = this.#settings
    const share = duty ? maxDailySpendWei : (maxDailySpendWei * 4n) / 5n
    const underWay = [...this.#watched.values()]
      .filter(({ entry }) => entry.end === undefined)
      .reduce((sum, { entry }) => sum + (entry.attempts.at(-1)?.maxCostWei ?? 0n), 0n)
    const spent = this.#parts.journal.spent(this.#parts.clock.now())
    if (spent + underWay + costWei <= share) return
    throw new CodexError(
      'wallet/daily-cap',
      `spent ${spent} wei in the last day, ${underWay} may follow, ${costWei} more would exceed the cap of ${share}; wait or raise the cap`,
      { detail: { spent, underWay, costWei, cap: share } },
    )
  }

  async #broadcast(raw: string): Promise<RpcAnswer | undefined> {
    const call = { method: 'eth_sendRawTransaction', params: [raw] }
    const answers = await this.#parts.rpc.callMany([call], { signal: this.#scope.signal }).catch(() => [])
    this.#parts.heads.hint()
    return answers[0]
  }

  async #isInChain(hash: string): Promise<boolean> {
    const options = { signal: this.#scope.signal }
    const [answer] = await this.#parts.rpc.callMany([{ method: 'eth_getTransactionByHash', params: [hash] }], options)
    return answer?.ok === true && answer.result !== null
  }

  #watch(entry: JournalEntry, sentAt: Seconds): Watched {
    let resolve: Watched['resolve'] = () => undefined
    let reject: Watched['reject'] = () => undefined
    const settled = new Promise<Landed>((fulfil, fail) => {
      resolve = fulfil
      reject = fail
    })
    // Of a transaction of an earlier run nobody waits for the end.
    settled.catch(() => undefined)
    const watched: Watched = {
      entry,
      settled,
      resolve,
      reject,
      receipt: undefined,
      sentAt,
      gone: undefined,
      checkedDepth: 0,
    }
    this.#watched.set(entry.nonce, watched)
    if (this.#isStopped) reject(stopped())
    return watched
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { heads, log } = this.#parts
    for (let polls = -1; !signal.aborted;) {
      polls = await heads.next(polls, { signal })
      try {
        await this.#look(signal)
      } catch (error) {
        if (!signal.aborted) log.debug('no usable look at our transactions; looking again', { error })
      }
    }
  }

  /** One look at everything that is not final. */
  async #look(signal: AbortSignal): Promise<void> {
    const { heads, key, rpc } = this.#parts
    const hasReorg = heads.reorgs !== this.#seenReorgs
    const due = [...this.#watched.values()].filter((watched) => this.#isDue(watched, hasReorg))
    if (due.length === 0) return this.#forgetFinal()
    const calls: RpcCall[] = due.flatMap(({ entry }) => entry.attempts.map(({ hash }) => receiptCall(hash)))
    const count = { method: 'eth_getTransactionCount', params: [key.address, 'latest'] }
    const [mined, ...answers] = await rpc.callMany([count, ...calls], { signal })
    const nextNonce = readNumber(resultOf(mined), 'a nonce')
    let at = 0
    for (const watched of due) {
      const receipts = answers.slice(at, (at += watched.entry.attempts.length)).map((one) => readReceipt(resultOf(one)))
      await this.#judge(watched, receipts, nextNonce, signal)
    }
    this.#seenReorgs = heads.reorgs
    await this.#forgetFinal()
  }

  #isDue(watched: Watched, hasReorg: boolean): boolean {
    if (watched.entry.end === undefined) return true
    const depth = this.#depth(watched.entry)
    if (depth === undefined) return false
    const passed = RECHECK_DEPTHS.filter((step) => step <= depth).at(-1) ?? 0
    return hasReorg || depth < 1 || passed > watched.checkedDepth
  }

  /** Blocks from its own to the newest, both included. */
  #depth({ landed }: JournalEntry): number | undefined {
    return landed === undefined ? undefined : this.#parts.heads.latest.number - landed.block + 1
  }

  async #judge(
    watched: Watched,
    receipts: readonly (Receipt | undefined)[],
    nextNonce: number,
    signal: AbortSignal,
  ): Promise<void> {
    const index = receipts.findIndex((receipt) => receipt !== undefined)
    const receipt = receipts[index]
    if (receipt !== undefined) return this.#found(watched, receipt, watched.entry.attempts[index] as Attempt)
    if (watched.entry.end !== undefined) return this.#lost(watched, nextNonce)
    if (nextNonce > watched.entry.nonce) return this.#gone(watched)
    watched.gone = undefined
    await this.#urge(watched, nextNonce, signal)
  }

  async #found(watched: Watched, receipt: Receipt, attempt: Attempt): Promise<void> {
    watched.gone = undefined
    const landed: Landed = {
      hash: receipt.hash,
      block: receipt.block,
      blockHash: receipt.blockHash,
      gasUsed: receipt.gasUsed,
      feeWei: receipt.feeWei,
    }
    const depth = this.#parts.heads.latest.number - receipt.block + 1
    watched.checkedDepth = Math.max(depth, 0)
    if (watched.entry.end !== undefined) {
      if (watched.entry.landed?.blockHash !== landed.blockHash) await this.#write({ ...watched.entry, landed }, watched)
      return
    }
    watched.receipt = receipt
    // The head may be a look behind the receipt: one confirmation is the receipt itself.
    if (Math.max(depth, 1) < this.#settings.confirmations) return
    const end: EntryEnd = attempt.kind === 'cancel' ? 'cancelled' : receipt.succeeded ? 'mined' : 'failed'
    const failure = end === 'failed' ? await this.#reasonOf(attempt, receipt, watched.entry) : undefined
    await this.#end(watched, end, landed)
    if (end === 'mined') watched.resolve(landed)
    else watched.reject(failure ?? withdrawn(watched.entry))
  }

  /** It was in the chain, and is not any more. */
  async #lost(watched: Watched, nextNonce: number): Promise<void> {
    const { entry } = watched
    if (entry.end === 'replaced' || nextNonce > entry.nonce) return
    this.#parts.log.warn('a reorganisation took a transaction of ours out of the chain; sending it again', {
      verb: entry.verb,
      nonce: entry.nonce,
    })
    watched.receipt = undefined
    watched.checkedDepth = 0
    await this.#write({ ...entry, end: undefined, landed: undefined }, watched)
    await this.#resend(watched)
  }

  /** The nonce is used, and no receipt of ours is there: late, or another's. */
  async #gone(watched: Watched): Promise<void> {
    const now = this.#parts.clock.now()
    watched.gone ??= { looks: 0, since: now }
    watched.gone.looks++
    if (watched.gone.looks < GONE_LOOKS || now - watched.gone.since < GONE_SECONDS) return
    await this.#end(watched, 'replaced', undefined)
    const { nonce, verb } = watched.entry
    this.#parts.log.error('another transaction took a nonce of ours; is the key used elsewhere?', { nonce, verb })
    watched.reject(
      new CodexError(
        'market/replaced',
        `${verb}: another transaction took its nonce ${nonce}; use the key in one place only`,
        {
          detail: { verb, nonce },
        },
      ),
    )
  }

  /** Not in the chain yet: sends it again, or for more, or withdraws it. */
  async #urge(watched: Watched, nextNonce: number, signal: AbortSignal): Promise<void> {
    const { clock, chainClock } = this.#parts
    const { attempts, validUntil, nonce } = watched.entry
    const last = attempts.at(-1) as Attempt
    const isOver = validUntil !== undefined && chainClock.now() > validUntil && last.kind === 'act'
    const isStuck = clock.now() - last.at >= this.#settings.stuckSeconds
    // Those behind wait for the first one, whose money decides.
    if (nonce === nextNonce && (isOver || isStuck) && attempts.length < MAX_ATTEMPTS) {
      if (await this.#replace(watched, isOver ? 'cancel' : last.kind, signal)) return
    }
    if (clock.now() - watched.sentAt >= RESEND_SECONDS) await this.#resend(watched)
  }

  /** False when the cap leaves no room to offer more. */
  async #replace(watched: Watched, kind: Attempt['kind'], signal: AbortSignal): Promise<boolean> {
    const { fees, key, log } = this.#parts
    const { attempts, verb, nonce } = watched.entry
    const { raw } = attempts.at(-1) as Attempt
    const offer = raised(feesOf(raw), await fees.now({ signal }), key.maxGasPriceWei)
    if (offer === undefined) return false
    const signed = kind === 'cancel' ? key.signCancel(raw, offer) : key.signAgain(raw, offer)
    const attempt = this.#attempt(signed, kind)
    await this.#parts.journal.write({ ...watched.entry, attempts: [...attempts, attempt] })
    watched.entry = { ...watched.entry, attempts: [...attempts, attempt] }
    log.info(
      kind === 'cancel' ? 'withdrawing a transaction that comes too late' : 'offering more for a stuck transaction',
      {
        verb,
        nonce,
        maxFeePerGas: offer.maxFeePerGas,
      },
    )
    await this.#resend(watched)
    return true
  }

  async #resend(watched: Watched): Promise<void> {
    watched.sentAt = this.#parts.clock.now()
    await this.#broadcast((watched.entry.attempts.at(-1) as Attempt).raw)
  }

  async #end(watched: Watched, end: EntryEnd, landed: Landed | undefined): Promise<void> {
    const entry = { ...watched.entry, end, landed }
    const costWei = (landed?.feeWei ?? 0n) + (end === 'mined' ? valueOf(watched.entry) : 0n)
    try {
      await this.#parts.journal.writeEnd(entry, costWei, this.#parts.clock.now())
    } catch (error) {
      // The chain has decided, and the next start will find out the same.
      this.#parts.log.error('how a transaction ended could not be written down', { error, nonce: entry.nonce })
    }
    watched.entry = entry
  }

  async #write(entry: JournalEntry, watched: Watched): Promise<void> {
    watched.entry = entry
    await this.#parts.journal
      .write(entry)
      .catch((error: unknown) => this.#parts.log.error('the journal cannot be written', { error, nonce: entry.nonce }))
  }

  async #forgetFinal(): Promise<void> {
    const final = [...this.#watched.values()].filter(({ entry, checkedDepth }) => {
      if (entry.end === undefined) return false
      return entry.landed === undefined || checkedDepth >= FINAL_DEPTH_BLOCKS
    })
    if (final.length === 0) return
    await this.#parts.journal.forget(final.map(({ entry }) => entry.nonce))
    for (const { entry } of final) this.#watched.delete(entry.nonce)
  }

  /** A receipt does not say why: the same call is made once more at its block. */
  async #reasonOf({ raw }: Attempt, receipt: Receipt, { verb }: JournalEntry): Promise<CodexError> {
    const call = callOf(raw)
    if (receipt.gasUsed >= BigInt(call.gas)) return outOfGas(verb, call.gas)
    const params = [call, blockTag(receipt.block)]
    const options = { signal: this.#scope.signal }
    const [answer] = await this.#parts.rpc.callMany([{ method: 'eth_call', params }], options)
    const error = answer?.ok === false ? answer.error : undefined
    if (error?.code !== 'market/rpc-error') return revertError(verb, undefined, 'no reason was found', error)
    const { data, said } = (error as RpcError).detail
    return revertError(verb, data, said, error)
  }
}

function receiptCall(hash: string): RpcCall {
  return { method: 'eth_getTransactionReceipt', params: [hash] }
}

/** Coins sent along. */
function valueOf({ attempts }: JournalEntry): bigint {
  return BigInt(callOf((attempts[0] as Attempt).raw).value)
}

function withdrawn({ verb, nonce }: JournalEntry): CodexError<'market/withdrawn'> {
  const message = `${verb}: it was not in the chain in time and has been withdrawn; nothing was done`
  return new CodexError('market/withdrawn', message, { detail: { verb, nonce } })
}

function outOfGas(verb: string, gas: string): CodexError<'market/out-of-gas'> {
  const message = `${verb}: ${BigInt(gas)} gas were not enough, because the chain changed meanwhile; try again`
  return new CodexError('market/out-of-gas', message, { detail: { verb, gas: BigInt(gas) } })
}

function tooManyOpen(): CodexError<'market/too-many-open'> {
  return new CodexError('market/too-many-open', `${MAX_OPEN_INTENTS} transactions are under way; wait for some to end`)
}
