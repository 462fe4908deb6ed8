// The duty of one period, step by step: whose period counts, and proofs that fail on purpose.

import { describe, expect, it } from 'vitest'
import { Bell } from '../../src/lib/bell.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { PokedWait } from '../../src/lib/pokedwait.ts'
import { type Groth16Proof, NO_PROOF } from '../../src/market/groth16proof.ts'
import type { SubmitOutcome } from '../../src/market/market.ts'
import { MARKETPLACE } from '../../src/market/marketplaceinterface.ts'
import { revertError } from '../../src/market/reverts.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import { type ProofCount, provePeriod } from '../../src/sales/proveperiod.ts'
import type { SaleContext } from '../../src/sales/salecontext.ts'
import type { SlotContent, SlotWork } from '../../src/sales/slotwork.ts'
import { slot } from '../fakes/salesparts.ts'

const PERIOD = 120
const FIRST = 1000
const PROOF = { ...NO_PROOF, a: { x: 1n, y: 2n } }
const DONE: SubmitOutcome = {
  done: true,
  transaction: { hash: '0x1', block: 1, blockHash: '0x2', gasUsed: 1n, feeWei: 1n },
}

/** A chain that is in `chain.period` and asks for a proof of each until it has one; who sends zeros is refused. */
function duty({
  clockPeriod = FIRST,
  failEveryProofs = 0,
  prove: proveSlot = async () => PROOF,
}: {
  readonly clockPeriod?: number
  readonly failEveryProofs?: number
  readonly prove?: SlotWork['prove']
} = {}) {
  const { signal } = new AbortController()
  const clock = new ManualClock(clockPeriod * PERIOD)
  const chain = { period: FIRST, isDue: true, pointer: 1, blockSeconds: 2, challenge: '0x7' }
  const asked: string[] = []
  const sent: { readonly period: number; readonly proof: Groth16Proof }[] = []
  /** What sending fails with, one after the other. */
  const failures: Error[] = []
  const troubles: unknown[] = []
  const id = `0x${'5'.repeat(64)}` as SlotId
  const context = {
    troubled: (of: SlotId, error: unknown) => troubles.push([of, error]),
    ...{ clock, id, signal, failEveryProofs, slot: slot(1) as { requestId: RequestId; slotIndex: number } },
    wait: new PokedWait(clock, new Bell(), signal),
    log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
    work: {
      prove: (...args: Parameters<SlotWork['prove']>) => {
        asked.push(args[1])
        return proveSlot(...args)
      },
    },
    market: {
      terms: { proofs: { period: PERIOD, timeout: 30, downtime: 64 } },
      blockInterval: async () => chain.blockSeconds,
      slotDuties: async () => {
        const { period, isDue, pointer, challenge } = chain
        const due = { slotId: id, period, due: 'now', challenge, pointer }
        return [{ slotId: id, state: 'Filled', period, pointer, duty: isDue ? due : undefined }]
      },
      challenge: async () => ({ challenge: chain.challenge, pointer: chain.pointer }),
      submitProof: async (_: SlotId, period: number, proof: Groth16Proof) => {
        sent.push({ period, proof })
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        if (proof === NO_PROOF || asked.at(-1) !== chain.challenge) throw invalidProof()
        return DONE
      },
    },
  } as unknown as SaleContext
  const count: ProofCount = { proven: 0, missed: 0, due: 0, last: -1 }
  const prove = (period: number) => provePeriod(context, {} as SlotContent, period, count)
  return { id, clock, chain, sent, failures, troubles, asked, count, prove }
}

function invalidProof(): Error {
  return revertError('submitProof', MARKETPLACE.encodeErrorResult('Proofs_InvalidProof'), 'refused')
}

function noAnswer(): Error {
  return new CodexError('market/unreachable', 'no answer')
}

