// What the gas of one slot more is weighed against: the proofs of a day within the daily cap, those of some days from the purse.

import { describe, expect, it } from 'vitest'
import type { Reservation } from '../../src/sales/reservation.ts'
import { type GasLook, gasShortage } from '../../src/sales/gasbudget.ts'
import { SaleWorld } from '../fakes/saleworld.ts'

const DAY = 86_400
const NOW = 10 * DAY
const GWEI = 10n ** 9n
const COIN = 10n ** 18n
const proofs = { period: 120, timeout: 30, downtime: 64, downtimeProduct: 67, zkeyHash: '' }

function look(changes: Partial<GasLook> = {}, spent: readonly bigint[] = new Array<bigint>(24).fill(0n)): GasLook {
  const spending = {
    ...{ capWei: COIN / 10n, takenWei: spent[0] ?? 0n, laterWei: spent },
    ...{ dutiesPerDayWei: 0n, refused: undefined },
  }
  return { spending, coinsWei: COIN, gasPriceWei: 10n * GWEI, proofs, now: NOW, host: '0xme', ...changes }
}

type Held = Pick<Reservation, 'fill' | 'validUntil' | 'proofProbability'>
const wanted = (days = 30, proofProbability = 100n) => ({ requestEnd: NOW + days * DAY, proofProbability })
const held = (count: number, each: Partial<Held> = {}): Held[] =>
  new Array<Held>(count).fill({ fill: 'landed', validUntil: NOW + 30 * DAY, proofProbability: 100n, ...each })

describe('within the daily cap', () => {
  // At q = 75 a slot proves 7.2 times a day: 0.0153 coins of gas at 10 gwei, and 0.0075 for the sale itself.
  it.each([
    ['a first slot on usual terms fits', look(), held(0), wanted(), undefined],
    ['a sixth fits', look(), held(5), wanted(), undefined],
    ['a seventh would take the gas of the proofs of the others', look(), held(6), wanted(), 'gas budget'],
    ['those under way are still to be paid for', look(), held(5, { fill: 'sent' }), wanted(), 'gas budget'],
    ['a slot proven in each period takes a cap for itself', look(), held(0), wanted(30, 1n), 'gas budget'],
    ['unless it ends before that', look(), held(0), wanted(0.05, 1n), undefined],
    ['or gas is cheap', look({ gasPriceWei: GWEI / 100n }), held(6), wanted(30, 1n), undefined],
    ['gas for nothing is no limit', look({ gasPriceWei: 0n, coinsWei: 0n }), held(6), wanted(30, 1n), undefined],
    ['what ended wants no more proofs', look(), held(6, { validUntil: NOW - 1 }), wanted(), undefined],
  ] as const)('%s', (_, given, slots, asked, why) => {
    expect(gasShortage(given, slots, asked)?.why).toBe(why)
  })

  it('counts what is spent for as long as it counts: proofs of a day ago make room for those to come', () => {
    const steady = Array.from({ length: 24 }, (_, hour) => ((COIN / 10n) * BigInt(24 - hour)) / 34n)
    expect(gasShortage(look({}, steady), held(4), wanted())).toBeUndefined()
    // The same sum, spent in the last hour for other things.
    expect(gasShortage(look({}, new Array<bigint>(24).fill(steady[0] ?? 0n)), held(4), wanted())).toMatchObject({
      why: 'gas budget',
      told: expect.stringMatching(/daily cap is 100000000000000000 wei.*--max-daily-spend/) as string,
    })
  })

  it('takes slots whose terms were not kept for what duties took so far', () => {
    const before = look()
    const pace = { ...before, spending: { ...before.spending, dutiesPerDayWei: COIN / 10n } }
    expect(gasShortage(pace, held(1), wanted())).toBeUndefined()
    expect(gasShortage(pace, held(1, { proofProbability: undefined }), wanted())?.why).toBe('gas budget')
  })
})

describe('from the purse', () => {
  it('wants three days of proofs of all that is held, payouts and the sale itself, and says whom to send coins', () => {
    // 0.0075 for the sale, 0.0459 + 0.0015 for each of two slots, and 0.012 that a node wants to see.
    expect(gasShortage(look({ coinsWei: (COIN * 12n) / 100n }), held(1), wanted())).toBeUndefined()
    expect(gasShortage(look({ coinsWei: (COIN * 11n) / 100n }), held(1), wanted())).toMatchObject({
      why: 'few coins',
      told: expect.stringContaining('Send coins to 0xme') as string,
    })
  })
})

it.each([
  ['the daily cap leaves no room for its proofs', { capWei: 1n }, 'the daily cap is 1 wei'],
  ['the purse is empty', { coinsWei: 1n }, 'the purse holds 1 wei'],
])('a slot is left without a place on chain while %s, says why, and is taken later', async (_, short, told) => {
  const world = new SaleWorld()
  const host = await world.host('host', 1)
  await host.sales.start(world.never)
  const before = { capWei: host.market.capWei, coinsWei: host.market.coinsWei }
  Object.assign(host.market, { gasPriceWei: 1n }, short)
  const { slot, id } = await world.ask({}, 3000n)
  await world.run(50)
  expect(host.sales.decisions.latest(1, id)).toMatchObject([{ verdict: 'ignored', reasons: [expect.any(String)] }])
  expect(host.sales.decisions.latest(1, id)[0]?.reasons[0]).toContain(told)
  expect([host.parts.reservations.reservations(), world.state(slot(0))]).toEqual([[], 'Free'])
  Object.assign(host.market, before)
  await world.runUntil(() => world.state(slot(0)) === 'Filled')
  expect(host.parts.reservations.reservations()).toMatchObject([{ proofProbability: expect.any(BigInt) as bigint }])
  await host.sales.stop()
})
