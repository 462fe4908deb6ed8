// What is done for a transaction that waits: a proof is urged by its deadline, and what can be done later makes way for it. On parts made by hand.

import { describe, expect, it } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { FeeTerms } from '../../src/market/nodekey.ts'
import { feesOf, NodeKey } from '../../src/market/nodekey.ts'
import type { JournalEntry } from '../../src/market/sendjournal.ts'
import type { SentParts } from '../../src/market/sentparts.ts'
import { attemptOf, type Watched, watchedEntry } from '../../src/market/senttransaction.ts'
import { SpendingCap } from '../../src/market/spendingcap.ts'
import { MAX_ATTEMPTS, Urging } from '../../src/market/urging.ts'

const GWEI = 10n ** 9n
const START = 1_700_000_000
const BLOCK_SECONDS = 12
const never = { signal: new AbortController().signal }
const ADDRESS = `0x${'12'.repeat(20)}`
const FIRST: FeeTerms = { kind: 'eip1559', maxFeePerGas: 21n * GWEI, maxPriorityFeePerGas: GWEI }

/** @param capGwei of the day, per unit of gas of one proof of ours */
function urging(maxDailySpendWei: bigint) {
  const clock = new ManualClock(START)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const key = NodeKey.fromPrivateKey('1'.repeat(64))
  const latest = { number: 100, timestamp: START }
  const spending = { spent: () => 0n, dutyPace: () => 0n }
  const heads = { latest, hint: () => undefined } as unknown as SentParts['heads']
  const parts = {
    ...{ heads, clock, key, log, contracts: { marketplace: ADDRESS, token: ADDRESS } },
    rpc: { callMany: async () => [{ ok: true, result: '0x' }] },
    fees: { now: async () => FIRST },
    journal: { write: async () => undefined },
  } as unknown as SentParts
  const waiting: Watched[] = []
  const settings = {
    ...{ confirmations: 1, stuckSeconds: 60 },
    cap: new SpendingCap({ journal: spending, clock, heads }, maxDailySpendWei),
  }
  const look = new Urging(parts, settings, () => waiting.map(({ entry }) => entry), never.signal)
  const wait = (gasLimit: bigint, more: Partial<JournalEntry>): Watched => {
    const nonce = waiting.length
    const intent = { verb: 'sendCoin', to: ADDRESS, amount: 0n } as const
    const signed = key.sign(intent, parts.contracts, { chainId: 1, nonce, gasLimit, fees: FIRST })
    const attempts = [attemptOf(signed, 'act', clock.now())]
    const none = { key: undefined, requestId: undefined, slotId: undefined, validUntil: undefined }
    const entry = {
      nonce,
      verb: 'reserveSlot',
      ...none,
      isDuty: false,
      attempts,
      end: undefined,
      landed: undefined,
    } as const
    const times = { since: clock.now(), sentAt: clock.now(), block: latest.number }
    const watched = watchedEntry({ ...entry, ...more }, times)
    waiting.push(watched)
    return watched
  }
  return {
    /** Of a period that lasts for so many seconds yet. */
    proof: (left: number) => wait(170_000n, { verb: 'submitProof', isDuty: true, validUntil: START + left }),
    act: (gasLimit: bigint) => wait(gasLimit, {}),
    /** One block after the other, without any of ours in it. */
    async blocks(count: number) {
      for (let block = 0; block < count; block++) {
        clock.advance(BLOCK_SECONDS)
        latest.number++
        latest.timestamp += BLOCK_SECONDS
        for (const watched of waiting) await look.urge(watched, 0, never)
      }
    },
    waiting,
  }
}

const kindsOf = ({ entry }: Watched): string[] => entry.attempts.map(({ kind }) => kind)
const tipsOf = ({ entry }: Watched): bigint[] =>
  entry.attempts.map(({ raw }) => feesOf(raw).maxPriorityFeePerGas / GWEI)

describe('a proof that waits', () => {
  it('is offered twice the tip for when a quarter of the time left has passed, again and again, and those behind it too', async () => {
    const { proof, blocks, waiting } = urging(10n ** 18n)
    for (let slot = 0; slot < 3; slot++) proof(119)
    await blocks(1)
    expect(waiting.map(tipsOf)).toEqual([[1n], [1n], [1n]])
    await blocks(7)
    for (const tips of waiting.map(tipsOf)) expect(tips).toEqual([1n, 2n, 4n, 8n, 16n])
  })

  it('of a long period is not hurried', async () => {
    const { proof, act, blocks } = urging(10n ** 18n)
    const [first, second] = [act(100_000n), proof(100_000)]
    await blocks(5)
    // As anything that is stuck, the first alone, by a quarter.
    expect(first.entry.attempts).toHaveLength(2)
    expect(tipsOf(second)).toEqual([1n])
  })
})

describe('what can be done later', () => {
  /** Leaves room for proofs, and for acts none beyond a first form of so much gas. */
  const GAS = 550_000n
  const TIGHT = (FIRST.maxFeePerGas * (GAS + 170_000n) * 11n) / 10n

  it('and may not be offered more for makes way for a proof behind it', async () => {
    const { act, proof, blocks } = urging(TIGHT)
    const first = act(GAS)
    await blocks(6)
    expect(kindsOf(first)).toEqual(['act'])
    expect(first.stuck?.message).toContain('exceed the cap')
    proof(200)
    await blocks(4)
    expect(kindsOf(first).slice(0, 2)).toEqual(['act', 'cancel'])
    expect(first.stuck).toBeUndefined()
  })

  it('may cost what a proof may while one waits behind it', async () => {
    const { act, proof, blocks } = urging((FIRST.maxFeePerGas * GAS * 26n) / 20n)
    const first = act(GAS)
    await blocks(6)
    expect(kindsOf(first)).toEqual(['act'])
    const { entry } = proof(119)
    // So little is under way with it that a duty of this price is granted.
    Object.assign(entry, { attempts: entry.attempts.map((form) => ({ ...form, maxCostWei: 0n })) })
    await blocks(3)
    expect(kindsOf(first).slice(0, 2)).toEqual(['act', 'act'])
  })

  it('makes way when its forms are used up, for proofs of a period that is over too: their sales wait for them', async () => {
    const { act, proof, blocks } = urging(10n ** 18n)
    const first = act(GAS)
    await blocks(5 * MAX_ATTEMPTS)
    expect(kindsOf(first)).toHaveLength(MAX_ATTEMPTS)
    proof(-1)
    await blocks(6)
    expect(kindsOf(first).slice(MAX_ATTEMPTS - 1, MAX_ATTEMPTS + 1)).toEqual(['act', 'cancel'])
  })
})
