// What the demo's provider offers for a file, and what it says where it takes less.

import { expect, test } from 'vitest'
import { offerFor, whyNotTaken } from '../../src/cli/demooffer.ts'
import type { DecisionLook } from '../../src/rest/marketparts.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30
const terms = { duration: 100, pricePerBytePerSecond: 1000n, collateralPerByte: 1n, nodes: 3, tolerance: 1 }

test.each([
  ['a small file', 100_000, 64 * MiB],
  ['what just fills its slots', 32 * MiB, 2 * 3 * 16 * MiB],
  ['a byte more, whose slots are twice as large', 32 * MiB + 1, 2 * 3 * 32 * MiB],
  ['a large file', 4 * GiB, 2 * 3 * 2 * GiB],
])('the provider offers room for all slots of %s, and for those that a tab has bought', (_, fileBytes, offered) => {
  expect(offerFor(fileBytes, terms)).toBe(offered)
})

test('a file whose slots no quota holds, or no client of the demo can pay, is refused with the largest that would do', () => {
  const refusal = (fileBytes: number, duration: number): unknown => {
    try {
      return offerFor(fileBytes, { ...terms, duration })
    } catch (error) {
      return error
    }
  }
  // 20 GiB of quota take three slots of 4 GiB, not of 8.
  expect(refusal(8 * GiB, 10)).toBe(19 * GiB)
  expect(refusal(8 * GiB + 1, 10)).toMatchObject({ code: 'demo/too-large', detail: { limit: 8 * GiB } })
  expect(refusal(4 * GiB + 1, 100)).toMatchObject({ code: 'demo/too-large', detail: { limit: 4 * GiB } })
  expect(refusal(32 * MiB, 3 * 3600)).toBe(2 * 3 * 16 * MiB)
  expect(refusal(GiB, 3 * 3600)).toMatchObject({
    message:
      "expected a file of at most 32 MiB, for whose slots the demo's provider has room and its client coins for 3h, found 1 GiB",
  })
})

test('why a provider took less is told once for each slot, the first reason first', () => {
  const requestId = '0x00'
  const decision = (slotIndex: number | undefined, verdict: string, ...reasons: string[]): DecisionLook => ({
    ...{ at: 1, requestId, slotIndex, verdict, reasons },
  })
  const full = decision(2, 'ignored', 'too little room', 'too little collateral')
  const latest = [decision(0, 'lost', 'the request was cancelled'), full, full, decision(0, 'taken', 'it matches')]
  expect(whyNotTaken(latest)).toBe('slot 2: too little room, too little collateral; slot 0: the request was cancelled')
  expect(whyNotTaken([decision(undefined, 'ignored', 'price')])).toBe('all slots: price')
  expect(whyNotTaken([decision(1, 'queued')])).toBe('')
})