describe('the duty of a period', () => {
  it('is that of the period the chain is in, where the clock was pushed ahead: none is waited for in the future', async () => {
    const { clock, chain, sent, count, prove } = duty({ clockPeriod: FIRST + 3 })
    expect(await prove(FIRST + 3)).toBe('over')
    expect(sent).toEqual([{ period: FIRST, proof: PROOF }])
    expect(count).toMatchObject({ proven: 1, missed: 0, last: FIRST })
    const next = prove(FIRST + 3)
    await clock.play(10)
    expect(sent).toHaveLength(1)
    chain.period++
    await clock.play(10)
    expect(await next).toBe('over')
    expect(sent.map(({ period }) => period)).toEqual([FIRST, FIRST + 1])
    expect(count).toMatchObject({ proven: 2, due: 2, last: FIRST + 1 })
  })

  it('is waited for while the chain has not come into it', async () => {
    const { clock, chain, sent, count, prove } = duty({ clockPeriod: FIRST + 1 })
    count.last = FIRST
    const proving = prove(FIRST + 1)
    await clock.play(20)
    expect(sent).toEqual([])
    chain.period++
    await clock.play(5)
    await proving
    expect(sent).toEqual([{ period: FIRST + 1, proof: PROOF }])
  })

  it('is none where the chain asks for none until its end', async () => {
    const { clock, chain, sent, count, prove } = duty()
    count.last = FIRST
    const proving = prove(FIRST)
    chain.isDue = false
    await clock.play(PERIOD)
    expect(await proving).toBe('over')
    expect(sent).toEqual([])
    expect(count).toMatchObject({ proven: 0, missed: 0, due: 0, last: FIRST })
  })

  it.each([
    // Blocks a second apart leave the downtime behind within the period; two seconds apart only in those of the marks.
    ['is looked for again when the pointer has come around', 250, 2, 12],
    ['is looked for again, late', 180, 1, 76],
    [
      'is none for good where a pointer that comes around is in the downtime until nobody marks any more',
      230,
      2,
      undefined,
    ],
    ['is none for good where blocks come slowly', 255, 12, undefined],
  ] as const)('%s (pointer %i, a block each %i s)', async (_, pointer, blockSeconds, at) => {
    const { clock, chain, sent, count, prove } = duty()
    Object.assign(chain, { isDue: false, pointer, blockSeconds })
    const proving = prove(FIRST)
    await clock.play(at === undefined ? 1 : at - 1)
    if (at !== undefined) {
      Object.assign(chain, { isDue: true, pointer: 0 })
      expect(sent).toEqual([])
      await clock.play(2)
    }
    expect(await proving).toBe('over')
    expect(sent).toHaveLength(at === undefined ? 0 : 1)
    expect(count).toMatchObject({ proven: sent.length, missed: 0, due: sent.length, last: FIRST })
  })

  it('is proven again at once when the pointer came around meanwhile: the challenge is another', async () => {
    const { clock, chain, sent, asked, count, prove } = duty({
      prove: async () => {
        chain.challenge = '0x8'
        return PROOF
      },
    })
    const proving = prove(FIRST)
    await clock.play(1)
    expect(await proving).toBe('over')
    expect(asked).toEqual(['0x7', '0x8'])
    expect(sent).toHaveLength(2)
    expect(count).toMatchObject({ proven: 1, missed: 0, due: 1, last: FIRST })
  })

  it.each([
    ['right before the pointer comes around, where a proof would come too late for its challenge', 253, 2, 0, 6],
    ['in the last blocks before it, however slow they are', 255, 12, 0, 12],
    ['not while there is time for a proof', 240, 2, 0, 0],
    ['not in the second half of the period: blocks may be late', 253, 2, 61, 0],
  ] as const)('waits %s (pointer %i, a block each %i s, %i s gone)', async (_, pointer, blockSeconds, gone, waits) => {
    const { clock, chain, asked, count, prove } = duty()
    Object.assign(chain, { pointer, blockSeconds })
    await clock.play(gone)
    const proving = prove(FIRST)
    if (waits > 0) {
      await clock.play(waits - 1)
      expect(asked).toEqual([])
      Object.assign(chain, { pointer: 0, challenge: '0x8' })
    }
    await clock.play(1)
    expect(await proving).toBe('over')
    expect(asked).toEqual([waits > 0 ? '0x8' : '0x7'])
    expect(count).toMatchObject({ proven: 1, missed: 0, due: 1 })
  })

  it.each([
    ['an endpoint that was away', [noAnswer(), noAnswer()]],
    ['a cap', [new CodexError('wallet/daily-cap', 'too much'), noAnswer()]],
    ['an endpoint that is a block behind', [invalidProof()]],
  ])('is proven once where its proof could not be sent at first for %s', async (_, failing) => {
    const { id, clock, sent, failures, troubles, asked, count, prove } = duty()
    failures.push(...failing)
    const proving = prove(FIRST)
    await clock.play(15)
    expect(await proving).toBe('over')
    expect(asked).toEqual(['0x7'])
    expect(sent.map(({ proof }) => proof)).toEqual([PROOF, ...failing.map(() => PROOF)])
    expect(troubles).toEqual(failing.map((error) => [id, error]))
    expect(count).toMatchObject({ proven: 1, missed: 0, due: 1 })
  })

  it('is proven anew where its proof could not be sent, and something else is asked for then', async () => {
    const { clock, chain, failures, asked, count, prove } = duty()
    failures.push(noAnswer())
    const proving = prove(FIRST)
    await clock.play(1)
    chain.challenge = '0x8'
    await clock.play(10)
    expect(await proving).toBe('over')
    expect(asked).toEqual(['0x7', '0x8'])
    expect(count).toMatchObject({ proven: 1, missed: 0, due: 1 })
  })

  it('is proven anew where the contract refused its proof twice, whatever came in between', async () => {
    const { clock, sent, failures, asked, count, prove } = duty()
    failures.push(invalidProof(), noAnswer(), invalidProof(), invalidProof())
    const proving = prove(FIRST)
    await clock.play(12)
    expect(asked).toEqual(['0x7'])
    await clock.play(20)
    expect(await proving).toBe('over')
    expect(asked).toEqual(['0x7', '0x7'])
    expect(sent).toHaveLength(5)
    expect(count).toMatchObject({ proven: 1, missed: 0, due: 1 })
  })

  it.each<[string, SlotWork['prove']]>([
    ['hangs', (_, __, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject))],
    ['fails each time', () => Promise.reject(new Error('no proof'))],
  ])('is missed, once, where its proof %s until the period ends', async (_, proveSlot) => {
    const { clock, sent, count, prove } = duty({ prove: proveSlot })
    const proving = prove(FIRST)
    await clock.play(PERIOD - 1)
    expect(count).toMatchObject({ missed: 0, due: 1 })
    await clock.play(10)
    expect(await proving).toBe('over')
    expect(sent).toEqual([])
    expect(count).toMatchObject({ proven: 0, missed: 1, due: 1, last: FIRST })
  })

  it('is done with a proof of zeros every third time of six, if the settings say so, and the refusal is expected (simulated: every 3rd of 6 proofs is invalid)', async () => {
    const { clock, chain, sent, count, prove } = duty({ failEveryProofs: 3 })
    for (let n = 0; n < 6; n++) {
      await prove(FIRST + n)
      clock.set((FIRST + n + 1) * PERIOD)
      chain.period++
    }
    expect(sent.map(({ proof }) => proof === NO_PROOF)).toEqual([false, false, true, false, false, true])
    expect(count).toMatchObject({ proven: 4, missed: 2, due: 6 })
  })
})
