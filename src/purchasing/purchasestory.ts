// One purchase from its request to its end, told downward: submit, wait until it starts, wait until it ends, take the money that is left.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import type { Log } from '../lib/log.ts'
import { PokedWait } from '../lib/pokedwait.ts'
import type { Seconds } from '../lib/units.ts'
import type { Market, WithdrawOutcome } from '../market/market.ts'
import { REORG_REACH_SECONDS } from '../market/reorgreach.ts'
import { requestId } from '../protocol/ids.ts'
import type { RequestId, StorageRequest } from '../protocol/request.ts'

/** Yielded on entry. */
export type PurchasePhase =
  | { readonly at: 'pending' }
  /** Cancelled unless all slots are filled by `expiry`. */
  | { readonly at: 'submitted'; readonly expiry: Seconds }
  | { readonly at: 'started'; readonly until: Seconds }
  /** Over on chain; what is left of the price is being taken back. */
  | { readonly at: 'finished' | 'cancelled' | 'failed' }

export type PurchaseOutcome =
  | { readonly end: 'finished' | 'cancelled' | 'failed' }
  /** Nothing was paid. */
  | { readonly end: 'errored'; readonly error: CodexError }

export interface PurchaseSeams {
  readonly market: Pick<
    Market,
    'requestStorage' | 'requestState' | 'requestEnd' | 'requestExpiry' | 'withdrawFunds' | 'openIntents'
  >
  /** The chain's. */
  readonly clock: Clock
  readonly log: Log
}

export interface PurchaseOptions extends AbortOptions {
  /** It was asked for before this node started: whether it was sent is the chain's to say. */
  readonly isRestored: boolean
  /** Rings when something happened to the request: time to look. */
  readonly bell: Bell
}

/** The chain's state is derived from time: it may lag behind our clock. */
const LAG_SECONDS: Seconds = 1
/** However quiet it is, the state is read again so often. */
const MAX_QUIET_SECONDS: Seconds = 600

/** How long a request is offered to an endpoint that fails. */
const SUBMIT_SECONDS: Seconds = 300

/** How a request ended, by its state on chain. */
export const OVER = {
  New: undefined,
  Started: undefined,
  Finished: 'finished',
  Cancelled: 'cancelled',
  Failed: 'failed',
} as const

/**
 * Marketplace reference §7.1. Events are only pokes: every decision reads the chain's state, so none can be missed between subscribing and reading.
 * Once the request is sent nothing but the chain ends it; failing reads are tried again for ever. Rejects only with the signal's reason.
 */
export async function* purchaseStory(
  request: StorageRequest,
  seams: PurchaseSeams,
  { signal, isRestored, bell }: PurchaseOptions,
): AsyncGenerator<PurchasePhase, PurchaseOutcome, void> {
  const wait = new PokedWait(seams.clock, bell, signal)
  try {
    yield { at: 'pending' }
    const asking: Asking = { ...seams, id: requestId(request), signal, wait }
    if (!isRestored) {
      const error = await submit(request, asking)
      if (error !== undefined) return { end: 'errored', error }
    }
    return yield* follow(asking)
  } finally {
    wait.end()
  }
}

interface Asking extends PurchaseSeams, AbortOptions {
  readonly id: RequestId
  readonly wait: PokedWait
}

