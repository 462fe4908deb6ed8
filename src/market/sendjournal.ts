// The journal of transactions: each is written down, signed, before it is sent, and how it ended after; and what was spent, hour by hour. So a
// start after any crash knows what may be under way. Sending and watching are transactor.ts's.

import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId, SlotId } from '../protocol/request.ts'
import type { Change, Datastore, Key } from '../storage/datastore.ts'
import { openOrMendRecord, sealRecord } from '../storage/sealedrecord.ts'
import { indexKey, joinKey } from '../storage/storagekey.ts'
import type { IntentVerb } from './intent.ts'
import type { Landed } from './market.ts'

/** One form in which a transaction was sent, or may have been: it was written down before. */
export interface Attempt {
  readonly hash: string
  readonly raw: string
  /** `cancel`: pays nothing to ourselves, so that what was meant can no longer happen. */
  readonly kind: 'act' | 'cancel'
  readonly maxCostWei: bigint
  /** When it was signed, by the machine's clock. */
  readonly at: Seconds
}

/** `replaced`: another transaction took the nonce. `cancelled`: a cancel of ours did. */
export type EntryEnd = 'mined' | 'failed' | 'replaced' | 'cancelled'

export interface JournalEntry {
  readonly nonce: number
  readonly verb: IntentVerb
  /** Names the act, so that it is not done twice. */
  readonly key: string | undefined
  readonly requestId: RequestId | undefined
  readonly slotId: SlotId | undefined
  /** After this chain time the act is of no use any more. */
  readonly validUntil: Seconds | undefined
  /** A mined block must be later than this chain time whenever it is sent: before, the act does harm. */
  readonly safeAfter?: Seconds | undefined
  readonly isDuty: boolean
  /** Oldest first, at least one. */
  readonly attempts: readonly Attempt[]
  readonly end: EntryEnd | undefined
  /** What its caller was told of its end, which a reorganisation may have taken back since. */
  readonly told?: EntryEnd | undefined
  /** Of a payment: whoever asked for it knows that it was made. Until then it is kept, for sending it once more would pay twice. */
  readonly isAnswered?: boolean
  readonly landed: Landed | undefined
  /** Of one that was replaced: the other transaction was found in the chain. */
  readonly isProven?: boolean
}

/** A payment to others of which nobody may have been told yet that it was made. */
export function isUnanswered({ verb, attempts, end, isAnswered, isProven }: JournalEntry): boolean {
  const isPayment = (verb === 'sendToken' || verb === 'sendCoin') && attempts[0]?.kind === 'act'
  const wasNotMade = end === 'failed' || end === 'cancelled' || (end === 'replaced' && isProven === true)
  return isPayment && isAnswered !== true && !wasNotMade
}

export interface JournalContents {
  /** In the order of their nonces. */
  readonly entries: readonly JournalEntry[]
  /** Records that cannot be read, by their error: what was under way then is unknown. */
  readonly damaged: readonly CodexError[]
  /** Where what was spent cannot be read: it is counted from nothing. */
  readonly spendingDamage: CodexError | undefined
}

const HOUR_SECONDS = 3600
const DAY_SECONDS = 24 * HOUR_SECONDS
export const SPENDING_WINDOW_HOURS = 24
/** Duties come unevenly: so many hours say how fast they spend. */
const PACE_HOURS = 6

/** In one hour, in wei. */
interface HourSpent {
  readonly all: bigint
  /** Of it, what duties took. */
  readonly duties: bigint
}
const LOST_GENESIS =
  'which chain this key was used on last cannot be read; if it is another one now, transactions of that one are left alone'
/** No account of ours has sent that many, so a record beyond it is damage. */
const MAX_ENTRIES = 100_000

export class SendJournal {
  readonly #datastore: Datastore
  readonly #prefix: Key
  readonly #spendingKey: Key
  readonly #allowanceKey: Key
  /** By hour since 1970. */
  #spent = new Map<number, HourSpent>()

  /** @param name of the account: no two accounts share a journal */
  constructor(datastore: Datastore, name: string) {
    this.#datastore = datastore
    this.#prefix = joinKey(`meta/market/intents/${name}/`)
    this.#spendingKey = joinKey(`meta/market/spending/${name}`)
    this.#allowanceKey = joinKey(`meta/market/allowance/${name}`)
  }

  /**
   * The journal of an account on one chain. Chains of the same id do not share one: what was signed for a development chain that has gone must
   * not be sent to the next. Where the endpoint does not tell how its chain begins, it is taken for the one of last time.
   * @param genesis hash of the chain's first block @throws CodexError as the datastore
   */
  static async of(
    datastore: Datastore,
    {
      chainId,
      genesis,
      address,
    }: { readonly chainId: number; readonly genesis: string | undefined; readonly address: string },
    log: Log,
  ): Promise<SendJournal> {
    const account = `${chainId}-${address}`
    const key = joinKey(`meta/market/genesis/${account}`)
    const record = await datastore.get(key)
    const before = record && unlessDamaged(key, record, (error) => log.error(LOST_GENESIS, { chainId, error }))
    const chain = genesis ?? before ?? 'unknown'
    if (chain !== before) await datastore.commit([{ put: key, value: sealRecord(utf8(chain)) }])
    if (before !== undefined && chain !== before)
      log.warn('this is another chain than last time; transactions of that one are left alone', {
        chainId,
        before,
        chain,
      })
    return new SendJournal(datastore, `${account}-${chain}`)
  }

