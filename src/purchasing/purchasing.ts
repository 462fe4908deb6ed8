// Purchasing: the client's side. Asks for storage, keeps what it asked for in mind over restarts, and looks after each purchase until its end.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import { ChildAbort } from '../lib/childabort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market } from '../market/market.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import { requestId } from '../protocol/ids.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import type { RequestId, StorageRequest } from '../protocol/request.ts'
import type { Change, Datastore } from '../storage/datastore.ts'
import { Purchase } from './purchase.ts'
import { PURCHASES_PREFIX, purchaseChange, purchaseIdOf, purchaseKey, readPurchase } from './purchaserecord.ts'
import { OVER, type PurchaseOutcome, type PurchasePhase } from './purchasestory.ts'
import type { PurchaseTerms } from './purchaseterms.ts'
import { checkTerms, requestFor } from './purchaseterms.ts'

/** Purchases that may go on at once. */
export const MAX_PURCHASES = 1000
/** Purchases that have ended and are still told of; the oldest are forgotten. */
export const MAX_ENDED_PURCHASES = 1000
const RETRY_SECONDS: Seconds = 5
/** How often, and how far apart, the chain is asked for a request that nothing was paid for, as far as anybody knew. */
const [ERRORED_LOOKS, ERRORED_SECONDS] = [6, 600]
/** Until the data of a purchase is tried to be kept again. */
const KEEP_AGAIN_SECONDS: Seconds = 60
/** The same where blocks are gone: every one is looked for. */
const MISSING_AGAIN_SECONDS: Seconds = 600
const DATA_MISSING = 'purchase/data-missing'

export interface PurchasingParts {
  readonly market: Market
  /** The chain's. */
  readonly clock: Clock
  readonly random: RandomSource
  readonly datastore: Datastore
  readonly log: Log
  /** Keeps every block of the dataset at least until then: hosts fetch them from us. */
  keepUntil(cid: Cid, expiry: Seconds, options: AbortOptions): Promise<{ readonly missingBlocks: number } | undefined>
  /** Hears of each phase on entry, and of the end. Must not throw. */
  readonly tell?: ((purchase: Purchase) => void) | undefined
  /** Hears of what a person has to know, and that all causes of one code are over. Must not throw. */
  readonly raise?: ((alert: RaisedAlert) => void) | undefined
  readonly over?: ((code: string) => void) | undefined
}

/** Marketplace reference §7.1. */
export class Purchasing {
  readonly #parts: PurchasingParts
  readonly #purchases = new Map<RequestId, Purchase>()
  /** Of which blocks are gone. */
  readonly #missing = new Set<RequestId>()
  #scope: Scope | undefined

  constructor(parts: PurchasingParts) {
    this.#parts = parts
  }