async function* follow(asking: Asking): AsyncGenerator<PurchasePhase, PurchaseOutcome, void> {
  const { market, clock, id, signal, wait } = asking
  let unknownSince: Seconds | undefined
  for (;;) {
    const state = await insist(asking, () => market.requestState(id, { signal }))
    if (state !== undefined || isOnItsWay(asking)) unknownSince = undefined
    switch (state) {
      case undefined:
        // For a while: an endpoint that lags does not know it yet, and after a reorganisation it may come again.
        unknownSince ??= clock.now()
        if (clock.now() >= unknownSince + MAX_QUIET_SECONDS) return { end: 'errored', error: notOnChain(id) }
        await wait.atMost(RETRY_SECONDS)
        break
      case 'New': {
        const expiry = await insist(asking, () => market.requestExpiry(id, { signal }))
        if (expiry !== undefined) yield { at: 'submitted', expiry }
        await quiet(asking, expiry)
        break
      }
      case 'Started': {
        const until = await insist(asking, () => market.requestEnd(id, { signal }))
        if (until !== undefined) yield { at: 'started', until }
        await quiet(asking, until)
        break
      }
      case 'Finished':
      case 'Cancelled':
      case 'Failed':
        yield { at: OVER[state] }
        // Time is not taken back, a failure may be: with the loss of a slot that a reorganisation undid.
        if (state === 'Failed' && !(await staysFailed(asking))) break
        if (await isWithdrawn(asking)) return { end: OVER[state] }
    }
  }
}

/** @returns why nothing was sent */
async function submit(request: StorageRequest, asking: Asking): Promise<CodexError | undefined> {
  const { market, clock, signal, log, id, wait } = asking
  const giveUpAt = clock.now() + SUBMIT_SECONDS
  for (;;)
    try {
      await market.requestStorage(request, { signal })
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      // What was sent may land, or have landed, whatever we heard of it: the chain is asked before anybody is told that nothing was paid.
      if (isOnItsWay(asking)) return undefined
      const state = await insist(asking, () => market.requestState(id, { signal }))
      if (state !== undefined) return undefined
      if (isPassing(error) && clock.now() < giveUpAt) {
        log.warn('a purchase could not be submitted; trying again', { requestId: id, error })
        // The contract takes the same request only once, should the first have been sent all the same.
        await wait.atMost(RETRY_SECONDS)
        continue
      }
      log.error('a purchase was not submitted', { requestId: id, error })
      if (CodexError.is(error)) return error
      return new CodexError('purchase/not-submitted', 'the request could not be sent: see the cause', { cause: error })
    }
}

/** It is the endpoint's, and no word about the request. */
function isPassing(error: unknown): boolean {
  return CodexError.is(error, 'market/unreachable') || CodexError.is(error, 'market/rate-limited')
}

function isOnItsWay({ market, id }: Asking): boolean {
  return market.openIntents().some((intent) => intent.requestId === id)
}

async function staysFailed(asking: Asking): Promise<boolean> {
  const { market, clock, id, signal } = asking
  const end = clock.now() + REORG_REACH_SECONDS
  while (clock.now() < end) {
    await clock.until(clock.now() + RETRY_SECONDS * 3, { signal })
    if ((await insist(asking, () => market.requestState(id, { signal }))) !== 'Failed') return false
  }
  return true
}

/** False when the chain did not give it out yet: look at its state again. */
async function isWithdrawn(asking: Asking): Promise<boolean> {
  const { market, id, signal, wait } = asking
  const outcome = await insist<WithdrawOutcome>(asking, () => market.withdrawFunds(id, { signal }))
  // Nothing to withdraw: an earlier run took it, and stopped before it could say so.
  if (outcome.done || outcome.why === 'nothing to withdraw') return true
  await wait.atMost(RETRY_SECONDS)
  return false
}

/** Until the instant, or a poke, and never longer than {@link MAX_QUIET_SECONDS}. */
function quiet({ clock, wait }: Asking, until: Seconds | undefined): Promise<void> {
  const wanted = until === undefined ? RETRY_SECONDS : until + LAG_SECONDS - clock.now()
  return wait.atMost(Math.min(Math.max(wanted, LAG_SECONDS), MAX_QUIET_SECONDS))
}

function notOnChain(id: RequestId): CodexError {
  return new CodexError(
    'purchase/not-submitted',
    'the chain does not know this request and no transaction for it is under way, so nothing was paid: ask for it again',
    { detail: { requestId: id } },
  )
}
