// Gets a transaction that waits into the chain, or out of the way: sends it anew, offers more for it, withdraws it; and says so where a cap allows neither.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { isCollectSafe } from './collectsafety.ts'
import { raised } from './feesource.ts'
import { feesOf } from './nodekey.ts'
import { PENDING_BLOCK, pendingTime } from './pendingblock.ts'
import type { RpcAnswer } from './rpcclient.ts'
import { fateOf } from './sendanswer.ts'
import { stuck } from './sendfailure.ts'
import type { Attempt, JournalEntry } from './sendjournal.ts'
import type { SentParts, SentSettings } from './sentparts.ts'
import { attemptOf, type Watched } from './senttransaction.ts'
import { writeBeforeSending } from './unwritten.ts'

/** Forms of one transaction, and again of its cancel; then it is only sent again as it is. */
export const MAX_ATTEMPTS = 8
export const RESEND_SECONDS: Seconds = 15
/** A next block further from the latest is not believed. */
const MAX_BLOCK_SECONDS: Seconds = 60

/** Where a proof is due, what waits is offered more for when it waited for so much of the time left, and for so many blocks. */
const PRESSED_SHARE = 0.25
const PRESSED_BLOCKS = 2

const LOOK_THERE = 'look whether the endpoint passes transactions on'

export class Urging {
  readonly #parts: SentParts
  readonly #settings: SentSettings
  readonly #open: () => readonly JournalEntry[]
  readonly #signal: AbortSignal

  /** @param open all that are under way @param signal ends what it asks for */
  constructor(parts: SentParts, settings: SentSettings, open: () => readonly JournalEntry[], signal: AbortSignal) {
    this.#parts = parts
    this.#settings = settings
    this.#open = open
    this.#signal = signal
  }

  /** What the endpoint said to it; undefined when we were stopped meanwhile. */
  async broadcast(raw: string): Promise<RpcAnswer | undefined> {
    const call = { method: 'eth_sendRawTransaction', params: [raw] }
    const answers = await this.#parts.rpc.callMany([call], { signal: this.#signal }).catch(() => [])
    this.#parts.heads.hint()
    return answers[0]
  }

