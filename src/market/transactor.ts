// Sends the key's transactions: one sequence of nonces without gaps, each transaction signed within the caps and journaled before it is sent, but for
// unwritten.ts. What becomes of it then is senttransactions.ts's care; what is sent is decided by the callers.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotId } from '../protocol/request.ts'
import { type EarlierOptions, type EarlierSend, earlierSends } from './earliersend.ts'
import { GasEstimator } from './gasestimator.ts'
import { type Intent, intentKey, isDuty, type Order } from './intent.ts'
import type { Landed, OpenIntent, Spending } from './market.ts'
import type { SignedTransaction } from './nodekey.ts'
import { receiptCall } from './receiptlook.ts'
import { resultOf, stopped } from './rpcclient.ts'
import { type Receipt, badAnswer, readNumber, readReceipt } from './rpcvalues.ts'
import { fateOf, refusal } from './sendanswer.ts'
import { withdrawn } from './sendfailure.ts'
import type { JournalEntry } from './sendjournal.ts'
import type { SentParts, SentSettings } from './sentparts.ts'
import { attemptOf, type Sent, type Settled } from './senttransaction.ts'
import { SentTransactions } from './senttransactions.ts'
import { isCollectSafe, notOverYet } from './collectsafety.ts'
import { mayGoUnwritten, writeBeforeSending } from './unwritten.ts'

export type TransactorParts = SentParts
export type TransactorSettings = SentSettings

/** Transactions that may be under way at once. */
export const MAX_OPEN_INTENTS = 1024
/** How often a nonce that others took meanwhile is drawn anew. */
const MAX_NONCE_DRAWS = 3
/** What the chain said is acted on for so long: after a longer time the machine slept, or the endpoint did, and it is asked again. */
export const MAX_KNOWN_SECONDS: Seconds = 60
const MAX_WEIGHINGS = 3

export class Transactor {
  readonly #parts: TransactorParts
  readonly #settings: TransactorSettings
  readonly #estimator: GasEstimator
  readonly #sent: SentTransactions
  readonly #line = new Mutex()
  #isStopped = false

  constructor(parts: TransactorParts, settings: TransactorSettings) {
    this.#parts = parts
    this.#settings = settings
    this.#estimator = new GasEstimator(parts)
    this.#sent = new SentTransactions(parts, settings)
  }

  /** Takes up what an earlier run left. @throws CodexError as the datastore */
  start(): Promise<void> {
    return this.#sent.start()
  }

  /** Waits fail with `market/stopped`: the journal knows what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#sent.stop()
  }

  open(): OpenIntent[] {
    return this.#sent.open.map(({ verb, requestId, slotId, nonce, attempts }) => {
      const hashes = attempts.map(({ hash }) => hash)
      return { verb, requestId, slotId, nonce, hashes, stuck: this.#sent.stuck(nonce) }
    })
  }

  /** As {@link SpendingCap.state}. */
  spending(): Spending {
    return this.#settings.cap.state(this.#sent.open)
  }