  /** All that is known of, the oldest first. */
  get purchases(): readonly Purchase[] {
    return [...this.#purchases.values()]
  }

  purchase(id: RequestId): Purchase | undefined {
    return this.#purchases.get(id)
  }

  /** Takes up what earlier runs asked for. The chain is asked in the background, for as long as it takes to answer. */
  async start({ signal }: AbortOptions): Promise<void> {
    if (this.#scope !== undefined) return
    const { market, datastore, log } = this.#parts
    const scope = new Scope({
      signal,
      report: (error, task) => log.error('a task of purchasing failed', { task, error }),
    })
    this.#scope = scope
    // Of an earlier run of this object: what had not ended goes on from its record.
    this.#purchases.clear()
    const damaged: RequestId[] = []
    for await (const [key, sealed] of datastore.entries(PURCHASES_PREFIX, { signal }))
      try {
        const { request, outcome } = readPurchase(key, sealed)
        // Of another key, which this one can take nothing back for.
        if (request.client === market.host) this.#takeUp(scope, { request, outcome })
        else log.warn('a purchase on record belongs to another key', { requestId: requestId(request) })
      } catch (error) {
        if (!CodexError.is(error, 'store/corrupted-record')) throw error
        const id = purchaseIdOf(key)
        if (id !== undefined) damaged.push(id)
        log.error('the record of a purchase is damaged; the chain is asked for it', { error })
      }
    scope.spawn('asking the chain for our requests', (inner) => this.#restore(scope, damaged, inner))
    scope.spawn('hearing of our requests', (inner) => this.#listen(scope, inner))
  }

  /** Settles when nothing of it runs any more. Purchases go on at the next start. */
  async stop(): Promise<void> {
    await this.#scope?.close()
    this.#scope = undefined
  }

  /**
   * Asks the market to have the dataset stored. Settles as soon as the purchase is on record; what becomes of it the purchase tells.
   * @param cid of `manifest`, whose slots are built
   * @throws CodexError `purchase/bad-terms`, `purchase/too-many`, `purchase/stopped`, and as `slotGeometry`
   */
  async request(cid: Cid, manifest: VerifiableManifest, terms: PurchaseTerms): Promise<Purchase> {
    const { market, random, datastore } = this.#parts
    const scope = this.#scope
    if (scope === undefined || scope.signal.aborted) throw stopped()
    if (this.purchases.filter(({ outcome }) => outcome === undefined).length >= MAX_PURCHASES)
      throw new CodexError(
        'purchase/too-many',
        `expected fewer than ${MAX_PURCHASES} purchases at once; wait for some`,
        {
          detail: { limit: MAX_PURCHASES },
        },
      )
    checkTerms(terms, market.terms)
    const request = requestFor({ cid, manifest }, terms, { client: market.host, random })
    const id = requestId(request)
    const known = this.#purchases.get(id)
    if (known !== undefined) return known
    const purchase = new Purchase({ id, request, isRestored: false })
    this.#purchases.set(id, purchase)
    // On record before anything is sent, so that a crash in between leaves something to look for.
    try {
      await datastore.commit([purchaseChange(id, { request, outcome: undefined })])
    } catch (error) {
      this.#purchases.delete(id)
      throw error
    }
    if (scope.signal.aborted) {
      if (this.#purchases.get(id) === purchase) this.#purchases.delete(id)
      // Nothing was sent. Where the record stays the next start finds that out from the chain.
      await datastore
        .commit([{ drop: purchaseKey(id) }])
        .catch((error: unknown) => this.#parts.log.warn('a purchase that was not begun stays on record', { error }))
      throw stopped()
    }
    this.#run(scope, purchase)
    return purchase
  }

  /**
   * Takes up a request of this key that is over, on record or not, and withdraws what is left.
   * @throws CodexError `purchase/stopped`, `purchase/not-found`, `purchase/not-ours`, `purchase/not-over` (it is taken up, and what is left is withdrawn
   * once it is over), `purchase/nothing-to-withdraw`, and as the market
   */
  async withdraw(id: RequestId, { signal }: AbortOptions): Promise<Purchase> {
    const { market, datastore } = this.#parts
    const scope = this.#scope
    if (scope === undefined || scope.signal.aborted) throw stopped()
    const refused = (what: string, sentence: string) =>
      new CodexError(`purchase/${what}`, sentence, { detail: { requestId: id } })
    const [request, state] = await Promise.all([market.request(id, { signal }), market.requestState(id, { signal })])
    if (request === undefined || state === undefined)
      throw refused('not-found', `the chain knows no request ${id}: check the id`)
    if (request.client !== market.host)
      throw refused('not-ours', `request ${id} belongs to ${request.client}, and this key is ${market.host}`)
    const end = OVER[state]
    if (end === undefined) {
      if (!scope.signal.aborted) this.#takeUp(scope, { request, outcome: undefined })
      throw refused('not-over', `request ${id} is not over yet; what is left is withdrawn once it is`)
    }
    const outcome = await market.withdrawFunds(id, { signal })
    if (!outcome.done)
      throw outcome.why === 'nothing to withdraw'
        ? refused('nothing-to-withdraw', `nothing is left of request ${id} to withdraw`)
        : refused('not-over', `request ${id} is not over yet: ask again in a minute`)
    const known = this.#purchases.get(id)
    if (known !== undefined && !this.#isErrored(id)) {
      known.poke()
      return known
    }
    const purchase = new Purchase({ id, request, outcome: { end }, isRestored: true })
    this.#purchases.set(id, purchase)
    await datastore.commit([purchaseChange(id, { request, outcome: { end } }), ...this.#tooOld()])
    return purchase
  }

  /** A purchase's end. Rejects with the signal's reason, or `purchase/stopped`. */
  async ended(purchase: Purchase, { signal }: AbortOptions): Promise<PurchaseOutcome> {
    const ended = this.#endings.get(purchase)
    if (purchase.outcome !== undefined) return purchase.outcome
    if (ended === undefined) throw new CodexError('purchase/stopped', 'the node stopped before this purchase ended')
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
      ended.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }

  readonly #endings = new WeakMap<Purchase, Promise<PurchaseOutcome>>()

  #takeUp(
    scope: Scope,
    { request, outcome }: { readonly request: StorageRequest; readonly outcome: PurchaseOutcome | undefined },
  ): void {
    const id = requestId(request)
    if (this.#purchases.has(id) && !this.#isErrored(id)) return
    const purchase = new Purchase({ id, request, outcome, isRestored: true })
    this.#purchases.set(id, purchase)
    if (outcome === undefined) this.#run(scope, purchase)
  }

  /** Nothing was paid, as far as an endpoint knew that may have lagged behind the chain. */
  #isErrored(id: RequestId): boolean {
    return this.#purchases.get(id)?.outcome?.end === 'errored'
  }

  #run(scope: Scope, purchase: Purchase): void {
    const { market, clock, log, datastore } = this.#parts
    scope.spawn(`purchase ${purchase.id}`, async () => {
      // One of its own: many purchases wait, and a platform warns of so many listeners on one signal.
      const abort = new ChildAbort(scope.signal)
      const ending = purchase.run({ market, clock, log }, abort.signal, (phase) => this.#keep(purchase, phase))
      this.#endings.set(purchase, ending)
      const outcome = await ending.finally(() => abort.leave())
      log.info('a purchase ended', { requestId: purchase.id, end: outcome.end })
      this.#parts.tell?.(purchase)
      this.#noneMissing(purchase.id)
      await datastore.commit([purchaseChange(purchase.id, { request: purchase.request, outcome }), ...this.#tooOld()])
      if (outcome.end === 'errored')
        scope.spawn(`asking again for ${purchase.id}`, (inner) => this.#askAgain(scope, purchase, inner))
    })
  }

  /** Whether the chain knows it after all: an endpoint that lags behind may catch up, and tell of nothing by itself. */
  async #askAgain(scope: Scope, { id, request }: Purchase, signal: AbortSignal): Promise<void> {
    const { market, clock } = this.#parts
    for (let look = 0; look < ERRORED_LOOKS && this.#isErrored(id); look++) {
      await clock.until(clock.now() + ERRORED_SECONDS, { signal })
      const found = await market.request(id, { signal }).catch(() => undefined)
      if (found !== undefined) return this.#takeUp(scope, { request, outcome: undefined })
    }
  }

  /** Forgets ended purchases beyond those that are told of. @returns what takes them off the record */
  #tooOld(): Change[] {
    const ended = this.purchases.filter(({ outcome }) => outcome !== undefined)
    const old = ended.slice(0, Math.max(0, ended.length - MAX_ENDED_PURCHASES))
    for (const { id } of old) this.#purchases.delete(id)
    return old.map(({ id }) => ({ drop: purchaseKey(id) }))
  }

  /** Hosts fetch the slots from us, and those that repair one may need any of them until the end. */
  async #keep(purchase: Purchase, phase: PurchasePhase): Promise<void> {
    const { request } = purchase
    const { clock, datastore, log } = this.#parts
    this.#parts.tell?.(purchase)
    if (phase.at !== 'submitted' && phase.at !== 'started') return
    const until = phase.at === 'started' ? phase.until : phase.expiry + Number(request.ask.duration)
    const scope = this.#scope
    if (scope === undefined) return
    // For whoever asks to remove the data, whether we run or not.
    await datastore
      .commit([purchaseChange(purchase.id, { request, outcome: undefined, until })])
      .catch((error: unknown) =>
        log.warn('how long a purchase goes on is not on record', { requestId: purchase.id, error }),
      )
    let again = await this.#keepsUntil(purchase, until, scope.signal)
    if (again === undefined) return
    scope.spawn(`keeping the data of purchase ${purchase.id}`, async (signal) => {
      while (again !== undefined && purchase.outcome === undefined) {
        await clock.until(clock.now() + again, { signal })
        if (purchase.outcome === undefined) again = await this.#keepsUntil(purchase, until, signal)
      }
    })
  }

  /** @returns how long until it is tried again; undefined when all of it is kept. A host that repairs a slot finds nothing of what is not. */
  async #keepsUntil({ id, request }: Purchase, until: Seconds, signal: AbortSignal): Promise<Seconds | undefined> {
    const cid = cidOf(request)
    // Asked for by another program: no data of ours has that name, and its money is followed all the same.
    if (cid === undefined) return undefined
    try {
      const missing = (await this.#parts.keepUntil(cid, until, { signal }))?.missingBlocks ?? 0
      if (missing === 0) return this.#noneMissing(id)
      return this.#isMissing(
        id,
        cid,
        `${missing} blocks of dataset ${cid}, for which request ${id} buys storage, are gone from this node`,
      )
    } catch (error) {
      signal.throwIfAborted()
      // The CID of something else: as much no dataset as bytes that are no CID.
      if (CodexError.is(error, 'dataset/not-a-manifest')) return undefined
      // Bought elsewhere with this key, or by an earlier run with another folder.
      if (CodexError.is(error, 'dataset/not-found'))
        return this.#isMissing(id, cid, `dataset ${cid}, for which request ${id} buys storage, is not on this node`)
      this.#parts.log.warn('the data of a purchase could not be kept longer; trying again', { requestId: id, error })
      return KEEP_AGAIN_SECONDS
    }
  }

  /** Told once. @returns how long until it is looked for again */
  #isMissing(id: RequestId, cid: Cid, cause: string): Seconds {
    if (!this.#missing.has(id)) {
      this.#missing.add(id)
      const action = `upload the file again, or download ${cid}: hosts fetch their slots from here`
      this.#parts.raise?.({ code: DATA_MISSING, cause, atStake: undefined, action })
    }
    return MISSING_AGAIN_SECONDS
  }

  #noneMissing(id: RequestId): undefined {
    if (this.#missing.delete(id) && this.#missing.size === 0) this.#parts.over?.(DATA_MISSING)
  }

  /**
   * Requests of ours that no record tells of, or that a record gave up: what the chain has must not be left alone.
   * @param damaged of records that cannot be read: of what is over the chain's list says nothing, though money may be left
   */
  async #restore(scope: Scope, damaged: readonly RequestId[], signal: AbortSignal): Promise<void> {
    const { market, clock, log } = this.#parts
    for (;;) {
      try {
        const givenUp = this.purchases.flatMap(({ id }) => (this.#isErrored(id) ? [id] : []))
        const failed: unknown[] = []
        for (const id of new Set([...(await market.myRequests({ signal })), ...givenUp, ...damaged]))
          try {
            const isLookedAfter = this.#purchases.has(id) && !this.#isErrored(id)
            const request = isLookedAfter ? undefined : await market.request(id, { signal })
            if (request?.client === market.host) this.#takeUp(scope, { request, outcome: undefined })
          } catch (error) {
            signal.throwIfAborted()
            // Those behind it do not wait for it: there may never be an answer.
            failed.push(error)
          }
        if (failed.length === 0) return
        log.warn('the chain told nothing of some of our requests; trying again', {
          requests: failed.length,
          error: failed[0],
        })
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the chain could not be asked for our requests; trying again', { error })
      }
      await clock.until(clock.now() + RETRY_SECONDS, { signal })
    }
  }

  async #listen(scope: Scope, signal: AbortSignal): Promise<void> {
    const { market, clock, log } = this.#parts
    for (;;)
      try {
        const from = await market.blockAt(clock.now(), { signal })
        for await (const event of market.events({ from, signal })) {
          const happened = event.type === 'undone' ? event.event : event
          const purchase = 'requestId' in happened ? this.#purchases.get(happened.requestId) : undefined
          purchase?.poke()
          // The endpoint has caught up with a request that it did not know.
          if (purchase !== undefined && this.#isErrored(purchase.id) && event.type !== 'undone')
            this.#takeUp(scope, { request: purchase.request, outcome: undefined })
        }
        return
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the events of the marketplace broke off; trying again', { error })
        await clock.until(clock.now() + RETRY_SECONDS, { signal })
      }
  }
}

function stopped(): CodexError<'purchase/stopped'> {
  return new CodexError('purchase/stopped', 'purchasing is not running: start the node first')
}

/** Undefined where the request names no dataset: the contract takes any bytes. */
function cidOf({ content }: StorageRequest): Cid | undefined {
  try {
    return decodeCid(content.cid)
  } catch {
    return undefined
  }
}
