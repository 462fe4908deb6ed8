// Every commit and every call of the slab fails once, or is the last before the power goes, while slots come, fill and end: nothing is lost,
// nothing is counted twice, and what was promised at the end of recovery holds.

import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { NEVER } from '../fakes/memorystore.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import { BLOCK, blocksOf, restarted, salesParts, slot, terms } from '../fakes/salesparts.ts'

const SETTINGS = { quotaBytes: 20 * 4 * BLOCK, settlePages: 1 }

/** Each step may fail and is given up then, as a sale is; the first error that is no planned one ends the test. */
async function story({ reservations }: SalesParts): Promise<number> {
  let failures = 0
  const attempt = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step()
    } catch (error) {
      const isPlanned = CodexError.is(error, 'datastore/failed') || CodexError.is(error, 'slab/full')
      const isFollowing = CodexError.is(error) && /^(reservations|slab)\//.test(error.code)
      if (!isPlanned && !isFollowing) throw error
      failures++
      return undefined
    }
  }
  const made = await attempt(() => reservations.create(terms(3)))
  const first = await attempt(() => reservations.reserve(slot(1)))
  const second = await attempt(() => reservations.reserve(slot(2)))
  const blocks = await blocksOf([1, 2, 3])
  const indices = [0, 128, 256]
  if (first) await attempt(() => reservations.put(first.id, blocks, { indices }))
  if (second) await attempt(() => reservations.put(second.id, blocks.slice(1), { indices: indices.slice(1) }))
  if (second) await attempt(() => reservations.markFill(second.id, 'sent'))
  if (made)
    await attempt(() =>
      reservations.change(made.id, { totalSize: made.totalSize + BLOCK, totalCollateral: 2n * made.totalCollateral }),
    )
  if (first) await attempt(() => reservations.settle(first.id, 'all'))
  const third = await attempt(() => reservations.reserve(slot(3)))
  const others = await blocksOf([4, 5])
  if (third) await attempt(() => reservations.put(third.id, others, { indices: [1, 2] }))
  if (second) await attempt(() => reservations.settle(second.id, 7n))
  if (made) await attempt(() => reservations.delete(made.id))
  return failures
}

async function expectSound(parts: SalesParts, what: string): Promise<void> {
  expect(await parts.reservations.check({ signal: NEVER }), what).toEqual([])
  expect((await parts.repo.recount({ signal: NEVER })).problems, what).toEqual([])
}

/** Whatever is left can be ended, and then all is free. */
async function expectEnd(parts: SalesParts, what: string): Promise<void> {
  for (const { id } of parts.reservations.reservations()) await parts.reservations.settle(id, 'all')
  await expectSound(parts, what)
  for (const { id } of parts.reservations.availabilities()) await parts.reservations.delete(id)
  expect(await parts.repo.space(), what).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0, quotaReservedBytes: 0 })
}

describe('every commit and slab call', () => {
  it('goes well without faults, but that slots are still there when their availability is to go', async () => {
    const calm = await salesParts(SETTINGS)
    expect(await story(calm)).toBe(1)
    expect(calm.faults.commits).toBeGreaterThan(12)
    await expectSound(calm, 'calm')
    await expectEnd(calm, 'calm')
  })

  it.each(['refused', 'lost answer'] as const)(
    'may be a commit that fails once, %s (T2, T4, T5, S3)',
    async (fault) => {
      const calm = await salesParts(SETTINGS)
      await story(calm)
      for (let n = 1; n <= calm.faults.commits; n++) {
        const what = `commit ${n} ${fault}`
        const shaken = await salesParts(SETTINGS)
        shaken.faults.failAt(n, fault)
        await story(shaken)
        await expectSound(shaken, what)
        const again = await restarted(shaken, SETTINGS)
        expect(again.alerts, what).toEqual([])
        const byId = (a: Reservation, b: Reservation): number => (a.id < b.id ? -1 : 1)
        const known = shaken.reservations.reservations().sort(byId)
        expect(again.reservations.reservations().sort(byId), what).toEqual(known)
        await expectEnd(again, what)
      }
    },
  )

  it.each(['refused', 'lost answer'] as const)('may be the last before the power goes, %s', async (fault) => {
    const calm = await salesParts(SETTINGS)
    await story(calm)
    for (let n = 1; n <= calm.faults.commits; n++) {
      const what = `power lost at commit ${n} ${fault}`
      const dying = await salesParts(SETTINGS)
      dying.faults.failAt(n, fault, true)
      await story(dying)
      // And once more while it recovers.
      const reborn = await restarted(dying, SETTINGS)
      expect(reborn.alerts, what).toEqual([])
      reborn.faults.failAt(1 + (n % 2), n % 3 === 0 ? 'refused' : 'lost answer', true)
      await reborn.reservations.settleBegun({ signal: NEVER }).catch(() => undefined)
      const again = await restarted(reborn, SETTINGS)
      expect(again.alerts, what).toEqual([])
      await again.reservations.settleBegun({ signal: NEVER })
      await expectSound(again, what)
      await expectEnd(again, what)
    }
  })

  it('may be a slab call that fails once (T4)', async () => {
    const calm = await salesParts(SETTINGS)
    await story(calm)
    for (let n = 1; n <= calm.slab.calls; n++) {
      const shaken = await salesParts(SETTINGS)
      shaken.slab.failAt(n)
      await story(shaken)
      await expectSound(shaken, `slab call ${n}`)
      await expectEnd(shaken, `slab call ${n}`)
    }
  })
})
