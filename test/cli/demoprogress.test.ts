// What the demo's line on a terminal says of the purchase: a bar for bytes while there are some on their way, and one for time until it is paid.

import { expect, test } from 'vitest'
import { demoProgress, type DemoSale } from '../../src/cli/demoprogress.ts'
import { progressLine } from '../../src/cli/progress.ts'

const SALE: DemoSale = {
  slotIndex: 0,
  state: 'SaleSlotReserving',
  since: 1000,
  proven: 0,
  phase: { at: 'reserving' },
  reservation: { slotBytes: 1000, validUntil: 1100 },
}

function lineOf(sales: readonly DemoSale[], time = 1000): string {
  const { label, doneBytes, totalBytes } = demoProgress({ time, periodSeconds: 30, sales })
  return progressLine({ label, doneBytes, totalBytes, bytesPerSecond: 0, elapsedSeconds: 1 }, 119)
}

test('without a slot it says so, and draws no bar', () => {
  expect(lineOf([])).toMatch(/^waiting for the chain, no slot yet {2}1s?/)
  expect(lineOf([])).not.toContain('[')
})

test('while any slot is downloaded it draws the bytes of all of them', () => {
  const downloading = { ...SALE, slotIndex: 1, state: 'SaleDownloading' }
  const half = { ...downloading, phase: { at: 'downloading', doneBytes: 500, totalBytes: 1000 } }
  const proving = { ...SALE, slotIndex: 2, state: 'SaleInitialProving', phase: { at: 'initial proving' } }
  // One has nothing yet, one half, one all.
  expect(demoProgress({ time: 1000, periodSeconds: 30, sales: [SALE, half, proving] })).toMatchObject({
    doneBytes: 1500,
    totalBytes: 3000,
  })
  expect(lineOf([SALE, half, proving])).toContain('slots downloaded  [#####.....]   50%')
})

test('from the last fill on it draws the time until the slots are paid', () => {
  const filled = { ...SALE, state: 'SaleProving', proven: 2, phase: { at: 'proving' } }
  expect(lineOf([filled, { ...filled, slotIndex: 1 }], 1050)).toContain('paid in 50s  [#####.....]  period in 30 s')
  expect(lineOf([filled, SALE], 1050)).not.toContain('[')
  expect(lineOf([filled, SALE], 1050)).toContain('slots 0 Proving 2, 0 SlotReserving 0')
})