  /** As {@link earlierSends}, of those that earlier runs left unanswered. */
  earlierSends(options: EarlierOptions): Promise<readonly EarlierSend[]> {
    return earlierSends(this.#sent.earlierUnanswered, this.#parts.clock, options)
  }

  /** As {@link SentTransactions.earlierEnded}. */
  earlierEnded(verbs: readonly OpenIntent['verb'][], options: AbortOptions): Promise<void> {
    return this.#sent.earlierEnded(verbs, options)
  }

  /** Whoever asked for the payment that was sent as `hash` knows that it was made. @throws CodexError as the datastore */
  markAnswered(hash: string): Promise<void> {
    return this.#sent.markAnswered(hash)
  }

  /** Receipts there are of transactions that did so, as far as this run and the one before it know. */
  async receiptsOf(verb: OpenIntent['verb'], slotId: SlotId, options: AbortOptions): Promise<Receipt[]> {
    const hashes = this.#sent.sentFor(verb, slotId).flatMap(({ attempts }) => attempts.map(({ hash }) => hash))
    if (hashes.length === 0) return []
    const answers = await this.#parts.rpc.callMany([...new Set(hashes)].map(receiptCall), options)
    return answers.map((answer) => readReceipt(resultOf(answer))).filter((receipt) => receipt !== undefined)
  }

  /**
   * Settles once it is in the chain, as deep as asked. The signal counts until signing. An act under way already is not sent again: both callers
   * get its end.
   * @throws CodexError `market/…` for what the contracts refuse, `market/out-of-gas`, `market/replaced`, `market/withdrawn`, `market/send-refused`,
   * `wallet/…` for what the caps refuse, or as the datastore: then nothing was sent
   */
  async send(order: Order, options: AbortOptions): Promise<Landed> {
    return (await this.settle(order, options)).landed
  }

  /** As {@link Transactor.send}, with what the receipt holds besides. */
  async settle(order: Order, { signal }: AbortOptions): Promise<Settled> {
    const same = this.#same(order.intent)
    if (same !== undefined) return same.settled
    const weighed = await this.#weigh(order, { signal })
    for (let draw = 1; ; draw++) {
      const { sent, isNonceUsed } = await this.#line.run(() => this.#sendInLine(order, weighed, signal), { signal })
      try {
        return await sent.settled
      } catch (error) {
        // Only once the chain shows that the nonce went to another transaction may the act be signed anew.
        const isOthers = CodexError.is(error, 'market/replaced') && error.detail['isProven'] === true
        if (!isNonceUsed || !isOthers || draw === MAX_NONCE_DRAWS) throw error
        this.#parts.log.warn('a nonce was used by others; is the key used elsewhere?', { nonce: sent.entry.nonce })
      }
    }
  }

  /** Whether this act is being sent, by this run or from the one before: then it is not sent again. */
  isUnderWay(intent: Intent): boolean {
    return this.#same(intent) !== undefined
  }

  #same(intent: Intent): Sent | undefined {
    const key = intentKey(intent)
    return key === undefined ? undefined : this.#sent.find(key)
  }