  /** Reads everything there is. @throws CodexError as the datastore */
  async load(): Promise<JournalContents> {
    const entries: JournalEntry[] = []
    const damaged: CodexError[] = []
    const spendingDamage = await this.#loadSpending()
    for await (const [key, value] of this.#datastore.entries(this.#prefix, new AbortController())) {
      if (entries.length === MAX_ENTRIES) break
      try {
        entries.push(readEntry(openOrMendRecord(key, value)))
      } catch (error) {
        if (!CodexError.is(error)) throw error
        damaged.push(error)
      }
    }
    return { entries, damaged, spendingDamage }
  }

  /** Writes `entry` in the place of the one with its nonce. Settles once it will survive a power cut. @throws as the datastore */
  async write(entry: JournalEntry): Promise<void> {
    await this.#datastore.commit([this.#put(entry)])
  }

  /** Writes how it ended and what it cost, as one. What it cost counts also when that cannot be written. @throws as the datastore */
  async writeEnd(entry: JournalEntry, costWei: bigint, now: Seconds): Promise<void> {
    const hour = Math.floor(now / HOUR_SECONDS)
    const spent = new Map([...this.#spent].filter(([then]) => then > hour - SPENDING_WINDOW_HOURS))
    const { all, duties } = spent.get(hour) ?? { all: 0n, duties: 0n }
    spent.set(hour, { all: all + costWei, duties: duties + (entry.isDuty ? costWei : 0n) })
    const spending = JSON.stringify([...spent].map(([then, row]) => [then, String(row.all), String(row.duties)]))
    // The next that ends writes it too.
    this.#spent = spent
    await this.#datastore.commit([this.#put(entry), { put: this.#spendingKey, value: sealRecord(utf8(spending)) }])
  }

  /** Forgets the transactions with these nonces: never sent, or final. */
  async forget(nonces: readonly number[]): Promise<void> {
    if (nonces.length === 0) return
    await this.#datastore.commit(nonces.map((nonce): Change => ({ drop: this.#key(nonce) })))
  }

  /** Paid in the last {@link SPENDING_WINDOW_HOURS}, in wei. */
  spent(now: Seconds): bigint {
    const hour = Math.floor(now / HOUR_SECONDS)
    let wei = 0n
    for (const [then, { all }] of this.#spent) if (then > hour - SPENDING_WINDOW_HOURS) wei += all
    return wei
  }

  /** What duties would cost in a day if they went on as in the last {@link PACE_HOURS}, in wei. */
  dutyPace(now: Seconds): bigint {
    const since = Math.floor(now / HOUR_SECONDS) - PACE_HOURS
    const recent = [...this.#spent].filter(([then, { duties }]) => then > since && duties > 0n)
    const first = recent.reduce((earliest, [then]) => Math.min(earliest, then * HOUR_SECONDS), now)
    const wei = recent.reduce((sum, [, { duties }]) => sum + duties, 0n)
    // What a first few minutes cost says little yet.
    return (wei * BigInt(DAY_SECONDS)) / BigInt(Math.ceil(Math.max(HOUR_SECONDS, now - first)))
  }

  /**
   * What the marketplace was granted before the first run; undefined before it was written, and where it cannot be read any more: then what is granted
   * by now is left alone too. @throws CodexError as the datastore
   */
  async grantedBefore(): Promise<bigint | undefined> {
    const record = await this.#datastore.get(this.#allowanceKey)
    const amount = record && unlessDamaged(this.#allowanceKey, record)
    return amount === undefined ? undefined : BigInt(amount)
  }

  async writeGrantedBefore(amount: bigint): Promise<void> {
    await this.#datastore.commit([{ put: this.#allowanceKey, value: sealRecord(utf8(String(amount))) }])
  }

  #put(entry: JournalEntry): Change {
    return { put: this.#key(entry.nonce), value: sealRecord(utf8(writtenEntry(entry))) }
  }

  #key(nonce: number): Key {
    return joinKey(this.#prefix, indexKey(nonce))
  }

  async #loadSpending(): Promise<CodexError | undefined> {
    let damage: CodexError | undefined
    const record = await this.#datastore.get(this.#spendingKey)
    const text = record && unlessDamaged(this.#spendingKey, record, (error) => (damage = error))
    const rows = JSON.parse(text ?? '[]') as [number, string, string?][]
    this.#spent = new Map(rows.map(([hour, all, duties = '0']) => [hour, { all: BigInt(all), duties: BigInt(duties) }]))
    return damage
  }
}

/** A node that holds slots must start: of what is lost here it can do without the past. */
function unlessDamaged(key: Key, record: Uint8Array, report?: (error: CodexError) => void): string | undefined {
  try {
    return textOf(openOrMendRecord(key, record))
  } catch (error) {
    if (!CodexError.is(error, 'store/corrupted-record')) throw error
    report?.(error)
    return undefined
  }
}

/** `bigint`s as texts; what is undefined is left out. */
function writtenEntry(entry: JournalEntry): string {
  return JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

/** The checksum held, so that what is here is what we wrote. */
function readEntry(payload: Uint8Array): JournalEntry {
  const { key, requestId, slotId, validUntil, safeAfter, end, told, landed, ...rest } = JSON.parse(
    textOf(payload),
  ) as JournalEntry
  return {
    ...rest,
    key,
    requestId,
    slotId,
    validUntil,
    safeAfter,
    end,
    told,
    attempts: rest.attempts.map((attempt) => ({ ...attempt, maxCostWei: BigInt(attempt.maxCostWei) })),
    landed:
      landed === undefined ? undefined : { ...landed, gasUsed: BigInt(landed.gasUsed), feeWei: BigInt(landed.feeWei) },
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
