// A node that is stopped in the middle of a download and started with a smaller quota than it has promised already.

import { expect, it } from 'vitest'
import { COLLATERAL, SLOT_BYTES, SaleWorld } from '../fakes/saleworld.ts'

it.each([
  ['by the manifest that lies beside the slot', SLOT_BYTES],
  ['by half of the slot', SLOT_BYTES / 2],
  ['below what is here already', SLOT_BYTES / 4],
])(
  'a quota that is lowered in the middle of a download, %s: the sale ends in good order, and every byte and token is back (T4)',
  async (_, quotaBytes) => {
    const world = new SaleWorld()
    const work = { pieceSeconds: 60 }
    const first = await world.host('host', 1, { work })
    const had = world.balance(first.address)
    await first.sales.start(world.never)
    const { slot } = await world.ask({ duration: 1500n }, 900n)
    const used = async () => (await first.parts.repo.space()).quotaUsedBytes
    while ((await used()) < SLOT_BYTES / 2) await world.run(10)
    expect(await used()).toBeLessThan(SLOT_BYTES)
    world.cutOff(first)
    const second = await world.restart(first, { work, quotaBytes })
    const { reservations, repo } = second.parts
    expect(await repo.space()).toMatchObject({ quotaMaxBytes: quotaBytes })
    // The manifest may lie beyond it.
    const isBreached = quotaBytes < SLOT_BYTES
    const before = await reservations.check(world.never)
    expect(before).toEqual(isBreached ? [expect.stringContaining('are more than the quota of')] : [])
    await second.sales.start(world.never)
    await world.run(2000)
    expect(reservations.reservations()).toEqual([])
    expect(reservations.availabilities()).toMatchObject([
      {
        freeSize: SLOT_BYTES,
        totalSize: SLOT_BYTES,
        totalRemainingCollateral: COLLATERAL,
        totalCollateral: COLLATERAL,
      },
    ])
    expect(await repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SLOT_BYTES })
    expect((await repo.recount(world.never)).problems).toEqual([])
    // What is offered beyond the quota is all that is wrong.
    const problems = await reservations.check(world.never)
    expect(problems).toHaveLength(isBreached ? 1 : 0)
    for (const problem of problems) expect(problem).toMatch(/are more than the quota of/)
    // Room that is set aside is not taken again: what began goes on to its payout.
    expect(world.state(slot(0))).toBe('Paid')
    expect(world.balance(second.address)).toBeGreaterThan(had)
    await second.sales.stop()
    expect(second.clock.waiting).toBe(0)
  },
)
