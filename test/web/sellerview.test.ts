// Which slots need their tab open.

import { expect, test } from 'vitest'

import { holdsFilled, viewedSlot } from '../../web/sellerview.ts'

type Report = Parameters<typeof viewedSlot>[0]

const viewed = (report: Partial<Report>) =>
  viewedSlot({ requestId: `0x${'ab'.repeat(32)}`, slotIndex: 1, proven: 0, missed: 0, ...report } as Report, 5n)

test('a slot of an earlier run that has not been taken up again yet needs its tab open, if it was filled', () => {
  const [filled, taken] = [100, undefined].map((filledAt) => viewed({ state: 'SaleUnknown', filledAt }))
  expect([filled, taken].map((slot) => slot !== undefined && holdsFilled({ view: { slots: [slot] } }))).toEqual([
    true,
    false,
  ])
  expect(filled).toMatchObject({ filledAt: 100, weiPerSecond: 5n })
})
