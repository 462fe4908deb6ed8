// The duty: a slot that is ours is proven once a period for as long as the chain says so. Nothing here gives up; a failure costs a period at most.

import { RETRY_SECONDS, insist } from '../lib/insist.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotState } from '../market/chainstates.ts'
import { Periodicity } from '../market/periodicity.ts'
import { REORG_REACH_SECONDS } from '../market/reorgreach.ts'
import type { ProofCount } from './proveperiod.ts'
import { provePeriod } from './proveperiod.ts'
import type { SaleContext } from './salecontext.ts'
import { isConfirmedLost, isConfirmedState } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'
import type { SlotContent } from './slotwork.ts'
import { wasTakenFromUs } from './takenfromus.ts'

type ProvingEnd = 'over' | 'undone' | SaleOutcome

/** @returns `over` when the slot is to be collected, `undone` when the chain took the fill back as if it had never been */
export async function* keepProving(context: SaleContext): AsyncGenerator<SalePhase, ProvingEnd, void> {
  const { signal, log, slot } = context
  const report = (error: unknown, task: string): void => log.error('a task of a sale failed', { ...slot, task, error })
  const beside = new Scope({ signal, report })
  try {
    return yield* proveOn({ ...context, beside })
  } finally {
    // Before the accounts of the slot are settled.
    await beside.close()
  }
}

async function* proveOn(context: SaleContext): AsyncGenerator<SalePhase, ProvingEnd, void> {
  const { market, clock, signal, wait } = context
  const periods = new Periodicity(market.terms.proofs.period)
  const known = await whatAndUntil(context)
  if (known === 'undone') return known
  const { content, until } = known
  yield { at: 'filled', until }
  let isKept = false
  const count: ProofCount = { proven: 0, missed: (await missedOnChain(context)) ?? 0, due: 0, last: -1 }
  for (;;) {
    const period = periods.periodOf(clock.now())
    const { proven, missed } = count
    yield { at: 'proving', period, proven, missed }
    const ended = await provePeriod(context, content, period, count)
    // What we know to be missed may not be marked yet; what an earlier run or an endpoint that was away missed, the chain knows.
    count.missed = Math.max(count.missed, (await missedOnChain(context)) ?? 0)
    if (count.proven !== proven || count.missed !== missed)
      yield { at: 'proving', period, proven: count.proven, missed: count.missed }
    // After the duty: it may take a while.
    isKept ||= await keep(context, content, until)
    if (ended !== 'over') {
      const verdict = await judge(context, ended.state)
      if (verdict !== undefined) return verdict
      // It was a passing answer: the period that it came in is still to be proven.
      await wait.atMost(RETRY_SECONDS)
      continue
    }
    // The first second of the next period; a poke makes it look sooner, and a period already proven is not proven again. A clock that was put back is
    // followed at once.
    const done = count.last
    const next = periods.endOf(done) + 1
    while (clock.now() < next && periods.periodOf(clock.now()) >= done) {
      await wait.atMost(next - clock.now())
      const state = await insist(context, () => market.slotState(context.id, { signal }))
      const verdict = await judge(context, state)
      if (verdict !== undefined) return verdict
    }
  }
}

/** Proofs of the slot that are marked as missing; undefined where the chain gives no answer: no proof waits for that. */
async function missedOnChain({ market, id, log, signal }: SaleContext): Promise<number | undefined> {
  try {
    return await market.missingProofs(id, { signal })
  } catch (error) {
    signal.throwIfAborted()
    log.debug('how many proofs of a slot are marked as missing could not be asked', { slotId: id, error })
    return undefined
  }
}

/** A request that was known and is not any more: an endpoint that lags, or a reorganisation that took everything back. */
async function whatAndUntil(context: SaleContext): Promise<{ content: SlotContent; until: Seconds } | 'undone'> {
  const { market, slot, wait, signal } = context
  for (;;) {
    const request = await insist(context, () => market.request(slot.requestId, { signal }))
    const until = await insist(context, () => market.requestEnd(slot.requestId, { signal }))
    if (request !== undefined && until !== undefined) return { content: { request, slotIndex: slot.slotIndex }, until }
    if (await isConfirmedState(context, 'Free')) return 'undone'
    await wait.atMost(RETRY_SECONDS)
  }
}

/** What a state of the slot means for the sale; undefined where it goes on. */
async function judge(context: SaleContext, state: SlotState): Promise<'over' | 'undone' | SaleOutcome | undefined> {
  switch (state) {
    case 'Filled':
      if (!(await isConfirmedLost(context, REORG_REACH_SECONDS))) return undefined
      // Another host has it: it repaired what the contract took from us, or came first after a reorganisation, which cost us nothing.
      return (await wasTakenFromUs(context)) ? { end: 'freed' } : 'undone'
    case 'Finished':
    case 'Cancelled':
    case 'Failed':
    case 'Paid':
      return 'over'
    case 'Repair':
      if (!(await isConfirmedState(context, 'Repair', REORG_REACH_SECONDS))) return undefined
      // A reorganisation may have taken back that we repaired it.
      return (await wasTakenFromUs(context)) ? { end: 'freed' } : 'undone'
    case 'Free':
      return (await isConfirmedState(context, 'Free')) ? 'undone' : undefined
  }
}

/** False when it could not be done now; a failure must not cost a proof. */
async function keep({ work, log, signal }: SaleContext, content: SlotContent, until: number): Promise<boolean> {
  try {
    await work.keepUntil(content, until, { signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    log.error('the data of a filled slot could not be kept longer; trying again next period', { error })
    return false
  }
}