  async #sendInLine(
    order: Order,
    weighed: Weighed,
    signal: AbortSignal,
  ): Promise<{ readonly sent: Sent; readonly isNonceUsed: boolean }> {
    const { clock, heads, key } = this.#parts
    const same = this.#same(order.intent)
    if (same !== undefined) return { sent: same, isNonceUsed: false }
    if (this.#isStopped) throw stopped()
    heads.assertOurChain()
    if (this.#sent.open.length >= MAX_OPEN_INTENTS) throw tooManyOpen()
    const { entry, raw } = await this.#writeWhileKnown(order, weighed, signal)
    // From here on it counts as sent.
    const { nonce } = entry
    const sent = this.#sent.watch(entry, clock.now())
    const answer = await this.#sent.broadcast(raw)
    const fate = fateOf(answer)
    if (answer?.ok === false && answer.error.code === 'market/unreachable') this.#sent.resendSoon(nonce)
    // A used nonce may be our own doing, whose answer was lost: the watch finds out.
    if (fate !== 'refused') return { sent, isNonceUsed: fate === 'nonce used' }
    this.#sent.drop(nonce)
    await this.#unwrite(entry)
    throw refusal(answer, key.address)
  }

  /** Whether it would succeed, and for how much gas, as the chain is now. */
  async #weigh(order: Order, options: AbortOptions): Promise<Weighed> {
    const at = this.#parts.clock.now()
    return { at, gasLimit: await this.#estimator.estimate(order, options) }
  }

  /**
   * Signed and journaled. When the machine slept since the chain was asked, however far it had come, nothing of it counts: it is asked again.
   * @throws CodexError `market/withdrawn` when it comes too late by then
   */
  async #writeWhileKnown(
    order: Order,
    weighed: Weighed,
    signal: AbortSignal,
  ): Promise<{ readonly entry: JournalEntry; readonly raw: string }> {
    const { clock, heads, log } = this.#parts
    for (let { at, gasLimit } = weighed, weighing = 1; ; weighing++) {
      const { entry, raw } = await this.#sign(order, gasLimit, signal)
      await this.#writeFirst(entry)
      const seconds = clock.now() - at
      // An endpoint so slow each time is still better than none.
      if (seconds <= MAX_KNOWN_SECONDS || weighing === MAX_WEIGHINGS) return { entry, raw }
      await this.#unwrite(entry)
      log.info('what the chain said is too old to act on; asking again', { verb: entry.verb, seconds })
      await heads.look({ signal })
      if (order.validUntil !== undefined && heads.latest.timestamp > order.validUntil) throw withdrawn(entry)
      ;({ at, gasLimit } = await this.#weigh(order, { signal }))
    }
  }

  async #sign(
    order: Order,
    gasLimit: bigint,
    signal: AbortSignal,
  ): Promise<{ readonly entry: JournalEntry; readonly raw: string }> {
    const { clock, contracts, fees: feeSource, heads, key } = this.#parts
    const fees = await feeSource.now({ signal })
    await this.#assertSafe(order, { signal })
    const nonce = Math.max(this.#sent.nextNonce, await this.#pendingNonce({ signal }))
    signal.throwIfAborted()
    const signed = key.sign(order.intent, contracts, { chainId: heads.chainId, nonce, gasLimit, fees })
    this.#settings.cap.check(signed.maxCostWei, isDuty(order.intent), this.#sent.open)
    return { entry: entryOf(order, nonce, signed, clock.now()), raw: signed.raw }
  }

  /** Looked at as the last thing before signing. @throws CodexError `market/not-over-yet` */
  async #assertSafe({ intent, safeAfter }: Order, options: AbortOptions): Promise<void> {
    if (safeAfter === undefined || !('slotId' in intent)) return
    const { slotId } = intent
    if (!(await isCollectSafe(this.#parts, { slotId, safeAfter }, options))) throw notOverYet({ slotId, safeAfter })
  }

  /**
   * What was perhaps written must not be sent by a later start when the caller hears of a failure now. To remove it makes room for what is written
   * next, where the platform keeps some for that.
   */
  async #writeFirst(entry: JournalEntry): Promise<void> {
    const { journal } = this.#parts
    try {
      await journal.write(entry)
    } catch (error) {
      await journal.forget([entry.nonce]).catch(() => undefined)
      if (!mayGoUnwritten(entry, error)) throw error
      await writeBeforeSending(this.#parts, entry)
    }
  }

  /** It was not sent, and will not be. Of a proof that cannot be removed either nothing bad may come. @throws CodexError as the datastore */
  async #unwrite(entry: JournalEntry): Promise<void> {
    try {
      await this.#parts.journal.forget([entry.nonce])
    } catch (error) {
      if (!mayGoUnwritten(entry, error)) throw error
    }
  }

  /** Behind all that the endpoint knows of. */
  async #pendingNonce(options: AbortOptions): Promise<number> {
    const { key, rpc } = this.#parts
    const count = (tag: string) => ({ method: 'eth_getTransactionCount', params: [key.address, tag] })
    const answers = await rpc.callMany([count('latest'), count('pending')], options)
    const [latest = 0, pending = 0] = answers.map((answer) => readNumber(resultOf(answer), 'a nonce'))
    // A nonce far ahead would wait for ever, and all after it.
    if (pending <= latest + 2 * MAX_OPEN_INTENTS) return Math.max(latest, pending)
    throw badAnswer(`a nonce from ${latest} to ${latest + 2 * MAX_OPEN_INTENTS}`, pending)
  }
}

/** What an endpoint said of an order, and when it was asked. */
interface Weighed {
  readonly gasLimit: bigint
  readonly at: Seconds
}

function entryOf(
  { intent, validUntil, safeAfter }: Order,
  nonce: number,
  signed: SignedTransaction,
  at: number,
): JournalEntry {
  return {
    nonce,
    verb: intent.verb,
    key: intentKey(intent),
    requestId: 'requestId' in intent ? intent.requestId : undefined,
    slotId: 'slotId' in intent ? intent.slotId : undefined,
    validUntil,
    safeAfter,
    isDuty: isDuty(intent),
    attempts: [attemptOf(signed, 'act', at)],
    end: undefined,
    landed: undefined,
  }
}

function tooManyOpen(): CodexError<'market/too-many-open'> {
  return new CodexError('market/too-many-open', `${MAX_OPEN_INTENTS} transactions are under way; wait for some to end`)
}