  /** Not in the chain yet: sends it again, or for more, or withdraws it. */
  async urge(watched: Watched, nextNonce: number, options: AbortOptions): Promise<void> {
    const { clock, heads } = this.#parts
    const { attempts, validUntil, nonce } = watched.entry
    const last = attempts.at(-1) as Attempt
    // By a block that was made, for a clock that is wrong must not withdraw a proof that is due.
    const isOver = validUntil !== undefined && heads.latest.timestamp > validUntil && last.kind === 'act'
    const isUnwanted = last.kind === 'act' && !(await this.#mayHappen(watched.entry))
    if (isUnwanted) return this.again(watched)
    const waited = clock.now() - Math.max(last.at, watched.since)
    const deadline = this.#deadlineFrom(nonce)
    const isPressed =
      deadline !== undefined &&
      heads.latest.number - watched.formBlock >= PRESSED_BLOCKS &&
      waited >= (deadline - heads.latest.timestamp) * PRESSED_SHARE
    // Those behind wait for the first one, whose money decides; but where a proof is due there may be no time for one after the other.
    const isFirst = nonce === nextNonce
    const isItsTurn = isOver
      ? isFirst || deadline !== undefined
      : isPressed || (isFirst && waited >= this.#settings.stuckSeconds)
    if (isItsTurn && (await this.#getOn(watched, { isOver, isFirst, isPressed }, options))) return
    if (clock.now() - watched.sentAt >= RESEND_SECONDS) await this.again(watched)
  }

  /** @returns whether it goes on in a new form */
  async #getOn(
    watched: Watched,
    {
      isOver,
      isFirst,
      isPressed,
    }: { readonly isOver: boolean; readonly isFirst: boolean; readonly isPressed: boolean },
    options: AbortOptions,
  ): Promise<boolean> {
    const { attempts, isDuty, nonce, validUntil } = watched.entry
    const kind = isOver ? 'cancel' : (attempts.at(-1) as Attempt).kind
    const forms = attempts.filter((attempt) => attempt.kind === kind).length
    const hindrance: Hindrance | undefined =
      forms >= MAX_ATTEMPTS
        ? { why: `${MAX_ATTEMPTS} times more was offered in vain; ${LOOK_THERE}`, isByPrice: false }
        : await this.#replace(watched, { kind, isPressed }, options)
    if (hindrance === undefined) return true
    // What can be done later makes way for proofs, which cannot. Where the price is too high for it, it is for them.
    const makesWay = kind === 'act' && !hindrance.isByPrice && !(isDuty && validUntil !== undefined)
    if (makesWay && this.#holdsUpProofs(nonce)) {
      if ((await this.#replace(watched, { kind: 'cancel', isPressed }, options)) === undefined) return true
    }
    if (isFirst) this.#tellStuck(watched, hindrance)
    return false
  }

  /** Chain time at which the first of the proofs that wait at `nonce` or behind is of no use any more; undefined where none is due. */
  #deadlineFrom(nonce: number): Seconds | undefined {
    const now = this.#parts.heads.latest.timestamp
    return this.#open().reduce<Seconds | undefined>((first, entry) => {
      const isDue = entry.nonce >= nonce && isProof(entry) && entry.validUntil >= now
      return isDue && entry.attempts.at(-1)?.kind === 'act' ? Math.min(first ?? Infinity, entry.validUntil) : first
    }, undefined)
  }

  /** Those of a period that is over count too: the sale of each waits for its end before it proves the next. */
  #holdsUpProofs(nonce: number): boolean {
    return this.#open().some((entry) => entry.nonce > nonce && isProof(entry))
  }

  /**
   * Sends what waits once more; in its place a cancel when the act must not happen any more: its caller was told that it did not, or it would do
   * harm now. The cancel keeps those behind it from waiting, and the act from coming into a block after all.
   */
  async again(watched: Watched): Promise<void> {
    const { entry } = watched
    const isAct = entry.attempts.at(-1)?.kind === 'act'
    if (!isAct || (await this.#mayHappen(entry))) return this.#resend(watched)
    const options = { signal: this.#signal }
    const hindrance = await this.#replace(watched, { kind: 'cancel', isPressed: false }, options)
    if (hindrance === undefined) return
    this.#tellStuck(watched, hindrance)
    this.#parts.log.warn('a transaction is held back: it must not happen now, and cannot be withdrawn', {
      verb: entry.verb,
      nonce: entry.nonce,
    })
  }

  /** @throws CodexError as an endpoint may fail: then nothing is known, and nothing may be sent */
  async #mayHappen({ told, safeAfter, slotId }: JournalEntry): Promise<boolean> {
    if (told !== undefined && told !== 'mined') return false
    if (safeAfter === undefined || slotId === undefined) return true
    return isCollectSafe(this.#parts, { slotId, safeAfter }, { signal: this.#signal })
  }

  /** @returns what stands in the way, if anything does */
  async #replace(
    watched: Watched,
    { kind, isPressed }: { readonly kind: Attempt['kind']; readonly isPressed: boolean },
    options: AbortOptions,
  ): Promise<Hindrance | undefined> {
    const { clock, fees, heads, key, log } = this.#parts
    const { entry } = watched
    const last = entry.attempts.at(-1) as Attempt
    const before = feesOf(last.raw)
    const more = raised(before, await fees.now(options), { maxGasPriceWei: key.maxGasPriceWei, isPressed })
    // A cancel is worth trying once without more: nodes may have dropped what it replaces.
    const offer = more ?? (kind === 'cancel' && last.kind === 'act' ? before : undefined)
    if (offer === undefined) {
      const why = `it offers ${before.maxFeePerGas} wei per unit of gas, and the cap of ${key.maxGasPriceWei} wei leaves no room for more; raise the cap on the price of gas`
      return { why, isByPrice: true }
    }
    const signed = kind === 'cancel' ? key.signCancel(last.raw, offer) : key.signAgain(last.raw, offer)
    // To withdraw is never refused: it costs little, and what it prevents may cost much.
    const refusal = kind === 'act' ? this.#refusalOf(entry, signed.maxCostWei) : undefined
    if (refusal !== undefined)
      return { why: `it is not offered more for: ${refusal.message}`, cause: refusal, isByPrice: false }
    const replacement = { ...entry, attempts: [...entry.attempts, attemptOf(signed, kind, clock.now())] }
    await writeBeforeSending(this.#parts, replacement)
    watched.entry = replacement
    watched.formBlock = heads.latest.number
    if (more !== undefined) watched.stuck = undefined
    const what = kind === 'cancel' ? 'withdrawing a transaction' : 'offering more for a stuck transaction'
    log.info(what, { verb: entry.verb, nonce: entry.nonce, maxFeePerGas: offer.maxFeePerGas, isPressed })
    await this.#resend(watched)
    return undefined
  }

  /** What a proof waits for may cost what a proof may. */
  #refusalOf({ isDuty, nonce }: JournalEntry, costWei: bigint): CodexError | undefined {
    const others = this.#open().filter((entry) => entry.nonce !== nonce)
    try {
      this.#settings.cap.check(costWei, isDuty || this.#holdsUpProofs(nonce), others)
      return undefined
    } catch (error) {
      if (!CodexError.is(error)) throw error
      return error
    }
  }

  /** Once, for a person has to act. */
  #tellStuck(watched: Watched, { why, cause }: Hindrance): void {
    if (watched.stuck !== undefined) return
    watched.stuck = stuck(watched.entry, why, cause)
    const { verb, nonce } = watched.entry
    this.#parts.log.error('a transaction is stuck', { verb, nonce, error: watched.stuck })
  }

  /** Whether the next block is one in which it would fail and cost gas all the same; false where the endpoint does not tell. */
  async #wouldComeLate(validUntil: Seconds): Promise<boolean> {
    const { heads, rpc } = this.#parts
    const [pending] = await rpc.callMany([PENDING_BLOCK], { signal: this.#signal }).catch(() => [])
    const next = pendingTime(pending)
    return next !== undefined && next > validUntil && next - heads.latest.timestamp <= MAX_BLOCK_SECONDS
  }

  async #resend(watched: Watched): Promise<void> {
    watched.sentAt = this.#parts.clock.now()
    const { attempts, verb, nonce, validUntil } = watched.entry
    const last = attempts.at(-1) as Attempt
    if (last.kind === 'act' && validUntil !== undefined && (await this.#wouldComeLate(validUntil))) return
    const answer = await this.broadcast(last.raw)
    const fate = fateOf(answer)
    if ((fate === 'refused' || fate === 'unknown') && answer?.ok === false && answer.error.code === 'market/rpc-error')
      this.#parts.log.warn('the endpoint refuses a transaction that waits', { verb, nonce, error: answer.error })
  }
}

/** Why a transaction cannot be sent in a new form, in words, with what to do. */
interface Hindrance {
  readonly why: string
  /** The cap that stands in the way, if one does. */
  readonly cause?: CodexError
  /** No more may be offered for a unit of gas: that holds for a cancel too, and for all behind. */
  readonly isByPrice: boolean
}

/** A duty that is of no use once its time is over. */
function isProof(entry: JournalEntry): entry is JournalEntry & { readonly validUntil: Seconds } {
  return entry.isDuty && entry.validUntil !== undefined
}
