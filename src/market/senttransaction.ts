// One transaction that was sent, while it is looked after: what its sender sees of it, and what those who look after it keep of it. Plain data.

import type { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Landed } from './market.ts'
import type { SignedTransaction } from './nodekey.ts'
import type { Attempt, JournalEntry } from './sendjournal.ts'

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

export interface Watched extends Sent {
  entry: JournalEntry
  readonly resolve: (settled: Settled) => void
  readonly reject: (error: unknown) => void
  /** When this run began to look after it. */
  readonly since: Seconds
  sentAt: Seconds
  /** Looks that found the nonce used and no receipt, and since when. */
  gone: { looks: number; readonly since: Seconds } | undefined
  /** The newest block when its last form was signed, as far as this run knows. */
  formBlock: number
  /** The newest block when it ended. */
  endedBlock: number
  checkedDepth: number
  /** Why nothing more can be done for it though it waits too long; told once. */
  stuck: CodexError<'market/stuck'> | undefined
  /** Code of what went wrong when it was looked after, and was told. */
  problem: string | undefined
}

/** @param since now @param sentAt when it was sent; `-Infinity` when that is not known @param block the newest one */
export function watchedEntry(
  entry: JournalEntry,
  { block, ...times }: { readonly since: Seconds; readonly sentAt: Seconds; readonly block: number },
): Watched {
  let resolve: Watched['resolve'] = () => undefined
  let reject: Watched['reject'] = () => undefined
  const settled = new Promise<Settled>((fulfil, fail) => {
    resolve = fulfil
    reject = fail
  })
  // Of a transaction of an earlier run nobody waits for the end.
  settled.catch(() => undefined)
  const rest = {
    formBlock: block,
    endedBlock: block,
    gone: undefined,
    checkedDepth: 0,
    stuck: undefined,
    problem: undefined,
  }
  return { entry, settled, resolve, reject, ...times, ...rest }
}

export function attemptOf(signed: SignedTransaction, kind: Attempt['kind'], at: Seconds): Attempt {
  return { ...signed, kind, at }
}
