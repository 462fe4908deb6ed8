// Tokens and coins that an earlier run was sending when it ended, and what became of them: sending them once more would pay twice.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Address, Landed } from './market.ts'
import { TOKEN } from './marketplaceinterface.ts'
import { callOf } from './nodekey.ts'
import type { Attempt, JournalEntry } from './sendjournal.ts'
import type { Sent } from './senttransaction.ts'

/**
 * `made`: it is in the chain. `not made`: it did not happen, and will not any more. `under way`: it may still be made. `unknown`: its nonce is used,
 * and the endpoint cannot tell whether by it.
 */
export type EarlierFate = 'made' | 'not made' | 'under way' | 'unknown'

/** A payment that an earlier run sent, and ended before it told what became of it. */
export interface EarlierSend {
  readonly verb: 'sendToken' | 'sendCoin'
  readonly nonce: number
  readonly to: Address
  /** In base units of the token, or wei. */
  readonly amount: bigint
  /** Of every form it was sent in, oldest first. */
  readonly hashes: readonly string[]
  readonly fate: EarlierFate
  /** Where it is in the chain, when it was made. */
  readonly landed: Landed | undefined
}

/** Of asking for such payments. */
export interface EarlierOptions extends AbortOptions {
  /** How long it is waited for what is under way. Silent: until all ends are known. */
  readonly patienceSeconds?: Seconds
}

/** @param sents unanswered ones, oldest first @throws CodexError `market/stopped`, or the signal's reason */
export async function earlierSends(
  sents: readonly Sent[],
  clock: Clock,
  { signal, patienceSeconds = Infinity }: EarlierOptions,
): Promise<EarlierSend[]> {
  const timer = new AbortController()
  const deadline = clock.now() + patienceSeconds
  const isOver = patienceSeconds === Infinity ? new Promise<never>(() => undefined) : clock.until(deadline, timer)
  const patience = isOver.then(
    (): Ending => ['under way', undefined],
    (): Ending => ['under way', undefined],
  )
  try {
    const ends = sents.map((sent): Promise<Ending> => Promise.race([endingOf(sent), patience]))
    const endings = await raceAbort(Promise.all(ends), signal)
    return sents.map(({ entry }, i) => earlierSend(entry, endings[i] as Ending))
  } finally {
    timer.abort()
  }
}

type Ending = readonly [EarlierFate, Landed | undefined]

async function endingOf({ entry: { end, landed }, settled }: Sent): Promise<Ending> {
  if (end !== undefined) return end === 'mined' ? ['made', landed] : ['unknown', undefined]
  try {
    return ['made', (await settled).landed]
  } catch (error) {
    if (!CodexError.is(error) || error.code === 'market/stopped') throw error
    const isUnproven = error.code === 'market/replaced' && error.detail['isProven'] !== true
    return [isUnproven ? 'unknown' : 'not made', undefined]
  }
}

function earlierSend(entry: JournalEntry, [fate, landed]: Ending): EarlierSend {
  const { nonce, attempts } = entry
  const verb = entry.verb === 'sendCoin' ? 'sendCoin' : 'sendToken'
  const { to, data, value } = callOf((attempts[0] as Attempt).raw)
  const [receiver, amount] = verb === 'sendCoin' ? ([to, BigInt(value)] as const) : transferOf(data)
  const hashes = attempts.map(({ hash }) => hash)
  return { verb, nonce, to: receiver.toLowerCase(), amount, hashes, fate, landed }
}

/** We signed it, so that it decodes. */
function transferOf(data: string): readonly [to: string, amount: bigint] {
  return TOKEN.decodeFunctionData('transfer', data) as unknown as readonly [string, bigint]
}
